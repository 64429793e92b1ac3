#!/usr/bin/python3
"""`gofer extension dev` with an extension in Python and one in C: what is shown, and that nothing is left.

Usage: extension_dev_test.py GOFER PYTHON_EXTENSION C_EXTENSION
"""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position


class ExtensionDev(e2e.ServerTest):
    auth = True

    def dev(self, program, extension_id):
        """The command, once the extension is connected, and the file that it prints to."""
        path = self.file(extension_id + ".log", "")
        self.tokens = self.lines("token", "list")
        with open(path, "wb") as log:
            process = subprocess.Popen(  # pylint: disable=consider-using-with
                [self.server.gofer, "extension", "dev", program, "--id", extension_id],
                env=self.server.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_until(lambda: any("RUNNING" in line for line in self.lines("extension", "list")))
        return process, path

    def wait_until(self, condition):
        deadline = time.monotonic() + e2e.WAIT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it did not come")
            time.sleep(0.02)

    def end(self, process, *signals):
        for number in signals:
            process.send_signal(number)
        self.assertEqual(process.wait(e2e.WAIT_S), 0)
        self.assertEqual(self.lines("extension", "list"), [])
        self.assertEqual(self.lines("token", "list"), self.tokens)

    def up(self, pipeline_id):
        self.gofer("up", self.file(pipeline_id + ".json", e2e.pipeline(pipeline_id, e2e.task("one"))))

    def test_shows_what_a_python_extension_logs_to_gofer(self):
        self.up("drum")
        process, path = self.dev(os.path.abspath(PYTHON_EXTENSION), "beat")
        self.gofer("pipeline", "subscribe", "drum", "beat", "slow", "-s", "seconds=3600")
        self.wait_until(lambda: "beat > INFO every 3600 s (slow of default/drum)\n" in read(path))
        self.end(process, signal.SIGINT)

    def test_shows_what_a_c_extension_logs_once(self):
        process, path = self.dev(os.path.abspath(C_EXTENSION), "minute")
        self.wait_until(lambda: "minute | " in read(path))
        self.end(process, signal.SIGTERM, signal.SIGHUP)
        connected = [line for line in read(path).splitlines() if "connected to gofer" in line]
        self.assertEqual(len(connected), 1, read(path))
        self.assertTrue(connected[0].startswith("minute | "), connected[0])


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    PYTHON_EXTENSION, C_EXTENSION = sys.argv[2:4]
    e2e.main()
