#!/usr/bin/python3
"""What the protocols of HTTP say to requests that are not right, or not quite: by hand-made requests.

Usage: edges_test.py GOFER PROTO_DIR [-kPATTERN]

Calls that stream to the server, methods and services that are not there, content types, verbs, versions,
time limits, encodings, JSON and frames that are broken, bodies that are too large; and after each of them
the server still answers.
"""

import base64
import gzip
import http.client
import io
import json
import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import comparing
import protocols
from comparing import API, METHODS

INFO = "/gofer.v1.SystemService/GetSystemInfo"
ROLE = "/gofer.v1.RoleService/GetRole"
WATCH = "/gofer.v1.RunService/WatchRun"
TOO_MUCH = 80 << 20


class Edges(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lane = comparing.Lane()
        cls.addClassCleanup(cls.lane.close)
        cls.token = cls.lane.values["admin"]
        cls.grpc = protocols.Grpc(API, cls.lane.server.address)
        cls.addClassCleanup(cls.grpc.close)

    def tearDown(self):
        status, value, _ = self.post(INFO, b"{}")
        self.assertEqual((status, "version" in value), (200, True))

    def send(self, verb, target, body=None, headers=(), token=None):
        """(status, body, headers) of a request on a connection of its own."""
        connection = http.client.HTTPConnection(self.lane.server.http_address, timeout=30)
        try:
            fields = dict(headers)
            fields["Authorization"] = "Bearer " + (token or self.token)
            connection.request(verb, target, body=body, headers=fields)
            response = connection.getresponse()
            return (response.status, response.read(),
                    {name.lower(): value for name, value in response.getheaders()})
        finally:
            connection.close()

    def post(self, target, body, content_type="application/json", **headers):
        """(status, JSON of the answer, headers) of a POST."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        status, data, got = self.send("POST", target, body, dict(fields, **{
            "Content-Type": content_type}))
        try:
            return status, json.loads(data), got
        except ValueError:
            return status, data, got

    def refused(self, status, code, target, body, content_type="application/json", **headers):
        got, value, _ = self.post(target, body, content_type, **headers)
        self.assertIsInstance(value, dict, value)
        self.assertEqual((got, value.get("code")), (status, code), value)
        self.assertTrue(value.get("message"), "says nothing")
        return value

    # ---- Which call ----

    def test_as_in_the_manual(self):
        status, value, headers = self.post(INFO, b"{}", "application/json")
        self.assertEqual((status, value["apiPackages"]), (200, ["gofer.v1"]))
        self.assertIn("no-store", headers["cache-control"])
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertNotIn("access-control-allow-origin", headers)
        for content_type in ("application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
            self.assertEqual(self.post(INFO, b"{}", content_type)[0], 200)

    def test_streams_to_the_server_are_grpc_only(self):
        clients = [protocols.Connect(API, self.lane.server.http_address, "json"),
                   protocols.Connect(API, self.lane.server.http_address, "proto"),
                   protocols.GrpcWeb(API, self.lane.server.http_address),
                   protocols.GrpcWeb(API, self.lane.server.http_address, text=True)]
        streams = [method for method in METHODS.values() if method.client_streams]
        self.assertGreaterEqual(len(streams), 8)
        for client in clients:
            self.addCleanup(client.close)
            for method in streams:
                # Connect has such calls in frames, whether or not the answer is a stream.
                method.server_streams, before = True, method.server_streams
                with self.subTest(client=client.name, method=method.path):
                    answer = client.call(method, method.request(), token=self.token)
                    self.assertEqual((answer.code, answer.messages), ("unimplemented", []))
                    self.assertIn("gRPC" if "Object" not in method.path else "not available",
                                  answer.text)
                method.server_streams = before

    def test_what_is_not_there(self):
        for target in ("/gofer.v1.SystemService/Nothing", "/gofer.v1.Nothing/GetRun",
                       "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"):
            with self.subTest(target=target):
                status, value, _ = self.post(target, b"{}")
                self.assertIn((status, value["code"]), ((404, "unimplemented"),
                                                        (501, "unimplemented")))

    def test_verbs_and_content_types(self):
        for verb in ("PUT", "DELETE", "PATCH"):
            self.assertEqual(self.send(verb, INFO, b"{}", {"Content-Type": "application/json"})[0],
                             405)
        create = "/gofer.v1.RoleService/CreateRole?encoding=json&message=%7B%7D&connect=v1"
        status, _, headers = self.send("GET", create)
        self.assertEqual((status, headers["allow"]), (405, "POST"))
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml",
                             "application/grpc", "multipart/form-data"):
            with self.subTest(content_type=content_type):
                self.assertEqual(self.post(INFO, b"{}", content_type)[0], 415)
        # Frames for a call without any, and the other way round.
        self.assertEqual(self.post(INFO, protocols.frame(b"{}"), "application/connect+json")[0], 415)
        self.assertEqual(self.post(WATCH, b"{}")[0], 415)

    def test_versions(self):
        self.refused(400, "invalid_argument", INFO, b"{}", Connect_Protocol_Version="2")
        self.assertEqual(self.post(INFO, b"{}", Connect_Protocol_Version="1")[0], 200)
        self.assertEqual(self.send("GET", INFO + "?encoding=json&message=%7B%7D&connect=v2")[0], 400)

    # ---- Time ----

    def test_deadlines(self):
        for wrong in ("-1", "x", "1.5", "99999999999", ""):
            with self.subTest(timeout=wrong):
                self.refused(400, "invalid_argument", INFO, b"{}", Connect_Timeout_Ms=wrong)
        body = protocols.frame(b"{}")
        status, data, _ = self.send(
            "POST", "/gofer.v1.EventService/FollowEvents", body,
            {"Content-Type": "application/connect+json", "Connect-Timeout-Ms": "100"})
        self.assertEqual(status, 200)
        *_, (flags, end) = protocols.frames(io.BytesIO(data), protocols.read_exactly)
        self.assertEqual((flags, json.loads(end)["error"]["code"]), (2, "deadline_exceeded"))

    # ---- Encodings ----

    def test_encodings(self):
        packed = gzip.compress(b"{}")
        self.assertEqual(self.post(INFO, packed, Content_Encoding="gzip")[0], 200)
        self.assertEqual(self.post(INFO, b"{}", Content_Encoding="identity")[0], 200)
        value = self.refused(501, "unimplemented", INFO, b"{}", Content_Encoding="br")
        self.assertIn("gzip", value["message"])
        self.refused(400, "invalid_argument", INFO, b"no gzip", Content_Encoding="gzip")
        self.refused(400, "invalid_argument", INFO, packed[:-6], Content_Encoding="gzip")
        self.refused(400, "invalid_argument", INFO, packed + b"x", Content_Encoding="gzip")

    def test_little_that_becomes_much(self):
        bomb = gzip.compress(b" " * TOO_MUCH, 9)
        self.assertLess(len(bomb), 1 << 17)
        self.refused(413, "resource_exhausted", INFO, bomb, Content_Encoding="gzip")
        frame = struct.pack(">BI", 1, len(bomb)) + bomb
        status, data, _ = self.send("POST", WATCH, frame, {
            "Content-Type": "application/connect+json", "Connect-Content-Encoding": "gzip"})
        self.assertEqual((status, json.loads(data[5:])["error"]["code"]),
                         (200, "resource_exhausted"))

    # ---- Messages ----

    def test_broken_json(self):
        for body in (b"", b"{", b"[]", b"nothing", b"{\"roleId\": 7}", b"{\"roleId\": \"\xff\"}",
                     b"{\"nothing\": 1}", b"{} {}", b"{\"roleId\": \"a\", \"roleId\": \"b\"}",
                     b"{\"roleId\":" + b"[" * 100000, b"\0", b"{\"roleId\": \"\\ud800\"}"):
            with self.subTest(body=body[:40]):
                status, value, _ = self.post(ROLE, body)
                self.assertIn((status, value["code"]), ((400, "invalid_argument"),))

    def test_broken_binary(self):
        for body in (b"\xff", b"\x0a\x05a", b"\x0a\x01\xff"):
            with self.subTest(body=body):
                self.refused(400, "invalid_argument", ROLE, body, "application/proto")
                status, _, headers = self.send("POST", ROLE, protocols.frame(body), {
                    "Content-Type": "application/grpc-web+proto"})
                self.assertEqual(status, 200, headers)

    def test_broken_frames(self):
        whole = protocols.frame(b"{\"pipelineId\": \"nothing\", \"runId\": \"1\"}")
        for body, codes in ((b"", ("invalid_argument", "unimplemented")),
                            (whole[:3], ("invalid_argument",)),
                            (whole[:-1], ("invalid_argument",)),
                            (whole + whole, ("invalid_argument", "unimplemented")),
                            (b"\x01" + whole[1:], ("invalid_argument", "internal")),
                            (b"\x40" + whole[1:], ("invalid_argument", "internal")),
                            (b"\0\xff\xff\xff\xff", ("invalid_argument", "resource_exhausted"))):
            with self.subTest(body=body[:20]):
                status, data, _ = self.send("POST", WATCH, body, {
                    "Content-Type": "application/connect+json"})
                self.assertEqual(status, 200)
                self.assertIn(json.loads(data[5:])["error"]["code"], codes)
        for body in (b"", b"AAAA", b"!!!!", b"AAAAAAA", base64.b64encode(whole)[:-1]):
            with self.subTest(text=body):
                status, data, headers = self.send("POST", ROLE, body, {
                    "Content-Type": "application/grpc-web-text+proto"})
                self.assertEqual(status, 200)
                if "grpc-status" in headers:
                    self.assertNotEqual(headers["grpc-status"], "0")
                else:
                    self.assertNotIn(b"grpc-status:0", base64.b64decode(data))

    def test_queries_of_get(self):
        good = "?connect=v1&encoding=json&message=%7B%22roleId%22%3A%22admin%22%7D"
        self.assertEqual(self.send("GET", ROLE + good)[0], 200)
        for query in ("", "?", "?encoding=json", "?message=%7B%7D", "?encoding=xml&message=%7B%7D",
                      "?encoding=json&message=%7", "?encoding=json&message=%zz%7D",
                      "?encoding=json&base64=1&message=!!!", "?encoding=proto&base64=1&message=_w",
                      "?encoding=json&base64=1&compression=gzip&message=e30",
                      "?encoding=json&compression=br&message=%7B%7D",
                      "?encoding=json&message=%7B%22roleId%22%3A%22%00%FF%22%7D"):
            with self.subTest(query=query):
                status, data, _ = self.send("GET", ROLE + query)
                self.assertIn(status, (400, 404, 415, 501))
                if status != 415:
                    self.assertIn(json.loads(data)["code"],
                                  ("invalid_argument", "unimplemented", "not_found"))

    def test_too_much(self):
        """The same limit as gRPC's, said by a code where the client still listens."""
        size = self.limit("request_bytes_max")
        value = {"pipelineId": "build", "reason": "x" * size}
        method = METHODS["DisablePipeline"]
        answer = self.grpc.call(method, API.from_json(method.request, value), token=self.token)
        self.assertEqual(answer.code, "resource_exhausted")
        for client in (protocols.Connect(API, self.lane.server.http_address, "json"),
                       protocols.GrpcWeb(API, self.lane.server.http_address)):
            self.addCleanup(client.close)
            with self.subTest(client=client.name):
                try:
                    got = client.call(method, API.from_json(method.request, value),
                                      token=self.token)
                    self.assertEqual(got.code, "resource_exhausted")
                except (BrokenPipeError, ConnectionResetError):
                    pass  # refused before all was sent: it may be that the answer is lost

    def limit(self, name):
        method = METHODS["GetSystemLimits"]
        answer = self.grpc.call(method, method.request(), token=self.token)
        limits = {each.name: each.value for each in answer.messages[0].limits}
        self.assertIn(name, limits, sorted(limits))
        return limits[name]


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
