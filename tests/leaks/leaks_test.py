#!/usr/bin/python3
"""Many containers through the server leave nothing behind.

Usage: leaks_test.py GOFER BUSYBOX_IMAGE_TOOL [--containers N] [--bridge]

Runs N containers (300; with GOFER_TEST_FULL=1 10,000), 8 at a time: some succeed, some fail, print much, write to
their disk, leave processes behind, are killed, run out of time, or are cancelled. Then, and when the server has
ended, there must be nothing of them: processes, mounts, control groups, directories, loop devices, network
interfaces, descriptors of the server; and its memory must not have grown with their number.

With --bridge they are behind the bridge, in a network namespace of the test's own.

What is left is counted as of after a first round, so that what the server keeps for the next containers does not
count. Needs root; without it, it says so and succeeds.
"""

import argparse
import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

AT_ONCE = 8
CONTAINERS, CONTAINERS_FULL = 300, 10000
ROUND = 100  # containers of one run; the first round is what the rest is compared with
SETTLE_S = 60  # for what is cleaned up behind the end of a run
READY = 8  # networks that are made ahead of each kind, by default
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
GROWTH_KIB = 24 * 1024  # of the server's memory: for pages of its stores, not for each container
GROWTH_PER_CONTAINER_KIB = 2

DEAF = "trap '' TERM; sleep 1000"
# The script of every tenth task, and whether it succeeds.
SCRIPTS = (
    ("true", True),
    ("exit 3", False),
    ("seq 1 5000; seq 1 5000 >&2", True),
    ("dd if=/dev/zero of=/tmp/file bs=64k count=16 2>/dev/null; mkdir -p /a/b/c", True),
    ("sleep 1000 & sleep 1000 & true", True),
    ("kill -9 $$", False),
    (DEAF, False),
    ("mkfifo /tmp/fifo && cat /etc/hostname /etc/hosts", True),
    ("ls -R /proc/self/fd /dev >/dev/null; true", True),
    ("sleep 0.05", True),
)


def tasks(count):
    made = []
    for index in range(count):
        script = SCRIPTS[index % len(SCRIPTS)][0]
        made.append({"id": "task-%03d" % index, "image": "busybox:latest", "command": ["sh", "-c", script]})
        if script == DEAF:
            made[-1].update(timeout="0.1s", stop_timeout="0.05s")
    return made


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def processes_below(pid):
    """Those that the server has started, and those below them."""
    parents = {}
    for name in os.listdir("/proc"):
        words = read("/proc/%s/stat" % name).rpartition(")")[2].split() if name.isdigit() else []
        if words:
            parents.setdefault(int(words[1]), []).append(int(name))
    found, look = [], [pid]
    while look:
        below = parents.get(look.pop(), [])
        found += below
        look += below
    return found


def describe(pid):
    return "%d %s" % (pid, read("/proc/%d/comm" % pid).strip())


def descriptors(pid, networks_max):
    """Those of namespaces that are made ahead, at any time, count only beyond their number."""
    found, networks = [], []
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            link = os.readlink("/proc/%d/fd/%s" % (pid, name))
        except OSError:
            continue
        (networks if link.startswith("net:") else found).append(link)
    return found + networks[networks_max:]


def interfaces(ours_max):
    """The bridge and its ports; those that are made ahead count only beyond their number."""
    lines = read("/proc/self/net/dev").splitlines()[2:]
    names = [line.split(":")[0].strip() for line in lines]
    return [name for name in names if name.startswith("gofer0")][ours_max:]


def wait_for_ports():
    """Until there is none: they go with their network, which the kernel does behind its last user."""
    deadline = time.monotonic() + SETTLE_S
    while interfaces(1):
        assert time.monotonic() < deadline, interfaces(1)
        time.sleep(0.05)


def enter_network():
    """A network of this process's own, with a loopback device and nothing else in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as some:
        fcntl.ioctl(some, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def cgroups_of(instance):
    """Groups of this server's containers in all hierarchies."""
    found = []
    for line in read("/proc/self/mountinfo").splitlines():
        words = line.split()
        if words[words.index("-") + 1] not in ("cgroup", "cgroup2"):
            continue
        folder = os.path.join(words[4], "gofer")
        if os.path.isdir(folder):
            found += [os.path.join(folder, name) for name in os.listdir(folder)
                      if name.startswith(instance)]
    return found


def loop_devices(data_dir):
    return [name for name in os.listdir("/sys/block") if name.startswith("loop")
            and "/%s/" % os.path.basename(data_dir) in read("/sys/block/%s/loop/backing_file" % name)]


def files_below(folder, *names):
    found = []
    for name in names:
        for base, _, files in os.walk(os.path.join(folder, name)):
            found += [base] + [os.path.join(base, file) for file in files]
    return found


