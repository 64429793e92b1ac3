#!/usr/bin/python3
"""SIGKILL of the server, again and again, under load, checked against a ledger of what was acknowledged.

Usage: kill_test.py GOFER KILL_LOAD PIPELINE_DIR BUSYBOX_IMAGE_TOOL [--rounds N] [--seed N] [--keep]

Each round kills the server at a random moment and starts it again on the same data directory, while a
load (kill/work.h) starts, retries and cancels runs, registers and deploys versions, pauses run starts
and disables a pipeline; makes, changes and removes tokens, roles and secrets, and renews the keys of
secrets (kill/things.h). In the end everything that was acknowledged must be there with its first
outcome, no run may be there that nobody asked for, every run must have ended as it would have without
the kills, and every attempt of a container must have written its output exactly once. Everything that
was acknowledged has its event, once, and the numbers of events have no gap.

Failed tasks keep their roots. People are in containers when the server is killed: their sessions end, and
nothing else does. In the end nothing is left of a container but the roots that are kept.

The token of a run works for as long as its container lives, through kills, and no longer. A data
directory is bootstrapped once, also when the server is killed meanwhile.

Two fifths of the rounds run real containers (root), the others the null scheduler, at a higher rate.
"""

import argparse
import base64
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
BOOTSTRAPS = 4  # data directories whose first token is asked for while the server is killed
MASTER_KEYS_MAX = 5
KEPT_MAX = 16  # roots of failed attempts, by default
SESSION_END_TIMEOUT_S = 30
ENVIRONMENT_BYTES_MAX = 64 * 1024  # of ours; some program on the machine may have any


