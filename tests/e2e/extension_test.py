#!/usr/bin/env python3
"""Extensions from the outside: the CLI, a server, and the provided cron extension run by hand.

usage: extension_test.py GOFER CRON
"""

import json
import os
import re
import signal
import subprocess
import time
import unittest

import e2e
from e2e import CONFLICT, FAILED, NOT_FOUND, OK, USAGE, WAIT_S, ServerTest, pipeline, task


class ExtensionTest(ServerTest):
    """A server with `cron`, which is run by hand, and the pipeline `simple`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.programs = []
        cls.addClassCleanup(cls.stop_programs)
        cls.server.run("extension", "install", "cron")

    @classmethod
    def stop_programs(cls):
        for program in cls.programs:
            program.kill()
            program.wait(timeout=WAIT_S)
            program.stderr.close()

    def setUp(self):
        self.gofer("up", self.file("simple.json", pipeline("simple", task("greet"))))

    def start_cron(self):
        environment = self.server.environment()
        program = subprocess.Popen(
            [e2e.ARGUMENTS[0]], stderr=subprocess.PIPE, text=True,
            env=dict(environment, GOFER_EXTENSION_ID="cron", PATH=os.environ["PATH"]))
        self.programs.append(program)
        self.gofer("extension", "enable", "cron", "--wait", "--timeout", "60s")
        return program

    def stop(self, program):
        program.send_signal(signal.SIGTERM)
        program.wait(timeout=WAIT_S)

    def until(self, what, condition):
        """Asks again until it is so; what a test waits for must come."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        self.fail("%s did not come" % what)
        return None


class ByHand(ExtensionTest):
    """In the order of a life: one test, so that the server is started once."""

    def test_life(self):
        self.check_install()
        program = self.start_cron()
        self.check_shown()
        self.check_subscribe()
        self.check_subscriptions()
        self.check_logs(program)
        self.check_events()
        self.stop(program)
        self.check_uninstall()

    def check_install(self):
        out, err = self.gofer("extension", "install", "bell")
        self.assertEqual(out, "extension bell installed; it is run by hand\n")
        self.assertIn("gofer token create --kind extension --extension bell", err)
        _, err = self.gofer("extension", "install", "cron", code=CONFLICT)
        self.assertIn("hint: gofer extension update cron", err)
        self.gofer("extension", "get", "nothing", code=NOT_FOUND)
        self.assertEqual(self.lines("extension", "list", "-o", "name"), ["bell", "cron"])
        self.gofer("extension", "uninstall", "bell", "--yes")

    def check_shown(self):
        extension = self.json("extension", "get", "cron")["extension"]
        self.assertEqual(extension["state"], "EXTENSION_STATE_RUNNING")
        names = [parameter["name"] for parameter in extension["subscriptionParameters"]]
        self.assertIn("expression", names)
        self.assertIn("Settings of a subscription:", self.answer("extension", "get", "cron"))
        self.assertIn("cron", self.answer("extension", "get", "cron", "--documentation").lower())
        self.assertEqual(self.lines("extension", "list")[0].split("\t")[:2], ["cron", "RUNNING"])
        self.gofer("extension", "debug", "cron")
        out, _ = self.gofer("__complete", "pipeline", "subscribe", "simple", "cron", "x", "-s", "e")
        self.assertIn("expression=\trequired", out.splitlines())

    def check_subscribe(self):
        out = self.answer("pipeline", "subscribe", "simple", "cron", "nightly", "-s",
                          "expression=0 1 * * *")
        self.assertEqual(out, "subscription simple/cron/nightly created: ACTIVE\n")
        _, err = self.gofer("pipeline", "subscribe", "simple", "cron", "bad", "-s",
                            "expression=0 25 * * *", code=FAILED)
        self.assertIn("expression", err)
        _, err = self.gofer("pipeline", "subscribe", "simple", "cron", "bad", code=FAILED)
        self.assertIn("'expression'", err)
        _, err = self.gofer("pipeline", "subscribe", "simple", "cron", "bad", "-s",
                            "expression=0 1 * * *", "-s", "colour=red", code=FAILED)
        self.assertIn("'colour'", err)
        self.gofer("pipeline", "subscribe", "simple", "cron", "nightly", "-s",
                   "expression=0 2 * * *", code=CONFLICT)
        self.gofer("pipeline", "subscribe", "simple", "nothing", "nightly", code=NOT_FOUND)

    def check_subscriptions(self):
        row = self.lines("subscription", "list", "--pipeline", "simple")[0].split("\t")
        self.assertEqual(row[:4], ["nightly", "simple", "cron", "ACTIVE"])
        self.assertIn("Subscriptions:\nnightly", self.answer("pipeline", "get", "simple"))
        out = self.answer("subscription", "update", "simple", "cron", "nightly", "-s",
                          "expression=0 3 * * *")
        self.assertIn("updated: ACTIVE", out)
        self.assertIn("expression=0 3 * * *",
                      self.answer("subscription", "get", "simple", "cron", "nightly"))
        self.assertIn("disabled: DISABLED",
                      self.answer("subscription", "disable", "simple", "cron", "nightly"))
        self.assertIn("enabled: ACTIVE",
                      self.answer("subscription", "enable", "simple", "cron", "nightly"))
        self.gofer("pipeline", "unsubscribe", "simple", "cron", "nightly", code=USAGE)

    def check_logs(self, program):
        self.assertIsNone(program.poll())
        text = self.until("a line in the log", lambda: self.answer("extension", "logs", "cron"))
        self.assertRegex(text, r"(?m)^(INFO|DEBUG|WARNING) ")
        messages = [json.loads(line) for line in
                    self.lines("extension", "logs", "cron", "-o", "jsonl")]
        token = messages[-1]["resumeToken"]
        self.assertEqual(self.answer("extension", "logs", "cron", "--resume", token), "")
        _, err = self.gofer("extension", "logs", "cron", "--resume", "nonsense", code=FAILED)
        self.assertIn("not a token of this server", err)

    def check_events(self):
        kinds = self.lines("event", "list", "--extension", "cron", "--oldest-first")
        self.assertIn("EXTENSION_INSTALLED", kinds[0])
        out, err = self.gofer("event", "follow", "--history", "--extension", "cron", "--limit", "2")
        self.assertEqual(len(out.splitlines()), 2)
        token = re.search(r"--resume (\S+)", err).group(1)
        line = self.lines("event", "follow", "--extension", "cron", "--limit", "1", "--resume",
                          token, "-o", "jsonl")[0]
        self.assertEqual(json.loads(line)["event"]["eventId"], kinds[2].split("\t")[0])
        self.assertIn("Subject:     cron",
                      self.answer("event", "get", kinds[0].split("\t")[0]))

    def check_uninstall(self):
        self.gofer("extension", "uninstall", "cron", code=USAGE)
        _, err = self.gofer("extension", "uninstall", "cron", "--yes", code=CONFLICT)
        self.assertIn("gofer subscription list --extension cron", err)
        out = self.answer("extension", "uninstall", "cron", "--force", "--yes")
        self.assertEqual(out, "extension cron uninstalled, with 1 subscription\n")
        self.gofer("extension", "logs", "cron", code=NOT_FOUND)


if __name__ == "__main__":
    e2e.main()
