#!/usr/bin/python3
"""SIGKILL of the server, again and again, under load, checked against a ledger of what was acknowledged.

Usage: kill_test.py GOFER KILL_LOAD PIPELINE_DIR BUSYBOX_IMAGE_TOOL [--rounds N] [--seed N] [--keep]

Each round kills the server at a random moment and starts it again on the same data directory, while a
load (kill/work.h) starts, retries and cancels runs, registers and deploys versions, pauses run starts
and disables a pipeline. In the end everything that was acknowledged must be there with its first
outcome, no run may be there that nobody asked for, every run must have ended as it would have without
the kills, and every attempt of a container must have written its output exactly once.

Two fifths of the rounds run real containers (root), the others the null scheduler, at a higher rate.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

ROUNDS = 30
ROUNDS_FULL = 1000
UP_TIME_S = (0.02, 0.8)  # how long the server lives in a round
PAUSE_US = {"native": 60000, "null": 4000}  # on average, of each of four workers between operations
SETTLE_TIMEOUT_S = 600


def start_load(arguments, server, scheduler):
    load = subprocess.Popen(  # pylint: disable=consider-using-with
        [arguments.kill_load, server.socket, arguments.pipeline_dir, scheduler, str(arguments.seed),
         str(PAUSE_US[scheduler])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = load.stdout.readline()
    assert line == "ready\n", "the load did not begin: %r" % line
    return load


def kill_again_and_again(server, load, chance, rounds):
    for number in range(rounds):
        time.sleep(chance.uniform(*UP_TIME_S))
        assert server.process.poll() is None, "the server ended by itself in round %d" % number
        assert load.poll() is None, "the load ended in round %d" % number
        server.kill()
        server.start()


def run_part(arguments, scheduler, rounds, chance):
    data_dir = tempfile.mkdtemp(prefix="gofer-kill-", dir="/tmp")
    server = GoferServer(arguments.gofer, scheduler=scheduler, data_dir=data_dir)
    load = None
    failed = False
    begin = time.monotonic()
    try:
        server.start()
        if scheduler == "native":
            image = os.path.join(data_dir, "image")
            subprocess.run([arguments.image_tool, image], check=True)
            server.run("image", "import", image)
        load = start_load(arguments, server, scheduler)
        kill_again_and_again(server, load, chance, rounds)
        killed = time.monotonic()
        output, _ = load.communicate(timeout=SETTLE_TIMEOUT_S)
        assert load.returncode == 0, "the load ended with %d" % load.returncode
        print("%s, %d kills in %.1f s, settled and checked in %.1f s: %s" % (
            scheduler, rounds, killed - begin, time.monotonic() - killed, output.strip()), flush=True)
        code = server.stop()
        assert code == 0, "the server ended with %r" % code
    except BaseException:
        print(server.log()[-8000:], file=sys.stderr)
        failed = True
        raise
    finally:
        if load is not None:
            load.kill()
            load.wait()
        server.kill()
        if failed and arguments.keep:
            print("the data is in %s" % data_dir, file=sys.stderr)
        else:
            shutil.rmtree(data_dir, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gofer")
    parser.add_argument("kill_load")
    parser.add_argument("pipeline_dir")
    parser.add_argument("image_tool")
    full = os.environ.get("GOFER_TEST_FULL") == "1"
    parser.add_argument("--rounds", type=int, default=ROUNDS_FULL if full else ROUNDS)
    parser.add_argument("--keep", action="store_true", help="leave the data of a failure behind")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    print("seed %d, %d rounds" % (arguments.seed, arguments.rounds), flush=True)
    chance = random.Random(arguments.seed)
    native = arguments.rounds * 2 // 5 if os.geteuid() == 0 else 0
    if native > 0:
        run_part(arguments, "native", native, chance)
    else:
        print("no native rounds: containers need root")
    run_part(arguments, "null", arguments.rounds - native, chance)
    return 0


if __name__ == "__main__":
    sys.exit(main())
