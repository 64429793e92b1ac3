"""Runs of many tasks: what gofer adds to the tasks' own time, and how time and memory grow."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from datetime import datetime, timezone

from gofer_server import GoferServer

TASKS = 1000
SIZES = (1000, 10000, 100000)
ROUNDS = 5
GIVE_UP_S = 600


def pipeline(name, count, shape):
    """`wide`: no task waits for another; `chain`: each waits for the one before."""
    listed = []
    for index in range(count):
        task = {"id": "task-%06d" % index, "image": "busybox:latest", "command": ["true"]}
        if shape == "chain" and index > 0:
            task["dependsOn"] = {"task-%06d" % (index - 1): "success"}
        listed.append(task)
    return {"id": name, "name": name, "tasks": listed}


def nanoseconds(timestamp):
    """Of a proto3 JSON timestamp."""
    match = re.fullmatch(r"(\d+-\d+-\d+T\d+:\d+:\d+)(?:\.(\d+))?Z", timestamp)
    moment = datetime.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * 10**9 + int((match.group(2) or "0").ljust(9, "0"))


def up(server, document):
    path = os.path.join(server.data_dir, "pipeline.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    server.run("up", path)


def run_once(server, name):
    """Starts a run and waits for its end, looking ever less often so as not to disturb it."""
    started = json.loads(server.run("pipeline", "run", name, "-o", "json").stdout)["run"]
    run_id = started["runId"]
    begin = time.monotonic()
    while time.monotonic() < begin + GIVE_UP_S:
        run = json.loads(server.run("run", "get", name, run_id, "-o", "json").stdout)["run"]
        if run["state"] == "RUN_STATE_COMPLETE":
            assert run["status"] == "RUN_STATUS_SUCCESSFUL", run
            return run
        time.sleep(max(0.02, (time.monotonic() - begin) / 20))
    raise RuntimeError("the run has not ended: %s" % run)


def length_s(run):
    return (nanoseconds(run["endTime"]) - nanoseconds(run["createTime"])) / 1e9


def own_time_s(server, name, run):
    """How long at least one task of the run was with the scheduler: from its launch to its end."""
    if server.scheduler == "null":
        return 0  # its tasks take no time
    listed = json.loads(server.run("task", "list", name, run["runId"], "-o", "json").stdout)
    listed = listed["taskExecutions"]
    spans = []
    for task in listed:
        timeline = task.get("timeline", {})
        launched = timeline.get("launchTime") or task.get("startTime")
        spans.append((nanoseconds(launched), nanoseconds(task["endTime"])))
    total, until = 0, 0
    for begin, end in sorted(spans):
        total += max(0, end - max(begin, until))
        until = max(until, end)
    return total / 1e9


def resident_mib(server, name):
    with open("/proc/%d/status" % server.process.pid, encoding="utf-8") as file:
        return int(re.search(name + r":\s+(\d+) kB", file.read()).group(1)) / 1024


def added(server, shape):
    name = "added-" + shape
    up(server, pipeline(name, TASKS, shape))
    results = []
    for _ in range(ROUNDS):
        run = run_once(server, name)
        results.append((length_s(run), own_time_s(server, name, run)))
    results.sort(key=lambda result: result[0] - result[1])
    total, own = results[len(results) // 2]
    print("tasks: %s, %d tasks, %s: %.3f s in all, %.3f s with a task at the scheduler: %.3f s added "
          "(median of %d)" % (server.scheduler, TASKS, shape, total, own, total - own, ROUNDS), flush=True)


def growth(gofer):
    base = None
    for size in SIZES:
        with GoferServer(gofer, scheduler="null") as server:
            up(server, pipeline("wide", size, "wide"))
            before = resident_mib(server, "VmRSS")
            elapsed = length_s(run_once(server, "wide"))
            peak = resident_mib(server, "VmHWM")
        per_task = elapsed / size * 1e6
        base = base or per_task
        print("tasks: null, one run of %d tasks: %.3f s, %.1f us a task (%.2f times that of %d); "
              "%.1f MiB before, peak %.1f MiB, %.2f KiB a task" % (
                  size, elapsed, per_task, per_task / base, SIZES[0], before, peak,
                  (peak - before) * 1024 / size), flush=True)


def main(arguments):
    with GoferServer(arguments.gofer, scheduler="null") as server:
        for shape in ("wide", "chain"):
            added(server, shape)
    if os.geteuid() == 0:
        work = tempfile.mkdtemp(prefix="gofer-tasks-")
        try:
            image = os.path.join(work, "image")
            subprocess.run([arguments.image_tool, image], check=True)
            with GoferServer(arguments.gofer, scheduler="native") as server:
                server.run("image", "import", image)
                for shape in ("wide", "chain"):
                    added(server, shape)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    else:
        print("tasks: native needs root")
    growth(arguments.gofer)
