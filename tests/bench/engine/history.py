"""What a grown store costs: start, list, get and server start, with few finished runs and with many."""

import os
import re
import statistics
import subprocess
import time

from gofer_server import GoferServer

PIPELINES = 10
FEW = 1000
MANY = 1000000
STARTS = 15


def register(server):
    task = {"id": "main", "image": "busybox:latest", "command": ["true"]}
    for index in range(PIPELINES):
        path = os.path.join(server.data_dir, "pipeline.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"id": "pipeline-%d", "tasks": [%s]}' % (
                index, str(task).replace("'", '"')))
        server.run("up", path)


def measure(arguments, run_count):
    """Figure -> (median, p99) in microseconds, but for "memory" in KiB."""
    figures = {}
    with GoferServer(arguments.gofer, scheduler="null") as server:
        register(server)
        server.stop()
        begin = time.monotonic()
        subprocess.run([os.path.join(arguments.bin, "fill_history"),
                        os.path.join(server.data_dir, "gofer.db"), str(PIPELINES), str(run_count)],
                       check=True)
        filled_s = time.monotonic() - begin
        starts = []
        for _ in range(STARTS):
            begin = time.monotonic()
            server.start()
            starts.append((time.monotonic() - begin) * 1e6)
            server.stop()
        figures["server-start"] = (statistics.median(starts), max(starts))
        server.start()
        output = subprocess.run(
            [os.path.join(arguments.bin, "calls_bench"), server.socket, str(PIPELINES),
             str(run_count)], check=True, capture_output=True, text=True).stdout
        for line in output.splitlines():
            name, median, p99 = line.split()
            figures[name] = (float(median), float(p99))
        with open("/proc/%d/status" % server.process.pid, encoding="utf-8") as file:
            resident = float(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1))
        figures["memory"] = (resident, resident)
    return figures, filled_s


def main(arguments):
    few, _ = measure(arguments, FEW)
    many, filled_s = measure(arguments, MANY)
    print("history: %d finished runs were stored in %.0f s" % (MANY, filled_s))
    for name, (median, p99) in few.items():
        unit = "KiB resident" if name == "memory" else "us"
        print("history: %s: %.0f %s with %d finished runs, %.0f with %d: %.2f times (p99 %.0f, %.0f)" % (
            name, median, unit, FEW, many[name][0], MANY, many[name][0] / median, p99, many[name][1]),
            flush=True)
