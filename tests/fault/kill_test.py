#!/usr/bin/python3
"""SIGKILL of the server, again and again, while runs are started and containers run.

Usage: kill_test.py GOFER BUSYBOX_IMAGE_TOOL [--rounds N] [--seed N]

Every run whose start was acknowledged is written to a ledger. Each round kills the server at a random
moment and starts it again on the same data directory. In the end every run of the ledger must be there and
must have ended as it would have without the kills, with the whole output of every container exactly once,
in order: containers that ran through a kill were re-adopted, and none was started twice.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

LINES = 8
STARTERS = 2
UP_TIME_S = (0.05, 0.9)  # how long the server lives in a round
SETTLE_TIMEOUT_S = 90

# Counts to LINES with pauses; the second task needs the first, the third its failure.
COUNT = "for i in $(seq 1 %d); do echo \"$GOFER_TASK_ID $i\"; sleep 0.1; done; exit %d"
PIPELINE = {
    "id": "counter", "name": "Counter",
    "tasks": [
        {"id": "one", "image": "busybox:latest", "command": ["sh", "-c", COUNT % (LINES, 0)]},
        {"id": "two", "image": "busybox:latest", "command": ["sh", "-c", COUNT % (LINES, 1)],
         "depends_on": {"one": "success"}},
        {"id": "three", "image": "busybox:latest", "command": ["sh", "-c", COUNT % (1, 0)],
         "depends_on": {"two": "failure"}},
        {"id": "never", "image": "busybox:latest", "command": ["true"],
         "depends_on": {"two": "success"}},
    ],
}
EXPECTED = {
    "one": ("SUCCESSFUL", LINES), "two": ("FAILED", LINES), "three": ("SUCCESSFUL", 1),
    "never": ("SKIPPED", None),
}


class Ledger:
    """The runs whose start the server has acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.run_ids = []
        self.refused = 0

    def add(self, run_id):
        with self.lock:
            self.run_ids.append(run_id)


def start_runs(server, ledger, stop):
    """Starts runs until told to stop; failures are normal, because the server is being killed."""
    while not stop.is_set():
        try:
            result = server.run("pipeline", "run", "counter", "-o", "json", check=False, timeout=20)
        except (subprocess.TimeoutExpired, OSError):
            continue
        if result.returncode == 0:
            ledger.add(int(json.loads(result.stdout)["run"]["runId"]))
        else:
            ledger.refused += 1
        stop.wait(0.1)


def wait_for_end(server, run_id, deadline):
    while time.monotonic() < deadline:
        run = json.loads(server.run("run", "get", "counter", str(run_id), "-o", "json").stdout)["run"]
        if run["state"] == "RUN_STATE_COMPLETE":
            return run
        time.sleep(0.1)
    raise AssertionError("run %d has not ended: %s" % (run_id, run))


def check_run(server, run_id, deadline):
    run = wait_for_end(server, run_id, deadline)
    assert run["status"] == "RUN_STATUS_FAILED", "run %d: %s" % (run_id, run)
    listed = json.loads(
        server.run("task", "list", "counter", str(run_id), "-o", "json").stdout)["taskExecutions"]
    assert len(listed) == len(EXPECTED), "run %d has %d tasks" % (run_id, len(listed))
    for task in listed:
        status, lines = EXPECTED[task["taskId"]]
        assert task["status"] == "TASK_EXECUTION_STATUS_" + status, "run %d: %s" % (run_id, task)
        if lines is None:
            continue
        log = server.run("task", "logs", "counter", str(run_id), task["taskId"]).stdout
        wanted = "".join("%s %d\n" % (task["taskId"], i + 1) for i in range(lines))
        assert log == wanted, "run %d, task %s: the log is %r" % (run_id, task["taskId"], log)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gofer")
    parser.add_argument("image_tool")
    full = os.environ.get("GOFER_TEST_FULL") == "1"
    parser.add_argument("--rounds", type=int, default=300 if full else 12)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        return 0
    print("seed %d, %d rounds" % (arguments.seed, arguments.rounds), flush=True)
    chance = random.Random(arguments.seed)
    data_dir = tempfile.mkdtemp(prefix="gofer-kill-", dir="/tmp")
    server = GoferServer(arguments.gofer, scheduler="native", data_dir=data_dir)
    ledger = Ledger()
    try:
        image = os.path.join(data_dir, "image")
        subprocess.run([arguments.image_tool, image], check=True)
        pipeline = os.path.join(data_dir, "counter.json")
        with open(pipeline, "w", encoding="utf-8") as file:
            json.dump(PIPELINE, file)
        server.start()
        server.run("image", "import", image)
        server.run("up", pipeline)
        for _ in range(arguments.rounds):
            stop = threading.Event()
            starters = [threading.Thread(target=start_runs, args=(server, ledger, stop))
                        for _ in range(STARTERS)]
            for starter in starters:
                starter.start()
            time.sleep(chance.uniform(*UP_TIME_S))
            server.kill()
            stop.set()
            for starter in starters:
                starter.join()
            server.start()
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        run_ids = sorted(ledger.run_ids)
        assert run_ids, "no run was acknowledged"
        assert len(set(run_ids)) == len(run_ids), "a run id was given twice: %s" % run_ids
        for run_id in run_ids:
            check_run(server, run_id, deadline)
        print("%d runs acknowledged, %d starts refused or unanswered, %d kills: all runs ended as they "
              "should" % (len(run_ids), ledger.refused, arguments.rounds))
        code = server.stop()
        assert code == 0, "the server ended with %r:\n%s" % (code, server.log())
    except BaseException:
        print(server.log()[-8000:], file=sys.stderr)
        raise
    finally:
        server.kill()
        shutil.rmtree(data_dir, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
