#!/usr/bin/python3
"""What the engine can do: prints one line for each figure, with its unit and, where there is one, its floor.

Usage: engine_bench.py [--bin DIR] [--gofer PROGRAM] [--seconds N] [--profile FILE] [PART]...

  runs     durable runs a second and the latency of a start, over gRPC with the null scheduler: an open
           loop at 8,000 runs/s and closed loops, with 1 and with 1,000 pipelines, beside bare SQLite
  tasks    what a run of 1,000 tasks adds to its tasks' own time (null and native), and the time and
           memory of runs of 1,000, 10,000 and 100,000 tasks
  history  start, list, get and server start with 1,000 and with 1,000,000 finished runs in the store

Without PART: all. Every part starts servers of its own. DIR holds the built programs of this folder.
With --profile the server of the first load is sampled with perf, and where its time goes is written
to FILE: the share of each thread, then of each function.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "harness"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import history  # pylint: disable=wrong-import-position
import tasks  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

OPEN_RATE = 8000
CLOSED_CALLS = (64, 256, 512)
PIPELINES = (1, 1000)


@contextlib.contextmanager
def profiled(pid, path):
    """Samples a process while the block runs; writes the shares of threads and functions to `path`."""
    if path is None or shutil.which("perf") is None:
        if path is not None:
            print("engine: perf is not installed: no profile")
        yield
        return
    with tempfile.TemporaryDirectory(prefix="gofer-perf-") as work:
        data = os.path.join(work, "perf.data")
        perf = subprocess.Popen(  # pylint: disable=consider-using-with
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "-g", "-o", data, "-p", str(pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            perf.terminate()
            perf.wait()
        with open(path, "w", encoding="utf-8") as file:
            for options in (["--sort", "comm"], ["--no-children", "--sort", "comm,symbol"],
                            ["--children", "--sort", "symbol"]):
                report = subprocess.run(
                    ["perf", "report", "-i", data, "--stdio", "-g", "none", "--percent-limit", "0.5"]
                    + options, capture_output=True, text=True, check=False)
                lines = [line.rstrip(" -") for line in report.stdout.splitlines()]
                file.write("\n".join(line for line in lines if line and line[0] != "#") + "\n\n")


def runs(arguments):
    """Every load gets a server of its own, so that none pays for the rows of another."""
    loads = [["--rate", str(OPEN_RATE)]] + [["--calls", str(calls)] for calls in CLOSED_CALLS]
    profile = arguments.profile
    for pipelines in PIPELINES:
        for load in loads:
            with GoferServer(arguments.gofer, scheduler="null") as server:
                with profiled(server.process.pid, profile):
                    subprocess.run(
                        [os.path.join(arguments.bin, "runs_bench"), server.socket, "--database",
                         os.path.join(server.data_dir, "gofer.db"), "--seconds",
                         str(arguments.seconds), "--pipelines", str(pipelines), "--server-pid",
                         str(server.process.pid)] + load, check=True)
                profile = None


def main():
    parts = {"runs": runs, "tasks": tasks.main, "history": history.main}
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--bin", default=os.path.join(ROOT, ".bazel", "bin", "tests/bench/engine"))
    parser.add_argument("--gofer", default=os.path.join(ROOT, "dist", "gofer"))
    parser.add_argument("--image-tool", default=os.path.join(ROOT, "tools", "make_busybox_image"))
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--profile", metavar="FILE")
    arguments = parser.parse_args()
    for part in arguments.parts or list(parts):
        if part not in parts:
            parser.error("there is no part '%s'" % part)
        parts[part](arguments)


if __name__ == "__main__":
    main()
