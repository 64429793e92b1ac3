#!/usr/bin/python3
"""What the CLI prints, and what `pipeline run --wait` does when the server is restarted.

Usage: cli_output_test.py GOFER BUSYBOX_IMAGE_TOOL
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

ROUNDS = 3
TIMEOUT_S = 60
# Long enough for a restart of the server meanwhile.
PIPELINE = {"id": "slow", "tasks": [
    {"id": "one", "image": "busybox:latest", "command": ["sh", "-c", "echo begun; sleep 2"]}]}


def start_run(server, *options):
    return subprocess.Popen(  # pylint: disable=consider-using-with
        [server.gofer, "--host", server.socket, "pipeline", "run", "slow", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_running(server, run_id):
    while True:
        listed = server.run("task", "list", "slow", str(run_id), "-o", "json", check=False)
        if listed.returncode == 0 and "STATE_RUNNING" in listed.stdout:
            return


def orderly_restarts(server):
    """The stream ends with UNAVAILABLE, and the next try may come over the old connection, which gRPC
    answers with CANCELLED: neither is the end of the run."""
    for run_id in range(1, ROUNDS + 1):
        watcher = start_run(server, "--wait")
        wait_until_running(server, run_id)
        code = server.stop()
        assert code == 0, "the server ended with %r" % code
        server.start()
        out, err = watcher.communicate(timeout=TIMEOUT_S)
        assert watcher.returncode == 0, "round %d: %d, %r" % (run_id, watcher.returncode, err)
        assert out == "run slow/%d SUCCESSFUL\n" % run_id, out


def follow_with_output_for_programs(server):
    """Standard output holds the answer alone."""
    watcher = start_run(server, "--follow", "-o", "json")
    out, err = watcher.communicate(timeout=TIMEOUT_S)
    assert watcher.returncode == 0, err
    assert json.loads(out)["run"]["status"] == "RUN_STATUS_SUCCESSFUL", out
    assert "one | begun\n" in err, err


def printing(server):
    """Output that is lost is a failure, and all names of an image are shown."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        lost = subprocess.run([server.gofer, "--host", server.socket, "task", "logs", "slow", "1", "one"],
                              stdin=subprocess.DEVNULL, stdout=full, check=False, timeout=TIMEOUT_S)
    assert lost.returncode == 1, lost.returncode
    server.run("image", "import", os.path.join(server.data_dir, "image"), "--name", "other:1")
    assert server.run("image", "list", "-o", "name").stdout == "busybox:latest\nother:1\n"
    assert len(server.run("image", "list").stdout.splitlines()) == 2


def a_reader_that_goes_away_ends_following(server):
    """Quietly: it has seen enough, as `head` has."""
    pipeline = os.path.join(server.data_dir, "endless.json")
    with open(pipeline, "w", encoding="utf-8") as file:
        json.dump({"id": "endless", "tasks": [
            {"id": "one", "image": "busybox:latest", "command": ["sh", "-c", "while echo y; do sleep 0.05; done"]}]}, file)
    server.run("up", pipeline)
    server.run("pipeline", "run", "endless")
    with subprocess.Popen([server.gofer, "--host", server.socket, "task", "logs", "endless", "1", "one",
                           "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader:
        assert reader.stdout.read(2) == b"y\n"
        reader.stdout.close()
        assert reader.wait(TIMEOUT_S) == 0
        assert reader.stderr.read() == b""
    server.run("run", "cancel", "endless", "1", "--force")


def errors_do_not_steer_the_terminal(server):
    bad = os.path.join(server.data_dir, "bad.json")
    with open(bad, "w", encoding="utf-8") as file:
        json.dump({"id": "bad", "tasks": [{"id": "one", "image": "busybox:latest",
                                           "variables": {"A\x1b[31m\nB": "1"}}]}, file)
    refused = server.run("up", bad, check=False)
    assert refused.returncode == 1, refused
    assert 'variables["A?[31m?B"]' in refused.stderr, refused.stderr


def main():
    gofer, image_tool = sys.argv[1:]
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        return 0
    # A socket's path outlives the server; a free port would be another one after each start.
    with GoferServer(gofer, scheduler="native") as server:
        image = os.path.join(server.data_dir, "image")
        subprocess.run([image_tool, image], check=True)
        pipeline = os.path.join(server.data_dir, "slow.json")
        with open(pipeline, "w", encoding="utf-8") as file:
            json.dump(PIPELINE, file)
        server.run("image", "import", image)
        server.run("up", pipeline)
        orderly_restarts(server)
        follow_with_output_for_programs(server)
        printing(server)
        a_reader_that_goes_away_ends_following(server)
        errors_do_not_steer_the_terminal(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
