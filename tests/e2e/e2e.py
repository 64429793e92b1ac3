"""What the scripted tests of the CLI share: a server for each class, pipeline files, exact exit codes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

OK, FAILED, USAGE, RUN_UNSUCCESSFUL, NOT_ALLOWED, NOT_FOUND, UNREACHABLE, CONFLICT = range(8)
INTERRUPTED = 130
WAIT_S = 60  # for what must come; the tests wait for events, not for time

GOFER = None  # path of the program under test; set by main()
ARGUMENTS = []  # what stands behind it


def task(task_id, *command, **fields):
    return dict({"id": task_id, "image": "busybox:latest", "command": list(command) or ["true"]},
                **fields)


def pipeline(pipeline_id, *tasks, **fields):
    return dict({"id": pipeline_id, "tasks": list(tasks)}, **fields)


class ServerTest(unittest.TestCase):
    """A server for all tests of a class; `scheduler` names what runs its tasks."""

    scheduler = "null"
    server_options = []
    auth = False  # in development mode; True: tokens are asked for
    http = False  # True: the gateway is at server.http_address
    external = False  # True: requests from outside are taken at server.external_address

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="gofer-e2e-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.server = GoferServer(GOFER, scheduler=cls.scheduler, options=cls.server_options,
                                 auth=cls.auth, http=cls.http, external=cls.external)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()

    def file(self, name, content):
        """Writes a file beside the others of this class; what is no text becomes JSON."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def run_gofer(self, *arguments, environment=None, stdin=None, cwd=None, timeout=60):
        variables = self.server.environment()
        variables.update(environment or {})
        return subprocess.run(
            [self.server.gofer] + list(arguments), env=variables, cwd=cwd, timeout=timeout,
            capture_output=True, text=True, check=False, input=stdin if stdin is not None else "")

    def gofer(self, *arguments, code=OK, **options):
        """Runs the CLI, which must exit with `code`; gives (stdout, stderr)."""
        result = self.run_gofer(*arguments, **options)
        self.assertEqual(
            result.returncode, code,
            "gofer %s\n%s\n%s" % (" ".join(arguments), result.stdout, result.stderr))
        return result.stdout, result.stderr

    def answer(self, *arguments, **options):
        return self.gofer(*arguments, **options)[0]

    def json(self, *arguments, **options):
        return json.loads(self.answer(*arguments, "-o", "json", **options))

    def lines(self, *arguments, **options):
        return self.answer(*arguments, **options).splitlines()

    def error(self, *arguments, code, **options):
        """What a command that must fail says; it must not answer anything."""
        out, err = self.gofer(*arguments, code=code, **options)
        self.assertEqual(out, "")
        self.assertTrue(err.startswith("gofer: "), err)
        return err

    def up(self, *tasks, pipeline_id, **fields):
        self.gofer("up", self.file(pipeline_id + ".json", pipeline(pipeline_id, *tasks, **fields)))


def make_image(folder, *options):
    path = os.path.join(folder, "layout")
    subprocess.run([ARGUMENTS[0], path] + list(options), check=True)
    return path


class NativeTest(ServerTest):
    """With containers: the tests need root. ARGUMENTS[0] is the tool that makes a busybox image."""

    scheduler = "native"

    def start_gofer(self, *arguments, **environment):
        """Starts the CLI and leaves it running; it is gone when the test ends."""
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [self.server.gofer] + list(arguments), env=dict(self.server.environment(), **environment),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def wait_until(self, condition):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it did not come")
            time.sleep(0.02)

    def task_state(self, pipeline_id, run_id, task_id):
        task = self.json("task", "get", pipeline_id, run_id, task_id)["taskExecution"]
        return task["state"].replace("TASK_EXECUTION_STATE_", "")

    def start_long(self, pipeline_id):
        """Starts a run of the pipeline and waits until its task `long` has written a line."""
        run_id = self.answer("pipeline", "run", pipeline_id, "-o", "name").strip()
        self.wait_until(lambda: self.task_state(pipeline_id, run_id, "long") == "RUNNING")
        self.wait_until(lambda: self.answer("task", "logs", pipeline_id, run_id, "long") != "")
        return run_id


def main():
    global GOFER, ARGUMENTS  # pylint: disable=global-statement
    GOFER, ARGUMENTS = os.path.abspath(sys.argv[1]), sys.argv[2:]
    names = [name for name in ARGUMENTS if name.startswith("-k")]
    ARGUMENTS = [name for name in ARGUMENTS if name not in names]
    unittest.main(module="__main__", argv=[sys.argv[0]] + names, verbosity=2)