class Leaks:
    """One server and what is counted of it."""

    def __init__(self, server, folder):
        self.server = server
        self.folder = folder
        self.instance = None

    def up(self, pipeline_id, spec_tasks):
        path = os.path.join(self.folder, pipeline_id + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"id": pipeline_id, "tasks": spec_tasks, "task_parallelism": AT_ONCE}, file)
        self.server.run("up", path)

    def find_instance(self):
        """What the names of this server's control groups begin with."""
        self.up("long", [{"id": "one", "image": "busybox:latest", "command": ["sleep", "1000"]}])
        self.server.run("pipeline", "run", "long")
        deadline = time.monotonic() + SETTLE_S
        while self.instance is None and time.monotonic() < deadline:
            for pid in processes_below(self.server.process.pid):
                for line in read("/proc/%d/cgroup" % pid).splitlines():
                    path = line.split(":", 2)[2]
                    if path.startswith("/gofer/") and "_" in path:
                        self.instance = path[len("/gofer/"):].rpartition("_")[0] + "_"
            time.sleep(0.02)
        assert self.instance is not None, "no control group of a container was seen"
        self.server.run("run", "cancel", "long", "1", "--force")

    def round(self):
        """A run of ROUND containers, to its end; one more that is cancelled."""
        cancelled = self.server.run("pipeline", "run", "stays", "-o", "name").stdout.strip()
        run = json.loads(self.server.run("pipeline", "run", "many", "--wait", "-o", "json", check=False,
                                         timeout=600).stdout)["run"]
        listed = json.loads(self.server.run("task", "list", "many", run["runId"], "-o", "json").stdout)
        for task in listed["taskExecutions"]:
            succeeds = SCRIPTS[int(task["taskId"][-1])][1]
            assert task["status"].endswith("SUCCESSFUL" if succeeds else "FAILED"), task
        assert len(listed["taskExecutions"]) == ROUND
        self.server.run("run", "cancel", "stays", cancelled)

    def left(self):
        """Kind -> what there is of it. The server's own that stays is among it."""
        pid = self.server.process.pid
        data_dir = self.server.data_dir
        mounts = [line for line in (read("/proc/1/mountinfo") + read("/proc/%d/mountinfo" % pid)).splitlines()
                  if data_dir in line]
        return {
            "processes": [describe(child) for child in processes_below(pid)
                          if "gofer-shim" in describe(child)],
            "mounts": mounts,
            "control groups": cgroups_of(self.instance),
            "directories": files_below(data_dir, "native", "tasks", "spool"),
            "loop devices": loop_devices(data_dir),
            "interfaces": interfaces(READY + 1),
            "descriptors": descriptors(pid, 2 * READY + 1),
        }

    def settle(self, base):
        """Waits until there is no more than in the base; gives what is more in the end."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            now = self.left()
            more = {kind: now[kind] for kind in now if len(now[kind]) > len(base[kind])}
            if not more or time.monotonic() > deadline:
                return more
            time.sleep(0.1)

    def memory_kib(self):
        return int(read("/proc/%d/status" % self.server.process.pid).split("VmRSS:")[1].split()[0])


EMPTY = ("processes", "mounts", "control groups", "loop devices")


def idle(leaks):
    """What there is between two rounds; nothing of a container may be."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        now = leaks.left()
        if not any(now[kind] for kind in EMPTY):
            return now
        assert time.monotonic() < deadline, {kind: now[kind] for kind in EMPTY}
        time.sleep(0.1)


def check(leaks, containers):
    leaks.find_instance()
    leaks.up("many", tasks(ROUND))
    leaks.up("stays", [{"id": "one", "image": "busybox:latest", "command": ["sleep", "1000"]}])
    leaks.round()
    base = idle(leaks)
    memory_kib = leaks.memory_kib()
    start = time.monotonic()
    for _ in range(max(1, containers // ROUND - 1)):
        leaks.round()
    took = time.monotonic() - start
    more = leaks.settle(base)
    grown_kib = leaks.memory_kib() - memory_kib
    print("%d containers in %.1f s, memory %d KiB, %+d KiB" % (
        containers - ROUND, took, memory_kib, grown_kib))
    assert not more, "left behind: " + json.dumps(more, indent=1)
    allowed_kib = GROWTH_KIB + GROWTH_PER_CONTAINER_KIB * containers
    assert grown_kib < allowed_kib, "memory has grown by %d KiB" % grown_kib


def main():
    full = os.environ.get("GOFER_TEST_FULL") == "1"
    parser = argparse.ArgumentParser()
    parser.add_argument("gofer")
    parser.add_argument("image_tool")
    parser.add_argument("--containers", type=int, default=CONTAINERS_FULL if full else CONTAINERS)
    parser.add_argument("--bridge", action="store_true")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        return
    folder = tempfile.mkdtemp(prefix="gofer-leaks-", dir="/tmp")
    options = []
    if arguments.bridge:
        enter_network()
        options = ["--config", os.path.join(folder, "config.yaml")]
        with open(options[1], "w", encoding="ascii") as file:
            file.write("scheduler: {default_network: bridge, dns_servers: [192.0.2.53]}\n")
    try:
        with GoferServer(arguments.gofer, scheduler="native", options=options) as server:
            layout = os.path.join(folder, "layout")
            subprocess.run([arguments.image_tool, layout], check=True)
            server.run("image", "import", layout)
            leaks = Leaks(server, folder)
            check(leaks, arguments.containers)
            assert server.stop() == 0
            left = cgroups_of(leaks.instance) + loop_devices(server.data_dir)
            assert not left, left
            wait_for_ports()  # the bridge itself stays
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
