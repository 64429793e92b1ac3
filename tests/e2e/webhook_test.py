#!/usr/bin/env python3
"""Requests from outside, with the example extension: what is answered, and that each delivery id is
one run, whatever dies in between.

usage: webhook_test.py GOFER WEBHOOK
"""

import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import WAIT_S, ServerTest, task  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

SECRET = "It's a Secret to Everybody"
PUSH = json.dumps({"ref": "refs/heads/main", "after": "4d0c5d5",
                   "repository": {"full_name": "octocat/hello-world"}}).encode()


class Webhook(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.__exit__()
        cls.server = GoferServer(e2e.GOFER, external=True)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.program = None
        cls.addClassCleanup(cls.stop_program)

    @classmethod
    def start_program(cls):
        environment = cls.server.environment()
        environment["GOFER_HOST"] = cls.server.socket  # the same after a restart
        with open(os.path.join(cls.folder, "webhook.log"), "ab") as log:
            cls.program = subprocess.Popen(  # pylint: disable=consider-using-with
                [os.path.abspath(e2e.ARGUMENTS[0])], stderr=log,
                env=dict(environment, GOFER_EXTENSION_ID="webhook", PATH=os.environ["PATH"]))

    @classmethod
    def stop_program(cls):
        if cls.program is not None:
            cls.program.kill()
            cls.program.wait(WAIT_S)
            cls.program = None

    def until(self, what, condition):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, "%s did not come" % what)
            time.sleep(0.05)

    def send(self, delivery_id, body=PUSH, secret=SECRET, path="/external/webhook", method="POST"):
        """The status, and the whole answer."""
        mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection(self.server.external_address, timeout=WAIT_S)
        try:
            connection.request(method, path, body, {
                "X-Hub-Signature-256": "sha256=" + mac, "X-GitHub-Event": "push",
                "X-GitHub-Delivery": delivery_id, "Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read(), dict(response.getheaders())
        finally:
            connection.close()

    def expect(self, status, *arguments, **options):
        self.assertEqual(self.send(*arguments, **options)[0], status)

    def extension(self):
        return self.json("extension", "get", "webhook")["extension"]

    def run_count(self):
        return int(self.extension().get("runCount", 0))

    def is_running(self):
        return self.extension()["state"] == "EXTENSION_STATE_RUNNING"

    def waiting(self):
        return int(self.extension().get("pendingDeliveryCount", 0))

    def variables(self, run):
        """What the extension has given a run of the list."""
        shown = self.json("run", "get", "build", str(run["runId"]))["run"]["variables"]
        return {each["key"]: each.get("value", "") for each in shown}

    def test_each_delivery_is_one_run(self):
        self.gofer("extension", "install", "webhook", "-s", "secret=" + SECRET)
        self.expect(404, "early")
        self.start_program()
        self.until("the extension", self.is_running)
        self.up(task("build"), pipeline_id="build")
        self.gofer("pipeline", "subscribe", "build", "webhook", "main",
                   "-s", "repository=octocat/hello-world", "-s", "ref=refs/heads/main")
        self.check_shown()
        self.check_answers()
        self.check_a_server_that_dies()
        self.check_both_die()

    def check_shown(self):
        out = self.answer("extension", "get", "webhook")
        self.assertRegex(out, r"Takes: +POST /external/webhook\n")
        self.assertRegex(out, r"Verified: +by an HMAC with SHA256 in X-Hub-Signature-256")
        self.assertNotIn(SECRET, out)

    def check_answers(self):
        self.expect(202, "first")
        self.expect(202, "first")
        self.until("the run", lambda: self.run_count() == 1)
        variables = self.variables(self.json("run", "list", "build")["runs"][0])
        self.assertEqual(variables["WEBHOOK_DELIVERY_ID"], "first")
        self.assertEqual(variables["WEBHOOK_REPOSITORY"], "octocat/hello-world")
        self.assertEqual(variables["WEBHOOK_COMMIT"], "4d0c5d5")
        status, body, headers = self.send("second", secret="another")
        self.assertEqual((status, json.loads(body)["code"]), (401, "unauthenticated"))
        self.assertTrue(headers["X-Request-Id"])
        status, _, headers = self.send("second", method="PUT")
        self.assertEqual((status, headers["Allow"]), (405, "POST"))
        self.expect(404, "second", path="/external/nobody")
        self.expect(413, "second", body=b"x" * ((1 << 20) + 1))
        # Of another branch: taken, and no run.
        self.expect(202, "other", body=PUSH.replace(b"main", b"next"))
        self.until("the delivery", lambda: self.waiting() == 0)
        self.assertEqual(self.run_count(), 1)

    def check_a_server_that_dies(self):
        """Between the answer and the delivery."""
        self.stop_program()
        for number in range(20):
            self.expect(202, "kept-%d" % number)
        self.server.kill()
        self.server.start()
        for number in range(20):
            self.expect(202, "kept-%d" % number)
        self.assertEqual(self.waiting(), 20)
        self.start_program()
        self.until("the runs", lambda: self.run_count() == 21 and self.waiting() == 0)

    def check_both_die(self):
        """While deliveries and runs are under way."""
        for number in range(30):
            self.expect(202, "busy-%d" % number)
            if number == 10:
                self.stop_program()
                self.start_program()
        self.server.kill()
        self.server.start()
        for number in range(30):
            self.expect(202, "busy-%d" % number)
        self.until("the runs", lambda: self.run_count() == 51 and self.waiting() == 0)
        names = set()
        for run in self.json("run", "list", "build", "--limit", "100")["runs"]:
            names.add(self.variables(run)["WEBHOOK_DELIVERY_ID"])
        self.assertEqual(len(names), 51)
        self.assertEqual(int(self.extension().get("deadLetterCount", 0)), 0)


if __name__ == "__main__":
    e2e.main()
