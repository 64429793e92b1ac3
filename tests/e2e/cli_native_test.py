#!/usr/bin/python3
"""The CLI where real containers are needed: images, logs, results, cancelling, interrupting.

Usage: cli_native_test.py GOFER BUSYBOX_IMAGE_TOOL [-kPATTERN]

Needs root; without it, it says so and succeeds.
"""

import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import (  # pylint: disable=wrong-import-position
    CONFLICT, FAILED, INTERRUPTED, NOT_FOUND, OK, RUN_UNSUCCESSFUL, UNREACHABLE)

# A task that runs until it is told to stop, and stops when it is.
LONG = ("sh", "-c", "trap 'echo stopping; exit 7' TERM; echo ready; while :; do sleep 0.1; done")


def pack(folder, path):
    with tarfile.open(path, "w") as tar:
        for name in sorted(os.listdir(folder)):
            tar.add(os.path.join(folder, name), name)
    return path


class Images(e2e.NativeTest):
    """image import in all its forms."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.layout = e2e.make_image(cls.folder, "--docker-archive", cls.folder + "/docker.tar")

    def test_directory(self):
        self.assertEqual(self.answer("image", "import", self.layout), "image busybox:latest imported\n")
        row = next(line.split("\t") for line in self.lines("image", "list")
                   if line.startswith("busybox:latest\t"))
        self.assertRegex(row[1], r"^sha256:[0-9a-f]{64}$")
        self.assertGreater(int(row[2]), 100000)
        self.assertIn("busybox:latest", self.lines("image", "list", "-o", "name"))
        out = self.answer("image", "get", "busybox")
        self.assertIn(row[1], out)
        self.assertIn("sh", out)
        self.assertEqual(self.json("image", "get", row[1])["image"]["digest"], row[1])
        self.assertEqual(self.answer("image", "get", "busybox", "-o", "name"), "busybox:latest\n")
        error = self.error("image", "get", "nobody", code=NOT_FOUND)
        self.assertIn("hint: gofer image list", error)

    def test_tar(self):
        path = pack(self.layout, os.path.join(self.folder, "layout.tar"))
        self.assertEqual(self.answer("image", "import", path, "--name", "from-tar:1"),
                         "image from-tar:1 imported\n")
        self.assertEqual(self.answer("image", "import", path, "--name", "from-tar:1", "-o", "name"),
                         "from-tar:1\n")

    def test_docker_archive(self):
        path = os.path.join(self.folder, "docker.tar")
        answer = self.json("image", "import", path, "--name", "docker:1")
        self.assertIn("docker:1", answer["images"][0]["names"])

    def test_standard_input(self):
        with open(pack(self.layout, os.path.join(self.folder, "stdin.tar")), "rb") as archive:
            result = subprocess.run(
                [self.server.gofer, "image", "import", "-", "--name", "from-stdin"], stdin=archive,
                env=self.server.environment(), capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stdout),
                         (OK, "image from-stdin:latest imported\n"), result.stderr)

    def test_broken_archives(self):
        before = self.answer("image", "list")
        whole = pack(self.layout, os.path.join(self.folder, "whole.tar"))
        with open(whole, "rb") as file:
            content = file.read()
        for name, data in (("cut", content[:len(content) // 2]), ("empty", b""),
                           ("noise", b"no archive at all" * 1000)):
            with self.subTest(name):
                path = os.path.join(self.folder, name + ".tar")
                with open(path, "wb") as file:
                    file.write(data)
                self.error("image", "import", path, "--name", "broken", code=FAILED)
        self.error("image", "import", "/nowhere", code=NOT_FOUND)
        self.assertIn("could not be packed", self.gofer("image", "import", self.folder, code=FAILED)[1])
        self.error("image", "import", whole, "--name", "Bad Name", code=FAILED)
        self.assertEqual([line for line in self.lines("image", "list") if "broken" in line], [])
        self.assertTrue(set(before.splitlines()) <= set(self.lines("image", "list")))


class Cut(e2e.NativeTest):
    """A log that was full says so."""

    @classmethod
    def setUpClass(cls):
        config = tempfile.NamedTemporaryFile("w", suffix=".yaml")  # pylint: disable=consider-using-with
        cls.addClassCleanup(config.close)
        config.write("scheduler:\n  task_log_bytes: 1000\n")
        config.flush()
        cls.server_options = ["--config", config.name]
        super().setUpClass()
        cls.server.run("image", "import", e2e.make_image(cls.folder))

    def test_missing_output_is_said(self):
        self.up(e2e.task("loud", "seq", "1", "1000"), pipeline_id="loud")
        out, err = self.gofer("pipeline", "run", "loud", "--follow")
        self.assertIn("loud | 1\n", out)
        what = "output beyond 1000 bytes was dropped: 2893 bytes are missing\n"
        self.assertIn("log of loud: some output is missing: " + what, err)
        out, err = self.gofer("task", "logs", "loud", "1", "loud")
        self.assertEqual(len(out), 1000)
        self.assertTrue(err.endswith("some output is missing from this log: " + what), err)


class Results(e2e.NativeTest):
    """Runs of real containers: what they print, and what their end means."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.run("image", "import", e2e.make_image(cls.folder))
        for spec in (
                e2e.pipeline("good", e2e.task(
                    "greet", "sh", "-c", "echo hello $WHO; echo oops >&2", variables={"WHO": "world"})),
                e2e.pipeline("bad", e2e.task("fails", "sh", "-c", "echo broken; exit 3"),
                             e2e.task("next", depends_on={"fails": "success"})),
                e2e.pipeline("brief", e2e.task("brief", "echo", "here")),
                e2e.pipeline("long", e2e.task("long", *LONG)),
                e2e.pipeline("slow", e2e.task("long", "sh", "-c",
                                              "for i in 1 2 3; do echo line $i; sleep 1; done"))):
            cls.server.run("up", cls.file(cls, spec["id"] + ".json", spec))

    def test_unknown_image_registers_nothing(self):
        spec = {"id": "unknown", "tasks": [{"id": "one", "image": "nobody/has-this:1", "pull": "never"}]}
        path = self.file("unknown.json", json.dumps(spec, indent=1))
        result = self.run_gofer("up", path)
        self.assertEqual((result.returncode, result.stdout), (FAILED, ""), result.stderr)
        self.assertRegex(result.stderr, r"^gofer: %s:6:\d+: tasks\[0\].image: .*nobody/has-this" % path)
        self.assertNotIn("unknown", self.lines("pipeline", "list", "-o", "name"))

    def test_logs_keep_their_streams(self):
        self.gofer("pipeline", "run", "good", "--wait")
        self.assertEqual(self.gofer("task", "logs", "good", "1", "greet"), ("hello world\n", "oops\n"))
        chunks = [json.loads(line) for line in self.lines("task", "logs", "good", "1", "greet",
                                                          "-o", "jsonl")]
        self.assertEqual({chunk["stream"] for chunk in chunks},
                         {"LOG_STREAM_STDOUT", "LOG_STREAM_STDERR"})

    def test_logs_are_deleted(self):
        run_id = self.gofer("pipeline", "run", "brief", "--wait", "-o", "name")[0].strip()
        self.assertEqual(self.answer("task", "delete-logs", "brief", run_id, "brief", "--yes"),
                         "logs of task brief of brief/%s deleted\n" % run_id)
        self.assertEqual(self.answer("task", "delete-logs", "brief", run_id, "brief", "--yes"),
                         "task brief of brief/%s had no logs\n" % run_id)
        self.assertIn("was removed", self.error("task", "logs", "brief", run_id, "brief", code=CONFLICT))
        task = self.json("task", "get", "brief", run_id, "brief")["taskExecution"]
        self.assertEqual((task["logState"], task["status"]),
                         ("LOG_STATE_REMOVED", "TASK_EXECUTION_STATUS_SUCCESSFUL"))
        self.assertIn("TASK_EXECUTION_LOGS_DELETED", self.answer("event", "list"))

    def test_variables_reach_the_task(self):
        out, err = self.gofer("pipeline", "run", "good", "-v", "WHO=you", "--follow")
        self.assertIn("greet | hello you\n", out)
        self.assertRegex(out, r"\nrun good/\d+ SUCCESSFUL\n$")
        self.assertIn("greet SUCCESSFUL\n", err)

    def test_failed_run(self):
        out, err = self.gofer("pipeline", "run", "bad", "--wait", code=RUN_UNSUCCESSFUL)
        self.assertRegex(out, r"^run bad/\d+ FAILED\n$")
        self.assertNotEqual(err, "")
        out, err = self.gofer("pipeline", "run", "bad", "--follow", code=RUN_UNSUCCESSFUL)
        self.assertIn("fails | broken\n", out)
        self.assertRegex(out, r"run bad/\d+ FAILED\n$")
        self.assertIn("fails FAILED", err)
        self.assertIn("next SKIPPED", err)
        run = self.gofer("pipeline", "run", "bad", "--wait", "-o", "json", code=RUN_UNSUCCESSFUL)[0]
        self.assertEqual(json.loads(run)["run"]["status"], "RUN_STATUS_FAILED")
        run_id = self.gofer("pipeline", "run", "bad", "--wait", "-o", "name",
                            code=RUN_UNSUCCESSFUL)[0].strip()
        self.assertRegex(self.answer("task", "get", "bad", run_id, "fails"), r"Exit code: +3\n")

    def test_logs_arrive_while_the_task_runs(self):
        run_id = self.answer("pipeline", "run", "slow", "-o", "name").strip()
        reader = self.start_gofer("task", "logs", "slow", run_id, "long", "--follow")
        self.assertEqual(reader.stdout.readline(), "line 1\n")
        self.assertNotEqual(self.task_state("slow", run_id, "long"), "COMPLETE")
        out, err = reader.communicate(timeout=e2e.WAIT_S)
        self.assertEqual((reader.returncode, out, err), (OK, "line 2\nline 3\n", ""))

    def test_cancel_of_a_running_run(self):
        run_id = self.start_long("long")
        waiter = self.start_gofer("task", "logs", "long", run_id, "long", "--follow")
        self.assertEqual(self.answer("run", "cancel", "long", run_id, "--reason", "enough"),
                         "run long/%s is being cancelled\n" % run_id)
        self.assertIn("stopping\n", waiter.communicate(timeout=e2e.WAIT_S)[0])
        self.wait_until(lambda: "CANCELLED" in self.answer("run", "get", "long", run_id))
        self.assertEqual(self.answer("run", "cancel", "long", run_id),
                         "run long/%s had ended already\n" % run_id)

    def test_cancelled_while_waited_for(self):
        waiter = self.start_gofer("pipeline", "run", "long", "--follow")
        self.assertEqual(waiter.stdout.readline(), "long | ready\n")
        run_id = self.lines("run", "list", "long", "-o", "name")[0]
        self.gofer("run", "cancel", "long", run_id, "--force")
        out = waiter.communicate(timeout=e2e.WAIT_S)[0]
        self.assertEqual(waiter.returncode, RUN_UNSUCCESSFUL)
        self.assertTrue(out.endswith("run long/%s CANCELLED\n" % run_id), out)

    def test_timeout_leaves_the_run_alone(self):
        for option in ("--wait", "--follow"):
            out, err = self.gofer("pipeline", "run", "long", option, "--timeout", "1s",
                                  code=UNREACHABLE)
            self.assertNotIn("run long/", out)
            self.assertIn("goes on", err)
            run_id = self.lines("run", "list", "long", "-o", "name")[0]
            run = self.json("run", "get", "long", run_id)["run"]
            self.assertNotEqual(run["state"], "RUN_STATE_COMPLETE")
            self.gofer("run", "cancel", "long", run_id, "--force")

    def test_interrupt_leaves_the_run_alone(self):
        for option in ("--wait", "--follow"):
            known = self.lines("run", "list", "long", "-o", "name")
            follower = self.start_gofer("pipeline", "run", "long", option)
            self.wait_until(lambda known=known: self.lines("run", "list", "long", "-o", "name") != known)
            run_id = self.lines("run", "list", "long", "-o", "name")[0]
            self.wait_until(lambda run_id=run_id: self.task_state("long", run_id, "long") == "RUNNING")
            follower.send_signal(signal.SIGINT)
            err = follower.communicate(timeout=e2e.WAIT_S)[1]
            self.assertEqual(follower.returncode, INTERRUPTED, err)
            self.assertIn("run long/%s goes on" % run_id, err)
            self.assertIn("gofer run cancel long %s" % run_id, err)
            self.assertEqual(self.task_state("long", run_id, "long"), "RUNNING")
            self.gofer("run", "cancel", "long", run_id, "--force")

    def test_progress_on_a_terminal(self):
        waiter = self.start_gofer("pipeline", "run", "slow", "--wait", GOFER_FORCE_TTY="80")
        out, err = waiter.communicate(timeout=e2e.WAIT_S)
        self.assertRegex(out, r"^run slow/\d+ SUCCESSFUL\n$")
        # Read as text, a carriage return is a newline.
        self.assertRegex(err, r"^(\n\033\[Krun slow/\d+ [A-Z]+, \ds)+\n\033\[K$")
        quiet = self.start_gofer("pipeline", "run", "slow", "--wait", "-q", GOFER_FORCE_TTY="80")
        self.assertEqual(quiet.communicate(timeout=e2e.WAIT_S)[1], "")

    def test_followers_live_through_a_restart_of_the_server(self):
        # The port is another one after the restart; the socket is not.
        self.server.address = None
        follower = self.start_gofer("pipeline", "run", "slow", "--follow")
        self.assertEqual(follower.stdout.readline(), "long | line 1\n")
        run_id = self.lines("run", "list", "slow", "-o", "name")[0]
        reader = self.start_gofer("task", "logs", "slow", run_id, "long", "--follow")
        waiter = self.start_gofer("event", "list", "--follow", "--history", "--pipeline", "slow",
                                  "--run", run_id, "--kind", "run-started", "--kind",
                                  "run-completed", "--limit", "2")
        self.assertEqual(reader.stdout.readline(), "line 1\n")
        self.assertIn("RUN_STARTED", waiter.stdout.readline())
        self.server.kill()
        self.server.start()
        out, err = follower.communicate(timeout=e2e.WAIT_S)
        self.assertEqual(out, "long | line 2\nlong | line 3\nrun slow/%s SUCCESSFUL\n" % run_id, err)
        self.assertIn("long RUNNING\n", err)
        self.assertEqual(follower.returncode, OK)
        self.assertEqual(reader.communicate(timeout=e2e.WAIT_S)[0], "line 2\nline 3\n")
        self.assertIn("SUCCESSFUL", waiter.communicate(timeout=e2e.WAIT_S)[0])
        self.assertEqual((reader.returncode, waiter.returncode), (OK, OK))

    def test_namespace_with_a_running_run_stays(self):
        self.gofer("namespace", "create", "busy-one")
        self.gofer("up", self.file("busy.json", e2e.pipeline("busy", e2e.task("long", *LONG))),
                   "-n", "busy-one")
        run_id = self.answer("pipeline", "run", "busy", "-n", "busy-one", "-o", "name").strip()
        self.error("namespace", "delete", "busy-one", "--cascade", "--yes", code=CONFLICT)
        self.gofer("run", "cancel", "busy", run_id, "-n", "busy-one", "--force")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    e2e.main()
