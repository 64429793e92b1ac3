#!/usr/bin/python3
"""SIGKILL of the server, of an extension, or of both, again and again, checked against a ledger.

Usage: extension_kill_test.py GOFER EVENT_LOAD [--rounds N] [--seed N] [--keep]

An extension (events/event_load.c) sees EVENTS_PER_ROUND events a round, each of which is to start a run
of one of three pipelines, or of all three. It writes down what it has seen and what the server has
answered; when it is started again it asks again, with the same keys, for what it has no answer to, and
for some of what was answered. In the end each event has exactly one run in each pipeline that it
concerns, and it is the one that was told at every answer.
"""

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

ROUNDS = 20
ROUNDS_FULL = 500
EVENTS_PER_ROUND = 100
UP_TIME_S = (0.01, 0.3)  # how long what is killed lives in a round
SETTLE_TIMEOUT_S = 300
EXTENSION = "event-load"
PIPELINES = ("one", "two", "three")
ALL_EVERY = 10  # as event_load.c has it


class Extension:
    """The program, with its ledger."""

    def __init__(self, program, server, token, ledger, count):
        self.program = os.path.abspath(program)
        self.server = server
        self.token = token
        self.ledger = ledger
        self.count = count
        self.process = None
        self.log_path = ledger + ".log"

    def start(self):
        environment = self.server.environment(token=self.token)
        environment.update({
            "GOFER_HOST": self.server.socket, "GOFER_EXTENSION_ID": EXTENSION,
            "EVENT_LOAD_LEDGER": self.ledger, "EVENT_LOAD_COUNT": str(self.count)})
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [self.program], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart_if_ended(self):
        """It gives up where the server does not let it in, and ends when all is done."""
        code = self.process.poll()
        assert code in (None, 0), "the extension ended with %r" % code
        return code == 0

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()


def concerns(number):
    return PIPELINES if number % ALL_EVERY == 0 else (PIPELINES[number % len(PIPELINES)],)


def set_up(server, data_dir):
    for pipeline in PIPELINES:
        path = os.path.join(data_dir, pipeline + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"id": pipeline, "name": pipeline, "tasks": [
                {"id": "only", "image": "none:1", "command": ["true"]}]}, file)
        server.run("up", path)
    server.run("extension", "install", EXTENSION)
    for pipeline in PIPELINES:
        server.run("pipeline", "subscribe", pipeline, EXTENSION, "numbers")
    created = server.run("token", "create", "--kind", "extension", "--extension", EXTENSION,
                         "--user", EXTENSION, "-o", "json")
    return json.loads(created.stdout)["tokenText"]


def kill_again_and_again(server, extension, chance, rounds):
    kills = collections.Counter()
    for number in range(rounds):
        time.sleep(chance.uniform(*UP_TIME_S))
        assert server.process.poll() is None, "the server ended by itself in round %d" % number
        extension.restart_if_ended()
        victim = chance.choice(("server", "extension", "both"))
        kills[victim] += 1
        if victim != "extension":
            server.kill()
        if victim != "server":
            extension.kill()
            extension.start()
        if victim != "extension":
            server.start()
    return kills


def wait_for_all(extension):
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while not extension.restart_if_ended():
        assert time.monotonic() < deadline, "not everything was answered in time"
        time.sleep(0.02)


def read_ledger(path):
    """{(pipeline, number): [(kind, run_id)]}, as it was answered."""
    answers = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) == 5 and words[0] == "acked":
                answers[words[1], int(words[2])].append((words[3], int(words[4])))
    return answers


def runs_of(server, pipeline):
    """{number: [run_id]}, by the label that tells what a run is for."""
    runs = collections.defaultdict(list)
    listed = json.loads(server.run("run", "list", pipeline, "--limit", "0", "-o", "json").stdout)
    for one in listed["runs"]:
        runs[int(one["labels"]["key"].split("-")[1])].append(int(one["runId"]))
    return runs


def check(server, ledger, count):
    answers = read_ledger(ledger)
    repeated = 0
    total = 0
    for pipeline in PIPELINES:
        runs = runs_of(server, pipeline)
        expected = {number for number in range(1, count + 1) if pipeline in concerns(number)}
        assert set(runs) == expected, "%s: runs for %s are missing, those for %s nobody asked for" % (
            pipeline, sorted(expected - set(runs))[:10], sorted(set(runs) - expected)[:10])
        for number in expected:
            given = answers[pipeline, number]
            assert given, "%s, event %d: no answer" % (pipeline, number)
            assert len(runs[number]) == 1, "%s, event %d: runs %s" % (pipeline, number, runs[number])
            assert {run for _, run in given} == set(runs[number]), (
                "%s, event %d: answered %s, the run is %s" % (pipeline, number, given, runs[number]))
            assert sum(kind == "started" for kind, _ in given) <= 1, given
            repeated += len(given) - 1
        total += len(expected)
    return total, repeated


def run(arguments, chance):
    data_dir = tempfile.mkdtemp(prefix="gofer-kill-", dir="/tmp")
    count = arguments.rounds * EVENTS_PER_ROUND
    server = GoferServer(arguments.gofer, data_dir=data_dir, auth=True)
    extension = None
    failed = False
    begin = time.monotonic()
    try:
        server.start()
        token = set_up(server, data_dir)
        extension = Extension(arguments.event_load, server, token,
                              os.path.join(data_dir, "ledger"), count)
        extension.start()
        kills = kill_again_and_again(server, extension, chance, arguments.rounds)
        killed = time.monotonic()
        wait_for_all(extension)
        total, repeated = check(server, extension.ledger, count)
        print("%s in %.1f s; %d runs, one for each event and pipeline; %d answers were repeated; "
              "settled and checked in %.1f s" % (
                  dict(kills), killed - begin, total, repeated, time.monotonic() - killed), flush=True)
        code = server.stop()
        assert code == 0, "the server ended with %r" % code
    except BaseException:
        print(server.log()[-4000:], file=sys.stderr)
        if extension is not None:
            print(extension.log()[-4000:], file=sys.stderr)
        failed = True
        raise
    finally:
        if extension is not None:
            extension.kill()
        server.kill()
        if arguments.keep:
            print("the data is in %s" % data_dir, file=sys.stderr)
        else:
            shutil.rmtree(data_dir, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gofer")
    parser.add_argument("event_load")
    full = os.environ.get("GOFER_TEST_FULL") == "1"
    parser.add_argument("--rounds", type=int, default=ROUNDS_FULL if full else ROUNDS)
    parser.add_argument("--keep", action="store_true", help="leave the data of a failure behind")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    print("seed %d, %d rounds" % (arguments.seed, arguments.rounds), flush=True)
    run(arguments, random.Random(arguments.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
