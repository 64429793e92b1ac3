#!/usr/bin/python3
"""cron and interval in real containers: their images, what they refuse, and runs that they start.

Usage: provided_native_test.py GOFER BUSYBOX_IMAGE_TOOL EXTENSION_IMAGE_TOOL CRON INTERVAL [-kPATTERN]

Needs root; without it, it says so and succeeds.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import USAGE, FAILED  # pylint: disable=wrong-import-position

VERSION = "0.0.1"
SHOW = ("sh", "-c", "echo due $GOFER_EXTENSION_INTERVAL_SCHEDULED_TIME every "
                    "$GOFER_EXTENSION_INTERVAL_EVERY")


class Provided(e2e.NativeTest):
    """Both extensions, imported and installed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.run("image", "import", e2e.make_image(cls.folder))
        make_image, programs = e2e.ARGUMENTS[1], e2e.ARGUMENTS[2:4]
        for name, program, setting in zip(("cron", "interval"), programs,
                                          ("time_zone=Europe/Berlin", "min_interval=1s")):
            archive = os.path.join(cls.folder, name + ".tar")
            options = ["--time-zones"] if name == "cron" else []
            subprocess.run([make_image, "--version", VERSION, "--uncompressed"] + options +
                           [name, program, archive], check=True)
            cls.server.run("image", "import", archive)
            cls.server.run("extension", "install", name, "gofer-extension-%s:%s" % (name, VERSION),
                           "-s", setting, "--wait", "--timeout", "60s")

    def test_interval_starts_runs_with_what_they_must_know(self):
        self.up(e2e.task("show", *SHOW), pipeline_id="often")
        self.gofer("pipeline", "subscribe", "often", "interval", "fast", "-s", "every=1s")
        ended = self.lines("event", "follow", "--history", "--kind", "run-completed",
                           "--pipeline", "often", "--limit", "2", "-o", "jsonl")
        self.assertEqual(len(ended), 2)
        self.gofer("pipeline", "unsubscribe", "often", "interval", "fast", "--yes")
        run = self.json("run", "get", "often", "1")["run"]
        self.assertRegex(run["initiator"]["reason"], r"^every 1s, due at \d{4}-.*Z$")
        shown = [self.answer("task", "logs", "often", number, "show") for number in ("1", "2")]
        for text in shown:
            self.assertRegex(text, r"^due \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ every 1s\n$")
        self.assertNotEqual(shown[0], shown[1])

    def test_cron_knows_time_zones_and_says_what_is_wrong(self):
        self.up(e2e.task("true"), pipeline_id="nightly")
        self.gofer("pipeline", "subscribe", "nightly", "cron", "berlin", "-s",
                   "expression=30 2 * * *")
        self.gofer("pipeline", "subscribe", "nightly", "cron", "lord-howe", "-s",
                   "expression=30 2 * * *", "-s", "time_zone=Australia/Lord_Howe")
        result = self.run_gofer("pipeline", "subscribe", "nightly", "cron", "wrong", "-s",
                                "expression=30 25 * * *")
        self.assertIn(result.returncode, (USAGE, FAILED))
        self.assertIn("hour at character 4: 25 is out of range, expected 0 to 23", result.stderr)
        documentation = self.json("extension", "get", "cron")["extension"]["documentation"]
        self.assertIn("## When clocks are set", documentation)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    e2e.main()
