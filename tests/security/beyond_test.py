#!/usr/bin/python3
"""The token of a task reaches no further than its run, and the listener for tasks lets nobody in without.

Usage: beyond_test.py GOFER BUSYBOX_IMAGE_TOOL [-kPATTERN]

A task that asked for a token runs in a container. The test takes the token from its environment, as somebody
who has got into it would, and calls the server through the socket as the container sees it.

Needs root; without it, it says so and succeeds.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
from gofer_server import GoferServer  # pylint: disable=wrong-import-position
from search import children  # pylint: disable=wrong-import-position

GOFER, IMAGE_TOOL = None, None  # set by main
WAIT_S = 60
OK, DENIED = 0, 4


class Beyond(unittest.TestCase):
    """A server for each test, with a run of `mine` whose task waits, and with others around it."""

    development_mode = False

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gofer-beyond-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.server = GoferServer(GOFER, scheduler="native", auth=not self.development_mode)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        layout = os.path.join(self.folder, "layout")
        subprocess.run([IMAGE_TOOL, layout], check=True)
        self.gofer("image", "import", layout)
        self.gofer("namespace", "create", "elsewhere")
        self.up("mine", "sleep 1000", inject_token=True)
        self.up("other", "sleep 1000")
        self.up("mine", "sleep 1000", "-n", "elsewhere")
        self.start("mine")
        self.container, self.token = self.take_token()
        # Others come later, so that the container is surely that of the run.
        self.start("mine")
        self.start("other")
        self.start("mine", "-n", "elsewhere")
        for place in (("mine", "the-key"), ("--global", "the-key", "--namespaces", "*")):
            self.gofer("secret", "put", *place, stdin="the value of a secret")

    def gofer(self, *arguments, **options):
        return self.server.run(*arguments, **options).stdout

    def up(self, pipeline_id, script, *options, **fields):
        path = os.path.join(self.folder, "pipeline.json")
        task = dict({"id": "main", "image": "busybox:latest", "command": ["sh", "-c", script]}, **fields)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"id": pipeline_id, "tasks": [task]}, file)
        self.gofer("up", path, *options)

    def start(self, pipeline_id, *options):
        run_id = self.gofer("pipeline", "run", pipeline_id, "-o", "name", *options).strip()
        self.wait_for_state(pipeline_id, run_id, "RUNNING", *options)
        return run_id

    def wait_for_state(self, pipeline_id, run_id, state, *options):
        deadline = time.monotonic() + WAIT_S
        while True:
            answer = json.loads(
                self.gofer("task", "get", pipeline_id, run_id, "main", "-o", "json", *options))
            if answer["taskExecution"]["state"].endswith(state):
                return
            self.assertLess(time.monotonic(), deadline, answer)
            time.sleep(0.05)

    def take_token(self):
        """(pid of process 1, text) of the one container that runs."""
        shim = next(pid for pid, name in children(self.server.process.pid).items()
                    if name == "gofer-shim")
        init = next(iter(children(shim)))
        command = next(iter(children(init)))
        with open("/proc/%d/environ" % command, "rb") as file:
            variables = dict(line.split(b"=", 1) for line in file.read().split(b"\0") if line)
        self.assertEqual(variables[b"GOFER_HOST"], b"unix:/run/gofer/api/gofer.sock")
        self.assertEqual(variables[b"GOFER_API_TOKEN"], variables[b"GOFER_TOKEN"])
        return init, variables[b"GOFER_TOKEN"].decode()

    def call(self, *arguments, token=None, stdin=None):
        """Through the socket as the container has it; gives the CompletedProcess."""
        return self.server.run(
            *arguments, "--host", "unix:/proc/%d/root/run/gofer/api/gofer.sock" % self.container,
            token=token or self.token, check=False, stdin=stdin)

    def expect_answer(self, *arguments):
        result = self.call(*arguments)
        self.assertEqual(result.returncode, OK, "%s: %s" % (arguments, result.stderr))
        return result.stdout

    def expect_denial(self, *arguments, **options):
        result = self.call(*arguments, **options)
        self.assertEqual(result.returncode, DENIED,
                         "%s: %s%s" % (arguments, result.stdout, result.stderr))
        self.assertEqual(result.stdout, "")
        return result.stderr

    def test_its_own_run_and_pipeline_can_be_read(self):
        self.assertIn("mine", self.expect_answer("config", "list", "mine", "-o", "json"))
        self.assertIn("busybox:latest", self.expect_answer("config", "get", "mine"))
        self.assertIn("RUNNING", self.expect_answer("run", "get", "mine", "1"))
        self.assertIn("main", self.expect_answer("task", "get", "mine", "1", "main"))
        self.assertIn("mine", self.expect_answer("whoami"))

    def test_nothing_else_can(self):
        path = os.path.join(self.folder, "pipeline.json")
        for arguments in (
                ("pipeline", "get", "other"), ("pipeline", "get", "mine", "-n", "elsewhere"),
                ("run", "get", "mine", "2"), ("run", "get", "other", "1"),
                ("run", "get", "mine", "1", "-n", "elsewhere"),
                ("task", "get", "mine", "2", "main"), ("task", "get", "other", "1", "main"),
                ("task", "logs", "mine", "2", "main"), ("task", "logs", "other", "1", "main"),
                ("secret", "list", "mine"), ("secret", "get", "mine", "the-key"),
                ("secret", "reveal", "mine", "the-key"), ("secret", "list", "--global"),
                ("secret", "reveal", "--global", "the-key"),
                ("secret", "reveal", "mine", "the-key", "-n", "elsewhere"),
                ("secret", "rotate-keys", "--scope", "master"), ("secret", "delete", "mine", "the-key", "--yes"),
                ("pipeline", "run", "mine"), ("pipeline", "run", "other"),
                ("run", "cancel", "mine", "1"), ("run", "cancel", "mine", "2"),
                ("run", "cancel", "other", "1"), ("run", "retry", "mine", "1"),
                ("task", "cancel", "mine", "2", "main"), ("run", "repair", "mine", "2"),
                ("pipeline", "disable", "mine"), ("pipeline", "delete", "mine", "--yes"),
                ("up", path), ("namespace", "create", "new-one"),
                ("namespace", "delete", "elsewhere", "--yes"),
                ("token", "create", "--user", "evil", "--role", "admin"), ("token", "list"),
                ("token", "bootstrap"), ("role", "list"), ("role", "get", "admin"),
                ("event", "list"), ("image", "list"), ("service", "doctor"),
                ("service", "pause")):
            with self.subTest(arguments):
                self.expect_denial(*arguments)
        self.assertIn("RUNNING", self.gofer("run", "get", "other", "1"))

    def test_denial_does_not_tell_what_exists(self):
        there = self.expect_denial("pipeline", "get", "other")
        self.assertEqual(there, self.expect_denial("pipeline", "get", "ghost").replace("ghost", "other"))
        there = self.expect_denial("run", "get", "mine", "2")
        self.assertEqual(re.sub("[0-9]+", "N", there),
                         re.sub("[0-9]+", "N", self.expect_denial("run", "get", "mine", "99")))

    def test_token_ends_with_its_run(self):
        self.gofer("run", "cancel", "mine", "1", "--force")
        self.wait_for_state("mine", "1", "COMPLETE")
        result = self.server.run(  # by the host's own path, as the container is gone
            "run", "get", "mine", "1", "--host",
            "unix:" + os.path.join(self.server.data_dir, "tasks", "gofer.sock"),
            token=self.token, check=False)
        self.assertEqual(result.returncode, DENIED, result.stdout + result.stderr)

    def test_container_finds_a_server_that_was_started_again(self):
        self.server.kill()
        self.server.start()
        self.assertIn("RUNNING", self.expect_answer("run", "get", "mine", "1"))
        self.expect_denial("run", "get", "mine", "2")

    def test_listener_asks_for_a_token(self):
        for token in ("", "gfr_r_" + "0" * 40, self.token[:-1], self.token + "0",
                      self.token[:20] + ("a" if self.token[20] != "a" else "b") + self.token[21:]):
            with self.subTest(token):
                environment = self.server.environment(token)
                if not token:
                    del environment["GOFER_TOKEN"]
                result = subprocess.run(
                    [self.server.gofer, "run", "get", "mine", "1", "--host",
                     "unix:/proc/%d/root/run/gofer/api/gofer.sock" % self.container],
                    env=environment, capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, DENIED, result.stdout + result.stderr)


class InDevelopmentMode(Beyond):
    """Which lets everybody in, but through the listener for tasks."""

    development_mode = True


def main():
    global GOFER, IMAGE_TOOL  # pylint: disable=global-statement
    GOFER, IMAGE_TOOL = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=2)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    main()
