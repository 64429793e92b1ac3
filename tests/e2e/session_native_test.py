#!/usr/bin/python3
"""Getting into real containers by the CLI: task attach, exec and shell, by pipes and by a terminal.

Usage: session_native_test.py GOFER BUSYBOX_IMAGE_TOOL [-kPATTERN]

Needs root; without it, it says so and succeeds.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import CONFLICT, FAILED, INTERRUPTED, OK, USAGE  # pylint: disable=wrong-import-position

LINES = ("sh", "-c", "echo ready; while read line; do echo \"got $line\"; done; sleep 60")


class Terminal:
    """A terminal of a known size with the CLI at its other side."""

    def __init__(self, test, *arguments, columns=90, rows=30):
        self.test = test
        self.text = b""
        self.code = None
        environment = test.server.environment()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(test.server.gofer, [test.server.gofer] + list(arguments), environment)
        self.before = termios.tcgetattr(self.fd)
        test.addCleanup(self.close)

    def close(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, text):
        """Reads until the text has come, and forgets everything up to it."""
        deadline = time.monotonic() + e2e.WAIT_S
        while text.encode() not in self.text:
            readable = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]
            self.test.assertTrue(readable, "%r, not %r" % (self.text, text))
            try:
                more = os.read(self.fd, 65536)
            except OSError:
                more = b""
            self.test.assertTrue(more, "%r, not %r" % (self.text, text))
            self.text += more
        self.text = self.text.split(text.encode(), 1)[1]

    def resize(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def expect_end(self, code):
        """The CLI ends with the code, and the terminal is as it was."""
        status = os.waitpid(self.pid, 0)[1]
        self.code = os.waitstatus_to_exitcode(status)
        self.test.assertEqual(self.code, code, self.text)
        self.test.assertEqual(termios.tcgetattr(self.fd), self.before)


class Sessions(e2e.NativeTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        first = cls("set_up")
        first.gofer("image", "import", e2e.make_image(cls.folder))
        first.up(e2e.task("lines", *LINES, open_stdin=True),
                 e2e.task("term", "sh", open_stdin=True, terminal=True),
                 e2e.task("over"),
                 e2e.task("failed", "sh", "-c", "echo left > /tmp/file; exit 4", keep_failed=True),
                 pipeline_id="demo")
        first.gofer("pipeline", "run", "demo")
        # What runs on would hold the test up.
        cls.addClassCleanup(first.gofer, "run", "cancel", "demo", "1", "--force")
        for task, state in (("lines", "RUNNING"), ("term", "RUNNING"), ("over", "COMPLETE"),
                            ("failed", "COMPLETE")):
            first.wait_until(lambda name=task, end=state: first.task_state("demo", "1", name) == end)

    def set_up(self):
        """No test: what setUpClass calls the helpers of a test by."""

    def exec(self, *command, options=(), **more):
        return self.run_gofer("task", "exec", "demo", "1", "lines", *options, "--", *command, **more)

    # ---- Pipes ----

    def test_exec(self):
        result = self.exec("sh", "-c", "echo out; echo err >&2; echo $A; pwd; exit 9",
                           options=("-e", "A=b", "-w", "/tmp"))
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (9, "out\nb\n/tmp\n", "err\n"))
        self.assertEqual(self.exec("cat", stdin="a\nb").stdout, "a\nb")
        self.assertEqual(self.exec("cat", stdin="a", options=("--no-stdin",)).stdout, "")
        self.assertEqual(self.exec("sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(self.exec("tty").returncode, 1)
        self.assertEqual(self.exec("tty", options=("--tty",)).returncode, 0)

    def test_exec_has_the_environment_of_the_task(self):
        self.assertIn("GOFER_TASK_ID=lines\n", self.exec("env").stdout)

    def test_much_goes_both_ways(self):
        size = 3 << 20
        self.assertEqual(self.exec("wc", "-c", stdin="a" * size).stdout, "%d\n" % size)
        self.assertEqual(len(self.exec("head", "-c", str(size), "/dev/zero").stdout), size)

    def test_errors(self):
        error = self.error("task", "exec", "demo", "1", "lines", "--", "nothing", code=FAILED)
        self.assertIn("nothing", error)
        self.error("task", "exec", "demo", "1", "lines", code=USAGE)
        error = self.error("task", "attach", "demo", "1", "over", code=CONFLICT)
        self.assertIn("hint: gofer task logs demo 1 over", error)
        error = self.error("task", "shell", "demo", "1", "over", code=CONFLICT)
        self.assertIn("keep_failed", error)

    def test_interrupted_exec_ends_the_program(self):
        process = self.start_gofer("task", "exec", "demo", "1", "lines", "--", "sh", "-c",
                                   "echo $$; exec sleep 777")
        self.assertTrue(process.stdout.readline().strip().isdigit())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(e2e.WAIT_S), INTERRUPTED)
        self.wait_until(lambda: "777" not in self.exec("ps").stdout)

    def test_attach_by_a_pipe(self):
        with subprocess.Popen([self.server.gofer, "task", "attach", "demo", "1", "lines"],
                              env=self.server.environment(), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as process:
            self.addCleanup(process.kill)
            process.stdin.write("one\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), "got one\n")
            # The end of this input is not that of the program's.
            process.stdin.close()
            again = self.run_gofer("task", "exec", "demo", "1", "lines", "--", "true")
            self.assertEqual(again.returncode, OK)
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(e2e.WAIT_S), INTERRUPTED)
        self.assertEqual(self.task_state("demo", "1", "lines"), "RUNNING")

    def test_files_of_a_failed_task(self):
        self.assertIn("Files:     kept until ", self.answer("task", "get", "demo", "1", "failed"))
        out, err = self.gofer("task", "shell", "demo", "1", "failed", stdin="cat /tmp/file; exit 6",
                              code=6)
        self.assertEqual(out, "left\n")
        self.assertIn("does not run any more; these are its files, kept until ", err)
        env = self.answer("task", "exec", "demo", "1", "failed", "--", "env")
        self.assertIn("GOFER_TASK_ID=failed\n", env)

    # ---- A terminal ----

    def test_shell_in_a_terminal(self):
        terminal = Terminal(self, "task", "shell", "demo", "1", "lines")
        terminal.type("stty size; echo pid-is-$$\n")
        terminal.expect("30 90")
        terminal.resize(100, 40)
        terminal.expect("pid-is-")
        terminal.type("until stty size | grep -q '^40 100'; do sleep 0.05; done; echo re''sized\n")
        terminal.expect("resized")
        terminal.type("echo sle''eping; sleep 50\n")
        terminal.expect("sleeping")
        terminal.type("\x03")  # for the program, not for the CLI
        terminal.expect("^C")
        terminal.type("exit 5\n")
        terminal.expect_end(5)

    def test_signals_leave_the_terminal_as_it_was(self):
        for number, code in ((signal.SIGTERM, INTERRUPTED), (signal.SIGHUP, -signal.SIGHUP)):
            terminal = Terminal(self, "task", "exec", "demo", "1", "lines", "--", "sh")
            terminal.type("echo be''gun\n")
            terminal.expect("begun")
            self.assertNotEqual(termios.tcgetattr(terminal.fd), terminal.before)
            os.kill(terminal.pid, number)
            terminal.expect_end(code)

    def test_attach_and_come_back(self):
        for name in ("one", "two"):
            terminal = Terminal(self, "task", "attach", "demo", "1", "term")
            terminal.expect("ctrl-p,ctrl-q leaves")
            terminal.type("echo in-%s''side\n" % name)
            terminal.expect("in-%sside" % name)
            terminal.type("\x10\x11")
            terminal.expect("left; the program goes on")
            terminal.expect_end(OK)
        self.assertEqual(self.task_state("demo", "1", "term"), "RUNNING")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    e2e.main()
