#!/usr/bin/python3
"""The log store at speed: one task that writes as fast as it can, followers of it, and a hundred of a slow one.

Usage: logs_bench.py GOFER LOG_WRITER LOG_FOLLOWERS BUSYBOX_IMAGE_TOOL [--mib N] [--followers N] [--seconds N]

The floor is the same writer through a pipe and `cat` into a file. Every follower checks every line. A lag is the
time from the write of a line in the container to the follower.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

MIB = 1 << 20
SLOW_BYTES = 5000000  # a second


def seconds(timestamp):
    """Seconds of a proto3 JSON timestamp, within its day."""
    match = re.fullmatch(r"\d+-\d+-\d+T(\d+):(\d+):(\d+(?:\.\d+)?)Z", timestamp)
    hours, minutes, rest = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


class Bench:
    """A server with an image that has the writer."""

    def __init__(self, arguments, work, server):
        self.arguments = arguments
        self.work = work
        self.server = server
        image = os.path.join(work, "image")
        subprocess.run([arguments.image_tool, "--program", arguments.writer, image], check=True)
        server.run("image", "import", image)

    def register(self, name, *command):
        path = os.path.join(self.work, name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"id": name, "tasks": [{"id": "writer", "image": "busybox:latest",
                                              "command": ["log_writer"] + list(command)}]}, file)
        self.server.run("up", path)

    def start(self, name):
        return self.server.run("pipeline", "run", name, "-o", "name").stdout.strip()

    def task(self, name, run_id):
        answer = self.server.run("task", "get", name, run_id, "writer", "-o", "json").stdout
        return json.loads(answer)["taskExecution"]

    def wait(self, name, run_id):
        while self.task(name, run_id)["state"] != "TASK_EXECUTION_STATE_COMPLETE":
            time.sleep(0.05)
        task = self.task(name, run_id)
        assert task["status"] == "TASK_EXECUTION_STATUS_SUCCESSFUL", task
        assert task["logState"] == "LOG_STATE_COMPLETE", task
        return (seconds(task["endTime"]) - seconds(task["startTime"])) % 86400

    def follow(self, name, run_id, count):
        """Starts followers; the process prints its figures at its end."""
        return subprocess.Popen(  # pylint: disable=consider-using-with
            [self.arguments.followers_program, self.server.address, name, run_id, "writer", str(count)],
            stdout=subprocess.PIPE, text=True)

    def figures(self, followers, expected):
        out = followers.communicate()[0]
        if followers.returncode != 0:
            sys.exit("logs_bench: a follower failed")
        values = dict(line.split(" ", 1) for line in out.splitlines())
        assert int(values["bytes"]) == expected, (values, expected)
        median, high, most = values["lag_ms"].split()
        return float(values["seconds"]), "lag %s ms median, %s p99, %s most" % (median, high, most)

    def delete(self, name, run_id):
        self.server.run("task", "delete-logs", name, run_id, "writer", "--yes")


def floor(arguments, work, size):
    path = os.path.join(work, "floor")
    start = time.monotonic()
    subprocess.run("%s fast %d | cat > %s" % (arguments.writer, size, path), shell=True, check=True)
    took = time.monotonic() - start
    os.unlink(path)
    return took


def lines_of(size):
    return size // 100 * 100


def fast(bench, count, size, title):
    """One writer at full speed with so many followers from its start on."""
    run_id = bench.start("fast")
    with contextlib.ExitStack() as stack:
        followers = stack.enter_context(bench.follow("fast", run_id, count)) if count else None
        took = bench.wait("fast", run_id)
        print("logs: %s: the writer %.0f MB/s" % (title, size / took / 1e6), end="")
        if followers:
            read, lag = bench.figures(followers, size)
            print(", each of %d followers %.0f MB/s, %s" % (count, size / read / 1e6, lag), end="")
        print(flush=True)
    return run_id


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gofer")
    parser.add_argument("writer")
    parser.add_argument("followers_program")
    parser.add_argument("image_tool")
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--followers", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("logs_bench: needs root")
    with tempfile.TemporaryDirectory(prefix="gofer-logs-") as work:
        config = os.path.join(work, "config.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("scheduler:\n  task_log_bytes: 0\n")
        with GoferServer(arguments.gofer, scheduler="native", options=["--config", config]) as server:
            bench = Bench(arguments, work, server)
            size = lines_of(arguments.mib * MIB)
            bench.register("fast", "fast", str(size))
            bench.register("slow", "paced", str(SLOW_BYTES), str(arguments.seconds))
            print("logs: floor: %.0f MB/s through a pipe and cat into a file" % (
                size / floor(arguments, work, size) / 1e6), flush=True)
            run_id = fast(bench, 0, size, "nobody follows")
            read, _ = bench.figures(bench.follow("fast", run_id, 1), size)
            print("logs: read back: %.0f MB/s by one follower" % (size / read / 1e6), flush=True)
            bench.delete("fast", run_id)
            bench.delete("fast", fast(bench, 1, size, "one follows"))
            slow = bench.start("slow")
            followers = bench.follow("slow", slow, arguments.followers)
            bench.wait("slow", slow)
            _, lag = bench.figures(followers, lines_of(SLOW_BYTES) * arguments.seconds)
            print("logs: %d followers of %.0f MB/s: all lines, %s" % (
                arguments.followers, SLOW_BYTES / 1e6, lag), flush=True)
            size = lines_of(size // 8)
            bench.register("fast", "fast", str(size))
            bench.delete("fast", fast(bench, arguments.followers, size, "%d follow at full speed" % (
                arguments.followers)))


if __name__ == "__main__":
    main()
