#!/usr/bin/python3
"""What the server writes to its log: in both forms, with the request, namespace, pipeline and run on every line.

Usage: log_test.py GOFER [-kPATTERN]
"""

import json
import os
import re
import sys
import time
import unittest
import urllib.error
import urllib.request

import grpc

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position

PIPELINE = {"id": "logged", "name": "Logged", "tasks": [{"id": "one", "image": "busybox:latest"}]}
TEXT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) ([a-z0-9_]+)((?: [a-z_]+=.*)?)$")
VALUE = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "]*)')


def start_run_request(pipeline_id):
    """StartRunRequest as it is on the wire: namespace_id = 1, pipeline_id = 2."""
    fields = ((1, b"default"), (2, pipeline_id.encode()))
    return b"".join(bytes([number << 3 | 2, len(text)]) + text for number, text in fields)


class LogTest(unittest.TestCase):
    """A server at level debug, whose log is read."""

    def start(self, form, auth=False, level="debug"):
        server = e2e.GoferServer(e2e.GOFER, auth=auth, http=True,
                                 options=["--log-level", level, "--log-format", form])
        self.addCleanup(server.__exit__)
        server.start()
        path = os.path.join(server.data_dir, "logged.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(PIPELINE, file)
        server.run("up", path)
        return server

    def lines(self, server, form):
        """The lines as dictionaries; numbers of text as text."""
        found = []
        for line in server.log().splitlines():
            if form == "json":
                found.append(json.loads(line))
                continue
            match = TEXT.match(line)
            self.assertIsNotNone(match, line)
            values = {key: value.strip('"') for key, value in VALUE.findall(match.group(3))}
            found.append(dict(values, level=match.group(1), event=match.group(2)))
        return found

    def wait_for(self, server, form, request, event):
        """All lines of the request, once the event is among them."""
        deadline = time.monotonic() + e2e.WAIT_S
        while True:
            found = [line for line in self.lines(server, form) if line.get("request") == request]
            if any(line["event"] == event for line in found):
                return found
            self.assertLess(time.monotonic(), deadline, server.log())
            time.sleep(0.01)

    @staticmethod
    def start_run_by_http(server, request):
        call = urllib.request.Request(
            "http://%s/gofer.v1.RunService/StartRun" % server.http_address, method="POST",
            data=json.dumps({"namespaceId": "default", "pipelineId": "logged"}).encode(),
            headers={"content-type": "application/json", "x-request-id": request})
        with urllib.request.urlopen(call, timeout=e2e.WAIT_S) as answer:
            return answer.headers["x-request-id"], json.load(answer)["run"]["runId"]

    @staticmethod
    def start_run_by_grpc(server, request):
        with grpc.insecure_channel(server.address) as channel:
            method = channel.unary_unary("/gofer.v1.RunService/StartRun")
            _, call = method.with_call(start_run_request("logged"), timeout=e2e.WAIT_S,
                                       metadata=[("x-request-id", request)])
            return dict(call.initial_metadata())["x-request-id"]

    def check(self, form):
        server = self.start(form)
        self.assertEqual(self.start_run_by_http(server, "http-1"), ("http-1", "1"))
        self.assertEqual(self.start_run_by_grpc(server, "grpc-1"), "grpc-1")
        for request, run, transport in (("http-1", 1, "connect"), ("grpc-1", 2, "grpc")):
            lines = self.wait_for(server, form, request, "call_ended")
            number = (lambda value: value) if form == "json" else str
            for line in lines:
                self.assertEqual((line["namespace"], line["pipeline"]), ("default", "logged"), line)
            events = {line["kind"]: line for line in lines if line["event"] == "event_committed"}
            self.assertEqual(events["RUN_STARTED"]["run"], number(run))
            launch = next(line for line in lines if line["event"] == "attempt_launched")
            self.assertEqual((launch["run"], launch["task"], launch["attempt"]),
                             (number(run), "one", number(1)))
            ended = next(line for line in lines if line["event"] == "call_ended")
            self.assertEqual((ended["transport"], ended["code"], ended["run"]),
                             (transport, "OK", number(run)))
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.lines(server, form)[-1]["event"], "server_stopped")

    def test_text(self):
        self.check("text")

    def test_json(self):
        self.check("json")

    def test_refusals_have_it_too(self):
        server = self.start("json", auth=True, level="info")
        call = urllib.request.Request(
            "http://%s/gofer.v1.RunService/GetRun" % server.http_address, method="POST",
            data=b'{"pipelineId": "logged", "runId": "7"}',
            headers={"content-type": "application/json", "x-request-id": "none-1",
                     "authorization": "Bearer nonsense"})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(call, timeout=e2e.WAIT_S)  # pylint: disable=consider-using-with
        self.assertEqual(caught.exception.code, 401)
        caught.exception.close()
        line = self.wait_for(server, "json", "none-1", "call_denied")[0]
        self.assertEqual((line["level"], line["code"]), ("warn", "UNAUTHENTICATED"))

    def test_what_is_refused_before_a_call(self):
        server = self.start("json")
        for request, path, headers, status in (
                ("odd-1", "/gofer.v1.RunService/GetRun", {"content-type": "text/plain"}, 415),
                ("odd-2", "/gofer.v1.RunService/Nothing", {"content-type": "application/json"}, 404),
                ("odd-3", "/healthz", {"origin": "https://elsewhere.example.com"}, 403)):
            call = urllib.request.Request("http://%s%s" % (server.http_address, path), method="POST", data=b"{}",
                                          headers=dict(headers, **{"x-request-id": request}))
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(call, timeout=e2e.WAIT_S)  # pylint: disable=consider-using-with
            self.assertEqual(caught.exception.code, status)
            self.assertEqual(caught.exception.headers["x-request-id"], request)
            caught.exception.close()
            line = self.wait_for(server, "json", request, "http_refused")[0]
            self.assertEqual((line["path"], line["status"]), (path, status))

    def test_ids_that_do_not_fit_are_not_taken(self):
        server = self.start("json")
        answered, _ = self.start_run_by_http(server, "a b")
        self.assertRegex(answered, "^[0-9a-f]{16,32}$")
        self.wait_for(server, "json", answered, "call_ended")


if __name__ == "__main__":
    e2e.main()