def start_load(arguments, server, scheduler):
    load = subprocess.Popen(  # pylint: disable=consider-using-with
        [arguments.kill_load, server.socket, arguments.pipeline_dir, scheduler, str(arguments.seed),
         str(PAUSE_US[scheduler])], env=server.environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = load.stdout.readline()
    assert line == "ready\n", "the load did not begin: %r" % line
    return load


class RunTokens:
    """The tokens of runs, out of the environments of their containers: of pipeline `slow`, whose runs
    nobody cancels."""

    def __init__(self, server):
        self.server = server
        self.seen = set()
        self.lived_on = 0

    def find(self):
        """{process: token} of the containers that run."""
        found = {}
        for pid in os.listdir("/proc"):
            token = self.token_of(pid) if pid.isdigit() else None
            if token is not None:
                found[pid] = token
        return found

    @staticmethod
    def variables_of(pid):
        try:
            with open("/proc/%s/environ" % pid, "rb") as file:
                variables = dict(
                    line.split(b"=", 1) for line in file.read(ENVIRONMENT_BYTES_MAX).split(b"\0")
                    if b"=" in line)
        except OSError:
            return {}
        return variables if variables.get(b"GOFER_PIPELINE_ID") == b"slow" else {}

    def token_of(self, pid):
        token = self.variables_of(pid).get(b"GOFER_TOKEN")
        return None if token is None else token.decode()

    def run_of(self, pid):
        """The id of the run; None where the process has ended."""
        run_id = self.variables_of(pid).get(b"GOFER_RUN_ID")
        return None if run_id is None else run_id.decode()

    def call(self, token):
        return self.server.run(
            "whoami", "-o", "json", "--host",
            "unix:" + os.path.join(self.server.data_dir, "tasks", "gofer.sock"),
            token=token, check=False)

    def check_one(self, before):
        """One container of `before`, which were there before a kill: its token works, if it lives."""
        self.seen.update(before.values())
        for pid, token in before.items():
            if self.token_of(pid) != token:
                continue
            result = self.call(token)
            if self.token_of(pid) == token:
                assert result.returncode == 0, "the token of a run that goes on: " + result.stderr
                assert '"slow"' in result.stdout, result.stdout
                self.lived_on += 1
                return

    def check_end(self, rounds):
        assert self.lived_on > 0 or rounds < 10, "no container lived through a kill"
        for token in sorted(self.seen)[:3]:
            result = self.call(token)
            assert result.returncode == 4, "the token of a run that has ended: exit code %d, %s" % (
                result.returncode, result.stdout + result.stderr)


class Sessions:
    """Programs that somebody runs beside those of pipeline `slow` while the server is killed."""

    def __init__(self, server):
        self.server = server
        self.begun = 0

    def open(self, run_id):
        session = subprocess.Popen(  # pylint: disable=consider-using-with
            [self.server.gofer, "task", "exec", "slow", run_id, "counts", "--", "sh", "-c",
             "echo begun; exec sleep 1000"], env=self.server.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if session.stdout.readline() == "begun\n":
            self.begun += 1
        return session

    @staticmethod
    def check_end(session):
        code = session.wait(SESSION_END_TIMEOUT_S)
        session.stdout.close()
        assert code != 0, "a session has ended well without its server"


def left_of_containers(server):
    """What containers have on disk that is not there to be kept."""
    folder = os.path.join(server.data_dir, "native")
    return [os.path.join(name, entry) for name in ("uppers", "stage")
            for entry in os.listdir(os.path.join(folder, name))]


def check_nothing_left(server):
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while left_of_containers(server):
        assert time.monotonic() < deadline, left_of_containers(server)
        time.sleep(0.05)
    kept = os.listdir(os.path.join(server.data_dir, "native", "kept"))
    assert len(kept) <= KEPT_MAX, kept


def add_master_key(server):
    """Puts a new master key in front of the others: the load renews the keys of secrets now and then."""
    path = os.path.join(server.data_dir, "master.key")
    with open(path, encoding="ascii") as file:
        keys = file.read()
    if keys.count("\n") < MASTER_KEYS_MAX:
        fresh = "gofer-master-key-1:%s\n" % base64.b64encode(os.urandom(32)).decode()
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="ascii") as file:
            file.write(fresh + keys)
        os.rename(path + ".new", path)


def kill_again_and_again(server, load, chance, rounds, tokens, sessions):
    for number in range(rounds):
        time.sleep(chance.uniform(*UP_TIME_S))
        assert server.process.poll() is None, "the server ended by itself in round %d" % number
        assert load.poll() is None, "the load ended in round %d" % number
        if number % 4 == 1:
            add_master_key(server)
        before = tokens.find() if tokens is not None else {}
        run_id = tokens.run_of(next(iter(before))) if before else None
        session = sessions.open(run_id) if run_id is not None and number % 2 == 0 else None
        server.kill()
        server.start()
        if tokens is not None:
            tokens.check_one(before)
        if session is not None:
            sessions.check_end(session)


def bootstrap_under_a_kill(arguments, chance):
    """Asks for the first token while the server is killed: there is one in the end, or nobody has got
    it; and there is never a second one."""
    data_dir = tempfile.mkdtemp(prefix="gofer-kill-", dir="/tmp")
    server = GoferServer(arguments.gofer, data_dir=data_dir, auth=True)
    server.bootstrap = lambda: None
    try:
        server.start()
        client = subprocess.Popen(  # pylint: disable=consider-using-with
            [arguments.gofer, "token", "bootstrap"], env=server.environment(token=None),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(chance.uniform(0.01, 0.06))
        server.kill()
        first = client.communicate(timeout=60)[0].strip()
        server.start()
        second = server.run("token", "bootstrap", token=None, check=False)
        assert first == "" or second.returncode != 0, "a second first token"
        again = server.run("token", "bootstrap", token=None, check=False)
        assert again.returncode != 0, again.stdout
        token = first or second.stdout.strip()
        if token:
            result = server.run("whoami", token=token, check=False)
            assert result.returncode == 0, "the first token: " + result.stderr
        return bool(first), second.returncode == 0
    finally:
        server.kill()
        shutil.rmtree(data_dir, ignore_errors=True)


def run_part(arguments, scheduler, rounds, chance):
    data_dir = tempfile.mkdtemp(prefix="gofer-kill-", dir="/tmp")
    server = GoferServer(arguments.gofer, scheduler=scheduler, data_dir=data_dir, auth=True)
    tokens = RunTokens(server) if scheduler == "native" else None
    sessions = Sessions(server)
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
        kill_again_and_again(server, load, chance, rounds, tokens, sessions)
        killed = time.monotonic()
        output, _ = load.communicate(timeout=SETTLE_TIMEOUT_S)
        assert load.returncode == 0, "the load ended with %d" % load.returncode
        print("%s, %d kills in %.1f s, settled and checked in %.1f s: %s" % (
            scheduler, rounds, killed - begin, time.monotonic() - killed, output.strip()), flush=True)
        if tokens is not None:
            tokens.check_end(rounds)
            check_nothing_left(server)
            assert sessions.begun > 0 or rounds < 10, "nobody was in a container that lived"
            print("%d tokens of runs lived through a kill, %d sessions ended with one" % (
                tokens.lived_on, sessions.begun))
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
    for _ in range(BOOTSTRAPS):
        print("bootstrap under a kill: answered %s, repeated %s" % (
            bootstrap_under_a_kill(arguments, chance)), flush=True)
    native = arguments.rounds * 2 // 5 if os.geteuid() == 0 else 0
    if native > 0:
        run_part(arguments, "native", native, chance)
    else:
        print("no native rounds: containers need root")
    run_part(arguments, "null", arguments.rounds - native, chance)
    return 0


if __name__ == "__main__":
    sys.exit(main())
