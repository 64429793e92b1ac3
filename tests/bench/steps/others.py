"""The same containers by crun and docker, where they are installed and work on this machine."""

import json
import os
import shutil
import subprocess
import time

TIMEOUT_S = 120


class Unusable(Exception):
    """Says why there is no figure."""


def run(command, **options):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_S,
                              **options).stdout
    except FileNotFoundError:
        raise Unusable("it is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unusable("it did not answer") from None
    except subprocess.CalledProcessError as error:
        raise Unusable((error.stderr or error.stdout).strip().splitlines()[-1]) from None


def make_root(folder):
    """A root file system with `true` in it."""
    root = os.path.join(folder, "rootfs")
    for name in ("bin", "dev", "proc", "sys", "tmp", "etc"):
        os.makedirs(os.path.join(root, name))
    shutil.copy("/bin/busybox", os.path.join(root, "bin", "busybox"))
    os.symlink("busybox", os.path.join(root, "bin", "true"))
    return root


def crun(folder, steps):
    """Seconds of `crun run` of a bundle, so many times. Where v1 and v2 of control groups are mixed, crun
    runs without the mount of v2 (it refuses such hosts)."""
    bundle = os.path.join(folder, "bundle")
    os.makedirs(bundle)
    make_root(bundle)
    run(["crun", "spec"], cwd=bundle)
    path = os.path.join(bundle, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config["process"].update(args=["true"], terminal=False)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    script = ("umount /sys/fs/cgroup/unified 2>/dev/null; i=0; crun run gofer-bench-$$-w || exit 1; "
              "date +%s.%N; while [ $i -lt " + str(steps) + " ]; do "
              "crun run gofer-bench-$$-$i || exit 1; i=$((i+1)); done; date +%s.%N")
    out = run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], cwd=bundle)
    begin, end = out.split()
    return float(end) - float(begin)


def docker(folder, steps):
    """Seconds of `docker run --rm`, so many times, through the daemon that runs on this machine."""
    run(["docker", "info"])
    tag = "gofer-bench-%d" % os.getpid()
    root = make_root(os.path.join(folder, "docker"))
    archive = os.path.join(folder, "docker.tar")
    run(["tar", "-C", root, "-cf", archive, "."])
    run(["docker", "import", archive, tag])
    command = ["docker", "run", "--rm", "--network", "none", tag, "true"]
    try:
        run(command)
        start = time.monotonic()
        for _ in range(steps):
            run(command)
        return time.monotonic() - start
    finally:
        subprocess.run(["docker", "rmi", tag], check=False, capture_output=True)
