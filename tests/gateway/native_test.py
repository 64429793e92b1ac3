#!/usr/bin/python3
"""What needs containers and images, over HTTP.

Usage: native_test.py GOFER PROTO_DIR BUSYBOX_IMAGE_TOOL

A page in headless Chromium attaches to a task's terminal, and what is typed there comes back: the page is one
of gofer's own static files and uses the official Connect client, OpenTerminal, a stream of what is shown,
beside SendTerminalInput for each line. And an image and a log that are really there come by every protocol as
they come by gRPC, to the byte. Needs root; without it, it says so and succeeds.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import comparing
import protocols
import site_files
from browser import Browser

READY = """new Promise((done) => {
    const look = () => globalThis.ready ? done(true) : setTimeout(look, 5);
    look();
})"""
SHELL = {"id": "term", "tasks": [{"id": "shell", "image": "busybox:latest", "command": ["sh"],
                                  "openStdin": True, "terminal": True},
                                 {"id": "much", "image": "busybox:latest",
                                  "command": ["sh", "-c", "seq 1 200000"]}]}
TARGET = {"namespaceId": "default", "pipelineId": "term", "runId": "1", "taskId": "shell",
          "terminalSize": {"columns": 90, "rows": 30}}
# What must be shown first, and what is typed then. The answer is made by the shell: an echo of what was
# typed does not have it.
TYPED = [("# ", "echo sum $((40 + 2)); stty size\n"), ("sum 42", ""), ("30 90", "exit 7\n")]


class Native(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gofer-terminal-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder, True)
        site = os.path.join(self.folder, "site")
        os.mkdir(site)
        site_files.make(site, {"steps": [],
                               "descriptors": base64.b64encode(comparing.API.descriptors).decode()})
        config = self.write("gofer.yaml", {"gateway": {"static_dir": site}})
        self.lane = comparing.Lane(options=["--config", config], scheduler="native")
        self.addCleanup(self.lane.close)
        image = os.path.join(self.folder, "layout")
        subprocess.run([sys.argv[3], image], check=True)
        server = self.lane.server
        server.run("image", "import", image)
        server.run("up", self.write("term.json", SHELL))
        server.run("pipeline", "run", "term")
        self.addCleanup(server.run, "run", "cancel", "term", "1", "--force", check=False)

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
        return path

    def test_page_types_into_a_shell(self):
        base = "http://" + self.lane.server.http_address
        # Until its container runs, a task has no terminal: WatchRun tells when.
        wait = """waitForTask(%s)""" % json.dumps({
            "base": base, "token": self.lane.values["admin"],
            "run": {"namespaceId": "default", "pipelineId": "term", "runId": "1"}})
        with Browser() as browser:
            page = browser.open(base + "/page.html")
            browser.evaluate(page, READY)
            browser.evaluate(page, wait)
            told = browser.evaluate(page, "doAttach(%s)" % json.dumps({
                "base": base, "token": self.lane.values["admin"], "typed": TYPED,
                "target": {"attach": TARGET}}))
        self.assertEqual((told["typed"], told["exit"]), (len(TYPED), 7), told)
        self.assertIn("sum 42\r\n", told["shown"])

    def streamed(self, client, name, request):
        """The messages of a stream without its bytes, and the bytes."""
        method = comparing.METHODS[name]
        answer = client.call(method, comparing.API.from_json(method.request, request),
                             token=self.lane.values["admin"])
        self.assertEqual(answer.code, "ok", answer)
        content = b"".join(getattr(message, "chunk", b"") + b"".join(
            chunk.content for chunk in getattr(message, "chunks", ())) for message in answer.messages)
        return self.told(answer.messages[0]), content

    def told(self, message):
        """Without the time of the last use, which each call moves, and who uses it still."""
        return comparing.masked(comparing.API.to_json(message),
                                comparing.MOMENTARY | {"containerCount"}, {})

    def test_images_and_logs(self):
        grpc = protocols.Grpc(comparing.API, self.lane.server.address)
        self.addCleanup(grpc.close)
        get = comparing.METHODS["GetImage"]
        reference = get.request(reference="busybox:latest")
        token = self.lane.values["admin"]
        run = {"pipelineId": "term", "runId": "1", "taskId": "much"}
        image = self.told(grpc.call(get, reference, token=token).messages[0])
        archive = self.streamed(grpc, "ExportImage", {"reference": "busybox:latest"})
        log = self.streamed(grpc, "FollowTaskExecutionLogs", run)  # until the task has ended
        self.assertGreater(len(archive[1]), 1 << 20)
        self.assertTrue(log[1].endswith(b"200000\n"), log[1][-100:])
        for name, make in comparing.CLIENTS:
            client = make(self.lane.server.http_address)
            self.addCleanup(client.close)
            with self.subTest(client=name):
                got = client.call(get, reference, token=token)
                self.assertEqual(self.told(got.messages[0]), image)
                exported = self.streamed(client, "ExportImage", {"reference": "busybox:latest"})
                self.assertTrue(exported == archive, "the archives differ")
                self.assertTrue(self.streamed(client, "FollowTaskExecutionLogs", run)[1] == log[1],
                                "the logs differ")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    unittest.main(argv=sys.argv[:1], verbosity=2)
