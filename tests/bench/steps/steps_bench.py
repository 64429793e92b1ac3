#!/usr/bin/python3
"""Containers through the server, each `true`, beside the kernel alone in the same run.

Usage: steps_bench.py GOFER FLOOR BUSYBOX_IMAGE_TOOL [--rounds N] [--steps N] [--at-once N] [--containers N]

  one after another   STEPS tasks in a chain, from the creation of the run to its end; medians of the rounds, in
                      turns with the floor program, and once by crun and docker where they work
  many at once        CONTAINERS tasks, at most AT_ONCE at a time: containers per second, and how long a task
                      takes from the decision to launch it to its start
  the shim            memory of the one process that stays beside a container

The floor is the kernel alone, without an engine, a supervisor, a log or a record: once with the isolation that
gofer's containers have, once plain.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "harness")]
import others  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position


def step(index, *command):
    return {"id": "step-%04d" % index, "image": "busybox:latest", "command": list(command) or ["true"]}


def chain(steps):
    tasks = [step(index) for index in range(steps)]
    for index in range(1, steps):
        tasks[index]["depends_on"] = {"step-%04d" % (index - 1): "success"}
    return {"id": "steps", "tasks": tasks}


def seconds(timestamp):
    """Seconds of a proto3 JSON timestamp, within its day: enough for the length of a run."""
    match = re.fullmatch(r"\d+-\d+-\d+T(\d+):(\d+):(\d+(?:\.\d+)?)Z", timestamp)
    hours, minutes, rest = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def between(begin, end):
    return (seconds(end) - seconds(begin)) % 86400


class Bench:
    """A server with the image."""

    def __init__(self, arguments, work, server):
        self.arguments = arguments
        self.work = work
        self.server = server
        image = os.path.join(work, "image")
        subprocess.run([arguments.image_tool, image], check=True)
        server.run("image", "import", image)

    def up(self, spec):
        path = os.path.join(self.work, spec["id"] + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(spec, file)
        self.server.run("up", path)

    def json(self, *arguments):
        return json.loads(self.server.run(*arguments, "-o", "json").stdout)

    def run_once(self, pipeline_id):
        """(time of the run by the server's clock, its number)."""
        run_id = self.server.run("pipeline", "run", pipeline_id, "-o", "name").stdout.strip()
        while True:  # asking seldom, so that the questions cost nothing
            run = self.json("run", "get", pipeline_id, run_id)["run"]
            if run["state"] == "RUN_STATE_COMPLETE":
                assert run["status"] == "RUN_STATUS_SUCCESSFUL", run
                return between(run["createTime"], run["endTime"]), run_id
            time.sleep(0.2)

    def floor(self, count, at_once):
        """Name of the form -> (seconds, containers per second)."""
        out = subprocess.run([self.arguments.floor, str(count), str(at_once)], check=True,
                             capture_output=True, text=True).stdout
        found = re.findall(r"(\w+) ([\d.]+) ms ([\d.]+) per second", out)
        return {name: (float(ms) / 1000, float(rate)) for name, ms, rate in found}


def spread(values):
    return "%.3f s (%.3f to %.3f)" % (statistics.median(values), min(values), max(values))


def one_after_another(bench):
    steps = bench.arguments.steps
    bench.up(chain(steps))
    ours, hardened, plain = [], [], []
    for round_number in range(bench.arguments.rounds + 1):
        mine = bench.run_once("steps")[0]
        floor = bench.floor(steps, 1)
        if round_number > 0:  # the first round warms up
            ours.append(mine)
            hardened.append(floor["hardened"][0])
            plain.append(floor["plain"][0])
    print("steps: gofer %s for %d sequential containers, median of %d" % (spread(ours), steps, len(ours)))
    print("steps: floor %s by the kernel alone with the same isolation" % spread(hardened))
    print("steps: floor %s plain" % spread(plain))
    print("steps: %.2f times the floor" % (statistics.median(ours) / statistics.median(hardened)), flush=True)
    for name, program in (("crun", others.crun), ("docker", others.docker)):
        with tempfile.TemporaryDirectory(prefix="gofer-steps-") as folder:
            try:
                print("steps: %s %.3f s for the same" % (name, program(folder, steps)), flush=True)
            except others.Unusable as reason:
                print("steps: %s is left out: %s" % (name, reason), flush=True)


def starts(bench, run_id, count):
    """Milliseconds from the decision to launch a task to its start, of all tasks of a run."""
    tasks = bench.json("task", "list", "many", run_id)["taskExecutions"]
    assert len(tasks) == count, len(tasks)
    return sorted(between(task["timeline"]["launchTime"], task["timeline"]["startTime"]) * 1000
                  for task in tasks)


def many_at_once(bench):
    count, at_once = bench.arguments.containers, bench.arguments.at_once
    bench.up({"id": "many", "tasks": [step(index) for index in range(count)],
              "task_parallelism": at_once})
    bench.run_once("many")
    took, run_id = bench.run_once("many")
    floor = bench.floor(count, at_once)
    ours = count / took
    latencies = starts(bench, run_id, count)
    print("steps: %d at once: gofer %.0f containers/s, floor %.0f (plain %.0f): %.2f of the floor" % (
        at_once, ours, floor["hardened"][1], floor["plain"][1], ours / floor["hardened"][1]))
    print("steps: %d at once: from the launch to the start %.1f ms median, %.1f p99" % (
        at_once, statistics.median(latencies), latencies[int(len(latencies) * 0.99)]), flush=True)


def children(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as file:
            found += [int(word) for word in file.read().split()]
    return found


def shim(bench):
    bench.up({"id": "long", "tasks": [step(0, "sleep", "1000")]})
    run_id = bench.server.run("pipeline", "run", "long", "-o", "name").stdout.strip()
    while True:
        task = bench.json("task", "get", "long", run_id, "step-0000")["taskExecution"]
        if task["state"] == "TASK_EXECUTION_STATE_RUNNING":
            break
        time.sleep(0.02)
    print("steps: protections that this machine cannot give: %s" % (
        ", ".join(task.get("missingProtections", [])) or "none"))
    for pid in children(bench.server.process.pid):
        with open("/proc/%d/comm" % pid, encoding="ascii") as file:
            if file.read().strip() != "gofer-shim":
                continue
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            sizes = dict(re.findall(r"(\w+): +(\d+) kB", file.read()))
        print("steps: the shim of a container: %s kB resident, %s kB its share" % (
            sizes["Rss"], sizes["Pss"]))
    print("steps: from the launch to the start of one alone %.1f ms" % (
        between(task["timeline"]["launchTime"], task["timeline"]["startTime"]) * 1000), flush=True)
    bench.server.run("run", "cancel", "long", run_id, "--force")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gofer")
    parser.add_argument("floor")
    parser.add_argument("image_tool")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--containers", type=int, default=400)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("steps_bench: needs root")
    with tempfile.TemporaryDirectory(prefix="gofer-steps-") as work, \
            GoferServer(arguments.gofer, scheduler="native") as server:
        bench = Bench(arguments, work, server)
        one_after_another(bench)
        many_at_once(bench)
        shim(bench)


if __name__ == "__main__":
    main()
