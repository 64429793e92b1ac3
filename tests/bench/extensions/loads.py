"""Loads of the hub, by the programs of this folder: many extensions, and many events of one."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "engine"))
from engine_bench import profiled  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

EXTENSIONS = 1000
RATE = 10000
WINDOW = 1000
EVENTS = (
    ["--rate", str(RATE)],
    ["--window", str(WINDOW)],
    ["--window", str(WINDOW), "--subscriptions", "100"],
    ["--window", str(WINDOW), "--keys", "10000"],
    ["--window", "8", "--subscriptions", "100", "--observed"],
)
ENGINE_CALLS = 512


def connect(arguments):
    """The server is started again after the setting up, so that its memory is that of what it keeps."""
    program = os.path.join(arguments.bin, "tests/bench/extensions/connect_bench")
    for options in ([], ["--shared"]):
        with GoferServer(arguments.gofer, scheduler="null") as server:
            subprocess.run([program, server.socket, "setup", str(EXTENSIONS)], check=True)
            server.stop()
            server.start()
            subprocess.run([program, server.socket, "run", str(EXTENSIONS), "--server-pid",
                            str(server.process.pid)] + options, check=True)


def events(arguments):
    """Every load gets a server of its own, so that none pays for the rows of another."""
    profile = arguments.profile
    for load in EVENTS:
        with GoferServer(arguments.gofer, scheduler="null") as server:
            with profiled(server.process.pid, profile):
                subprocess.run(
                    [os.path.join(arguments.bin, "tests/bench/extensions/events_bench"),
                     server.socket, "--database", os.path.join(server.data_dir, "gofer.db"),
                     "--server-pid", str(server.process.pid), "--seconds", str(arguments.seconds)]
                    + load, check=True)
            profile = None
    with GoferServer(arguments.gofer, scheduler="null") as server:
        subprocess.run(
            [os.path.join(arguments.bin, "tests/bench/engine/runs_bench"), server.socket,
             "--database", os.path.join(server.data_dir, "gofer.db"), "--seconds",
             str(arguments.seconds), "--calls", str(ENGINE_CALLS), "--server-pid",
             str(server.process.pid)], check=True)
