#!/usr/bin/python3
"""No secret is anywhere: plants values, uses and prints them in tasks, and looks for them everywhere.

Usage: nowhere_test.py GOFER BUSYBOX_IMAGE_TOOL [-kPATTERN]

A server with authentication runs a pipeline whose tasks print what they got in every encoding. While a
second run is under way, all files of the server, all that its processes and their shims show in /proc, and
their memory are searched for the values of secrets (sealed and plain uploads, of a pipeline and global
ones), for tokens and for the token of the run. Then the server is made to crash, and must leave no core.

Needs root; without it, it says so and succeeds.
"""

import json
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
from gofer_server import GoferServer  # pylint: disable=wrong-import-position
from search import Search, children  # pylint: disable=wrong-import-position

GOFER, IMAGE_TOOL = None, None  # set by main
WAIT_S = 60

# Every encoding of each variable to stdout and to stderr, whole, in the midst of text and in parts. The
# values are no arguments: what a container's own processes show of each other is their affair.
PRINT = r"""
encode() {
    printf 'it is %s.\n' "$1"
    for prefix in '' a ab; do printf '%s%s' "$prefix" "$1" | busybox base64 -w 0; echo; done
    printf '%s' "$1" | busybox base64 -w 0 | busybox tr +/ -_; echo
    printf '%s' "$1" | busybox xxd -p | busybox tr -d '\n'; echo
    printf '%s' "$1" | busybox xxd -p | busybox tr -d '\n' | busybox tr a-f A-F; echo
    printf '%.9s' "$1"; printf '%s\n' "${1#?????????}"
    printf '%.12s' "$1"; sleep 0.3; printf '%s\n' "${1#????????????}"
}
for value in "$SEALED" "$PLAIN" "$GLOBAL" "$INSIDE" "$GOFER_TOKEN"; do
    encode "$value"; encode "$value" >&2
done
env
echo all printed
"""


def new_value():
    """A value that every encoding changes."""
    return 'S3/+"%s"&<%s>\u00e4 %s' % tuple(secrets.token_urlsafe(9) for _ in range(3))


