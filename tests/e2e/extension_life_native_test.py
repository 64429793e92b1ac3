#!/usr/bin/python3
"""The life of an extension in a real container: updates, one that fails, a program that dies, and
disabling.

Usage: extension_life_native_test.py GOFER BUSYBOX_IMAGE_TOOL EXTENSION_IMAGE_TOOL INTERVAL
       [-kPATTERN]

Needs root; without it, it says so and succeeds.
"""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position

IMAGE = "gofer-extension-interval:0.0.1"


def processes_of(extension_id):
    """The processes in containers of the extension, by their environment."""
    wanted = b"GOFER_EXTENSION_ID=" + extension_id.encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


class ExtensionLife(e2e.NativeTest):
    """One extension, which starts a run each second."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        archive = os.path.join(cls.folder, "interval.tar")
        subprocess.run([e2e.ARGUMENTS[1], "--version", "0.0.1", "interval", e2e.ARGUMENTS[2],
                        archive], check=True)
        cls.server.run("image", "import", e2e.make_image(cls.folder))
        cls.server.run("image", "import", archive)

    def extension(self):
        return self.json("extension", "get", "ticker")["extension"]

    def events(self, kind):
        events = self.json("event", "list", "--extension", "ticker", "--kind", kind).get("events", [])
        return len(events)

    def wait_for_runs(self):
        """Until another run is there than those that there are."""
        before = int(self.extension().get("runCount", 0))
        self.wait_until(lambda: int(self.extension().get("runCount", 0)) > before)

    def test_it_goes_on_through_all_of_it(self):
        self.gofer("extension", "install", "ticker", IMAGE, "-s", "min_interval=1s", "--wait",
                   "--timeout", "60s")
        self.up(e2e.task("true"), pipeline_id="often")
        self.gofer("pipeline", "subscribe", "often", "ticker", "fast", "-s", "every=1s")
        self.wait_for_runs()

        # An update takes the place of the container, and runs go on.
        first = processes_of("ticker")
        self.gofer("extension", "update", "ticker", "-s", "min_interval=500ms")
        self.wait_until(lambda: self.events("extension-connected") == 2)
        self.wait_until(lambda: not set(first) & set(processes_of("ticker")))
        self.wait_for_runs()
        self.assertEqual(self.extension().get("restartCount", 0), 0)

        # One that cannot start leaves the old one as it was.
        second = processes_of("ticker")
        self.gofer("extension", "update", "ticker", "127.0.0.1:1/nobody/has-this:1")
        self.wait_until(lambda: self.events("extension-update-failed") == 1)
        self.assertEqual(self.extension()["image"], IMAGE)
        self.assertEqual(processes_of("ticker"), second)
        self.wait_for_runs()

        # A program that dies is started again.
        for pid in second:
            os.kill(pid, signal.SIGKILL)
        self.wait_until(lambda: self.extension().get("restartCount", 0) == 1)
        self.wait_for_runs()

        # Disabled, it ends.
        self.gofer("extension", "disable", "ticker", "--yes")
        self.wait_until(lambda: not processes_of("ticker"))
        self.gofer("extension", "enable", "ticker")
        self.wait_for_runs()
        self.gofer("extension", "uninstall", "ticker", "--force", "--yes")
        self.wait_until(lambda: not processes_of("ticker"))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    e2e.main()
