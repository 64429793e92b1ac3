#!/usr/bin/python3
"""40 sequential tasks, each `true` in a fresh isolated container, through the server; beside the floor.

Usage: steps_bench.py GOFER FLOOR BUSYBOX_IMAGE_TOOL [--rounds N] [--steps N]

The floor program starts the same number of containers one after another with the kernel alone. The two
are run in turns; medians are printed.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position


def pipeline(steps):
    tasks = []
    for index in range(steps):
        task = {"id": "step-%03d" % index, "image": "busybox:latest", "command": ["true"]}
        if index > 0:
            task["depends_on"] = {"step-%03d" % (index - 1): "success"}
        tasks.append(task)
    return {"id": "steps", "name": "Steps", "tasks": tasks}


def seconds(timestamp):
    """Seconds of a proto3 JSON timestamp, within its day: enough for the length of a run."""
    match = re.fullmatch(r"\d+-\d+-\d+T(\d+):(\d+):(\d+(?:\.\d+)?)Z", timestamp)
    hours, minutes, rest = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def run_once(server, run_id):
    """The time of one run, from its creation to its end, by the server's clock."""
    server.run("pipeline", "run", "steps", "--wait")
    run = json.loads(server.run("run", "get", "steps", str(run_id), "-o", "json").stdout)["run"]
    assert run["status"] == "RUN_STATUS_SUCCESSFUL", run
    return (seconds(run["endTime"]) - seconds(run["createTime"])) % 86400


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gofer")
    parser.add_argument("floor")
    parser.add_argument("image_tool")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("steps_bench: needs root")
    with tempfile.TemporaryDirectory(prefix="gofer-steps-") as work, \
            GoferServer(arguments.gofer, scheduler="native") as server:
        image = os.path.join(work, "image")
        subprocess.run([arguments.image_tool, image], check=True)
        server.run("image", "import", image)
        path = os.path.join(work, "steps.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(pipeline(arguments.steps), file)
        server.run("up", path)
        ours, floor = [], []
        for round_number in range(arguments.rounds + 1):
            mine = run_once(server, round_number + 1)
            output = subprocess.run([arguments.floor, str(arguments.steps)], check=True,
                                    capture_output=True, text=True).stdout
            kernel = float(re.search(r"([\d.]+) ms", output).group(1)) / 1000
            if round_number > 0:  # the first round warms up
                ours.append(mine)
                floor.append(kernel)
        print("steps: gofer %.3f s for %d sequential containers, median of %d (%.3f to %.3f)" % (
            statistics.median(ours), arguments.steps, len(ours), min(ours), max(ours)))
        print("steps: floor %.3f s for the same by the kernel alone (%.3f to %.3f)" % (
            statistics.median(floor), min(floor), max(floor)))
        print("steps: %.2f times the floor" % (statistics.median(ours) / statistics.median(floor)))


if __name__ == "__main__":
    main()