class Nowhere(unittest.TestCase):
    """One server for all; the tests are in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="gofer-nowhere-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        cls.server = GoferServer(GOFER, scheduler="native", auth=True)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.values = {name: new_value() for name in ("sealed", "plain", "global", "inside", "revealed")}
        cls.values["bootstrap token"] = cls.server.token
        cls.prepare()
        cls.first_run = cls.start_run()
        cls.wait_for_state(cls.first_run, "end", "COMPLETE")
        cls.second_run = cls.start_run()
        cls.wait_for_state(cls.second_run, "wait", "RUNNING")
        cls.wait_for_log(cls.second_run, "wait")
        cls.wait_for_state(cls.second_run, "print", "COMPLETE")
        cls.wait_for_state(cls.second_run, "missing", "COMPLETE")
        cls.wait_for(lambda: len(cls.shims()) == 1, "the end of the other shims")
        cls.values["run token"] = cls.run_token()

    @classmethod
    def gofer(cls, *arguments, **options):
        return cls.server.run(*arguments, **options).stdout

    @classmethod
    def pipeline(cls, variables):
        spec = {
            "id": "keeper",
            "tasks": [
                {"id": "print", "image": "busybox:latest", "inject_token": True,
                 "variables": variables, "command": ["sh", "-c", PRINT]},
                {"id": "missing", "image": "busybox:latest", "inject_token": True,
                 "variables": variables, "command": ["frobnicate"]},
                {"id": "wait", "image": "busybox:latest", "inject_token": True,
                 "variables": variables,
                 "command": ["sh", "-c", PRINT + "[ $GOFER_RUN_ID = 1 ] || exec sleep 1000"]},
                {"id": "end", "image": "busybox:latest", "command": ["true"],
                 "depends_on": {"print": "any", "wait": "any", "missing": "any"}},
            ],
        }
        path = os.path.join(cls.folder, "keeper.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(spec, file)
        cls.gofer("up", path)

    @classmethod
    def prepare(cls):
        layout = os.path.join(cls.folder, "layout")
        subprocess.run([IMAGE_TOOL, layout], check=True)
        cls.gofer("image", "import", layout)
        cls.pipeline({})
        cls.gofer("secret", "put", "keeper", "sealed", stdin=cls.values["sealed"])
        cls.gofer("secret", "put", "keeper", "plain", "--unsealed", stdin=cls.values["plain"])
        cls.gofer("secret", "put", "--global", "global", "--namespaces", "*",
                  stdin=cls.values["global"])
        cls.gofer("secret", "put", "keeper", "inside", stdin=cls.values["inside"])
        cls.gofer("secret", "put", "keeper", "revealed", stdin=cls.values["revealed"])
        cls.pipeline({"SEALED": "pipeline_secret{{sealed}}", "PLAIN": "pipeline_secret{{plain}}",
                      "GLOBAL": "global_secret{{global}}",
                      "INSIDE": "user:pipeline_secret{{inside}}@host"})
        cls.values["created token"] = cls.gofer(
            "token", "create", "--user", "somebody", "--role", "admin").strip()
        cls.server.run("pipeline", "list", token=cls.values["created token"])
        cls.server.run("pipeline", "list", token="gfr_h_" + secrets.token_hex(18), check=False)

    @classmethod
    def start_run(cls):
        return cls.gofer("pipeline", "run", "keeper", "-o", "name").strip()

    @classmethod
    def wait_for(cls, condition, what):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError("%s did not come\n%s" % (what, cls.server.log()))
            time.sleep(0.05)

    @classmethod
    def wait_for_state(cls, run_id, task_id, state):
        def arrived():
            answer = json.loads(cls.gofer("task", "get", "keeper", run_id, task_id, "-o", "json"))
            return answer["taskExecution"]["state"].endswith(state)
        cls.wait_for(arrived, "%s of %s" % (state, task_id))

    @classmethod
    def wait_for_log(cls, run_id, task_id):
        cls.wait_for(lambda: "all printed" in cls.gofer("task", "logs", "keeper", run_id, task_id),
                     "the output of " + task_id)

    @classmethod
    def shims(cls):
        return [pid for pid, name in children(cls.server.process.pid).items()
                if name == "gofer-shim"]

    @classmethod
    def inits(cls):
        return [pid for shim in cls.shims() for pid in children(shim)]

    @classmethod
    def run_token(cls):
        """From where it may be: the environment of the command."""
        command = next(iter(children(cls.inits()[0])))
        with open("/proc/%d/environ" % command, "rb") as file:
            variables = dict(line.split(b"=", 1) for line in file.read().split(b"\0") if line)
        cls.assertEqual(cls(), variables[b"SEALED"].decode(), cls.values["sealed"])
        cls.assertEqual(cls(), variables[b"INSIDE"].decode(),
                        "user:%s@host" % cls.values["inside"])
        return variables[b"GOFER_TOKEN"].decode()

    def runTest(self):  # so that assertions can be used in class methods
        pass

    def search(self, *names, parts=False):
        return Search({name: value.encode() for name, value in self.values.items()
                       if not names or name in names}, parts)

    def expect_nothing(self, search):
        self.assertEqual(search.places, [])

    # ---- what people see ----

    def test_1_logs_of_tasks_have_masks_in_their_place(self):
        for run_id, task_id in ((self.first_run, "print"), (self.second_run, "wait")):
            log = self.gofer("task", "logs", "keeper", run_id, task_id)
            search = self.search()
            search.bytes("log of " + task_id, log.encode())
            self.expect_nothing(search)
            self.assertIn("SEALED=***\n", log)
            self.assertIn("INSIDE=user:***@host\n", log)
            self.assertIn("GOFER_TOKEN=***\n", log)
            self.assertGreaterEqual(log.count("***"), 5 * 9, log)
            # What was shown in a pause is the beginning of a value at most.
            for value in self.values.values():
                self.assertNotIn(value[:12], log)

    def test_1_answers_have_no_values(self):
        search = self.search()
        for command in (
                ("event", "list", "--limit", "1000"), ("run", "get", "keeper", "1"),
                ("run", "list", "keeper"), ("task", "get", "keeper", "1", "print"),
                ("task", "get", "keeper", "1", "missing"), ("pipeline", "get", "keeper"),
                ("config", "list", "keeper"), ("secret", "list", "keeper"),
                ("secret", "list", "--global"), ("secret", "get", "keeper", "sealed"),
                ("token", "list"), ("whoami",), ("service", "info"), ("service", "doctor")):
            result = self.server.run(*command, "-o", "json", check=False)
            self.assertTrue(result.stdout, "%s: %s" % (command, result.stderr))
            search.bytes(" ".join(command), (result.stdout + result.stderr).encode())
        self.expect_nothing(search)

    # ---- files ----

    def test_2_files_of_the_server_have_no_values(self):
        search = self.search()
        self.assertGreater(search.tree(self.server.data_dir), 20)
        self.expect_nothing(search)

    def test_2_directories_of_attempts_have_no_values(self):
        search = self.search()
        attempts = {os.path.dirname(os.readlink("/proc/%d/fd/5" % shim)) for shim in self.shims()}
        self.assertEqual(len(attempts), 1)
        self.assertGreater(search.tree(attempts.pop()), 0)
        self.expect_nothing(search)

    # ---- processes ----

    def test_3_processes_show_no_values(self):
        search = self.search()
        self.assertEqual(len(self.shims()), 1)
        self.assertEqual(len(self.inits()), 1)
        search.process(self.server.process.pid, "server")
        for pid in children(self.server.process.pid):
            search.process(pid, "shim")
        for pid in self.inits():
            search.process(pid, "process 1")
        self.expect_nothing(search)

    def test_4_memory_of_shims_has_no_values_but_the_masks(self):
        search = self.search(parts=True)
        for pid in self.shims():
            self.assertGreater(search.memory(pid, "shim", besides=("/memfd:gofer-masks",)), 0)
        self.expect_nothing(search)
        for pid in self.shims():
            search.memory(pid, "shim")
        self.assertNotEqual(search.places, [], "the search is blind")

    def test_4_memory_of_process_1_has_no_values(self):
        search = self.search(parts=True)
        for pid in self.inits():
            self.assertGreater(search.memory(pid, "process 1"), 0)
        self.expect_nothing(search)

    def test_4_memory_of_the_server_has_no_values(self):
        search = self.search("sealed", "plain", "global", "inside", "run token", parts=True)
        self.assertGreater(search.memory(self.server.process.pid, "server"), 1 << 20)
        self.expect_nothing(search)
        known = Search({"data directory": self.server.data_dir.encode()})
        known.memory(self.server.process.pid, "server")
        self.assertNotEqual(known.places, [], "the search is blind")

    def test_4_memory_of_the_server_has_no_value_that_was_revealed(self):
        answer = self.gofer("secret", "reveal", "keeper", "revealed")
        self.assertEqual(answer, self.values["revealed"])
        search = self.search("revealed", parts=True)
        search.memory(self.server.process.pid, "server")
        self.expect_nothing(search)

    def test_4_memory_of_the_server_may_have_tokens_of_calls(self):
        """The headers of a call are gRPC's own: what it frees of them it does not wipe, until
        something else is written there. That is said here and is no failure."""
        search = self.search("bootstrap token", "created token")
        search.memory(self.server.process.pid, "server")
        for place in search.places:
            print("NOTE: " + place)

    # ---- the end ----

    def test_5_a_crash_leaves_no_core(self):
        before = set(os.listdir("."))
        process = self.server.process
        process.send_signal(signal.SIGABRT)
        status = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.wait()
        self.server.process = None
        self.assertEqual((status.si_code, status.si_status), (os.CLD_KILLED, signal.SIGABRT))
        self.assertEqual(set(os.listdir(".")) - before, set())

    def test_6_files_have_no_values_behind_a_crash_and_an_end(self):
        self.server.start()
        self.gofer("run", "cancel", "keeper", self.second_run, "--force")
        self.wait_for_state(self.second_run, "wait", "COMPLETE")
        self.assertEqual(self.server.stop(), 0)
        search = self.search()
        self.assertGreater(search.tree(self.server.data_dir), 20)
        self.expect_nothing(search)


def main():
    global GOFER, IMAGE_TOOL  # pylint: disable=global-statement
    GOFER, IMAGE_TOOL = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=2)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    main()
