#!/usr/bin/python3
"""Updates in place of an extension that is at work, with kills in between: no event is lost or doubled.

Usage: extension_update_test.py GOFER EVENT_COUNT EXTENSION_IMAGE_TOOL [--rounds N] [--seed N] [--keep]

An extension in containers (events/event_count.c) sees an event every few milliseconds. Round after
round it is updated, and the server, its containers, or both may be killed meanwhile, while the
successor starts, takes over or waits, or while the older one drains. In the end each event has
exactly one run in each pipeline that it concerns, and nothing of the containers is left.

Needs root; without it, it says so and succeeds.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

ROUNDS = 8
ROUNDS_FULL = 100
EVENTS_PER_ROUND = 60
EVERY = "5ms"
DELAY_S = (0, 0.4)  # from an update to what is killed then
TIMEOUT_S = 120
EXTENSION = "event-count"
IMAGE = "gofer-extension-event-count:1.0.0"
IMAGE_GONE = "gofer-extension-gone:1.0.0"  # so that runs are over at once
PIPELINES = ("one", "two", "three")
ALL_EVERY = 10  # as event_count.c has it
VICTIMS = ("nobody", "server", "containers", "both")


def concerns(number):
    return PIPELINES if number % ALL_EVERY == 0 else (PIPELINES[number % len(PIPELINES)],)


def processes():
    """Those in containers of the extension, by their environment."""
    wanted = b"GOFER_EXTENSION_ID=" + EXTENSION.encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


def kill_containers():
    for pid in processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def wait_until(condition, what):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def get(server):
    return json.loads(server.run("extension", "get", EXTENSION, "-o", "json").stdout)["extension"]


def events(server, kind):
    listed = server.run("event", "list", "--extension", EXTENSION, "--kind", kind, "--limit", "0", "-o",
                        "json")
    return len(json.loads(listed.stdout).get("events", []))


def settings(count, number):
    return ("-s", "count=%d" % count, "-s", "every=" + EVERY, "-s", "round=%d" % number)


def import_image(server, folder, arguments, name):
    archive = os.path.join(folder, name + ".tar")
    subprocess.run([arguments.image_tool, "--version", "1.0.0", "--uncompressed", name,
                    arguments.event_count, archive], check=True)
    server.run("image", "import", archive)


def set_up(server, folder, arguments, count):
    import_image(server, folder, arguments, EXTENSION)
    import_image(server, folder, arguments, "gone")
    for pipeline in PIPELINES:
        path = os.path.join(folder, pipeline + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"id": pipeline, "name": pipeline, "tasks": [
                {"id": "only", "image": IMAGE_GONE, "pull": "never"}]}, file)
        server.run("up", path)
    server.run("image", "delete", IMAGE_GONE, "--yes")
    server.run("extension", "install", EXTENSION, IMAGE, *settings(count, 0), "--wait")
    for pipeline in PIPELINES:
        server.run("pipeline", "subscribe", pipeline, EXTENSION, "numbers")


def update_again_and_again(server, chance, rounds, count):
    done = collections.Counter()
    for number in range(1, rounds + 1):
        result = server.run("extension", "update", EXTENSION, *settings(count, number), check=False)
        # One that is not over yet is refused, and the kill hits that one.
        assert result.returncode == 0 or "try again" in result.stderr or "wait" in result.stderr, (
            result.stderr)
        done["updated" if result.returncode == 0 else "refused"] += 1
        time.sleep(chance.uniform(*DELAY_S))
        assert server.process.poll() is None, "the server ended by itself in round %d" % number
        victim = chance.choice(VICTIMS)
        done[victim] += 1
        if victim in ("server", "both"):
            server.kill()
        if victim in ("containers", "both"):
            kill_containers()
        if victim in ("server", "both"):
            server.start()
    return done


def runs_of(server, pipeline):
    """{number: runs}, by the label that tells what a run is for."""
    runs = collections.Counter()
    listed = json.loads(server.run("run", "list", pipeline, "--limit", "0", "-o", "json").stdout)
    for one in listed.get("runs", []):
        runs[int(one["labels"]["key"].split("-")[1])] += 1
    return runs


def check(server, count):
    for pipeline in PIPELINES:
        runs = runs_of(server, pipeline)
        expected = {number for number in range(1, count + 1) if pipeline in concerns(number)}
        assert set(runs) == expected, "%s: runs for %s are missing, those for %s nobody asked for" % (
            pipeline, sorted(expected - set(runs))[:10], sorted(set(runs) - expected)[:10])
        doubled = [number for number in runs if runs[number] > 1]
        assert not doubled, "%s: events %s have several runs" % (pipeline, doubled[:10])


def run(arguments, chance):
    folder = tempfile.mkdtemp(prefix="gofer-kill-", dir="/tmp")
    count = arguments.rounds * EVENTS_PER_ROUND
    total = sum(len(concerns(number)) for number in range(1, count + 1))
    server = GoferServer(arguments.gofer, data_dir=folder, scheduler="native", auth=True)
    failed = True
    try:
        server.start()
        set_up(server, folder, arguments, count)
        done = update_again_and_again(server, chance, arguments.rounds, count)
        wait_until(lambda: int(get(server).get("runCount", 0)) >= total, "runs are missing")
        check(server, count)
        server.run("extension", "uninstall", EXTENSION, "--force", "--yes")
        wait_until(lambda: not processes(), "containers of the extension are left")
        print("%s; %d connections, %d updates failed; %d events, %d runs" % (
            dict(done), events(server, "extension-connected"),
            events(server, "extension-update-failed"), count, total), flush=True)
        code = server.stop()
        assert code == 0, "the server ended with %r" % code
        with open("/proc/mounts", encoding="utf-8") as file:
            mounts = [line for line in file if folder in line]
        assert not mounts, mounts
        failed = False
    finally:
        if failed:
            print(server.log()[-4000:], file=sys.stderr)
        server.kill()
        if failed:
            kill_containers()
        if failed and arguments.keep:
            print("the data is in %s" % folder, file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gofer")
    parser.add_argument("event_count", type=os.path.abspath)
    parser.add_argument("image_tool")
    full = os.environ.get("GOFER_TEST_FULL") == "1"
    parser.add_argument("--rounds", type=int, default=ROUNDS_FULL if full else ROUNDS)
    parser.add_argument("--keep", action="store_true", help="leave the data of a failure behind")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        return 0
    print("seed %d, %d rounds" % (arguments.seed, arguments.rounds), flush=True)
    run(arguments, random.Random(arguments.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
