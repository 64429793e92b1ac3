#!/usr/bin/env python3
"""Webhooks: how many become durable in a second, with the example extension behind them.

Usage: webhooks_bench.py GOFER WEBHOOK LOAD [SECONDS]

LOAD is tests/bench/gateway/webhooks. Prints one line for each figure: a closed loop of 64 and of 256
connections, and an open one at 5,000 and 10,000 a second over 256. Each webhook is signed, has a delivery
id of its own and 512 bytes, and is delivered to the extension while others come.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

SECRET = "secret"
LOADS = [(64, 0), (256, 0), (256, 5000), (256, 10000)]


def extension(server):
    lines = server.run("extension", "get", "webhook").stdout.splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith(" "))


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("it did not come")
        time.sleep(0.1)


def processor_s(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server, load, connections, rate, seconds):
    port = server.external_address.rsplit(":", 1)[1]
    before = processor_s(server.process.pid)
    out = subprocess.run([load, port, "webhook", SECRET, str(connections), str(rate), str(seconds)],
                         check=True, capture_output=True, text=True).stdout.split()
    # With all that is still to be delivered.
    wait_until(lambda: extension(server)["Waiting"].strip() == "0", 300)
    spent = processor_s(server.process.pid) - before
    stored, refused = int(out[3]), int(out[4])
    print("webhooks, %3d connections, %s: %6s/s durable, p50 %.1f ms, p99 %.1f ms, %.0f us of the server's "
          "processor each, %d refused" % (
              connections, "%5d/s due" % rate if rate else "closed loop", out[0], int(out[1]) / 1000,
              int(out[2]) / 1000, spent * 1e6 / max(stored, 1), refused), flush=True)


def main():
    gofer, webhook, load = [os.path.abspath(path) for path in sys.argv[1:4]]
    seconds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    with GoferServer(gofer, external=True) as server:
        server.run("extension", "install", "webhook", "-s", "secret=" + SECRET)
        environment = dict(server.environment(), GOFER_EXTENSION_ID="webhook",
                           GOFER_HOST=server.socket, PATH=os.environ["PATH"])
        with subprocess.Popen([webhook], env=environment, stderr=subprocess.DEVNULL) as program:
            try:
                wait_until(lambda: extension(server)["State"].strip() == "RUNNING")
                for connections, rate in LOADS:
                    measure(server, load, connections, rate, seconds)
            finally:
                program.terminate()


if __name__ == "__main__":
    main()
