#!/usr/bin/env python3
"""What strangers, and callers that go away, cannot do to a server that others use over HTTP and gRPC.

usage: hostile_test.py GOFER
"""

import http.client
import json
import os
import re
import resource
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

GOFER = None  # set by main
WAIT_S = 30
# Few, so that a flood is soon one. Three quarters are for connections; of these, the gateway has a
# third and the listener for events from outside a sixth.
DESCRIPTORS = 512
FLOOD = 450
FOLLOWERS = 50
SUMMARY = "/gofer.v1.SystemService/GetSystemSummary"
FOLLOW = "/gofer.v1.EventService/FollowEvents"


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        try:
            cls.server = GoferServer(GOFER, auth=True, http=True, external=True)
            cls.addClassCleanup(cls.server.__exit__)
            cls.server.start()
        finally:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, most)
            except ValueError:  # nobody but root may have more again: it is enough for the test
                pass

    def connect(self, address):
        host, port = address.rsplit(":", 1)
        connection = socket.create_connection((host, int(port)), timeout=WAIT_S)
        self.addCleanup(connection.close)
        return connection

    def call(self, path, body=b"{}", headers=(), verb="POST"):
        """The status, and the body."""
        connection = http.client.HTTPConnection(self.server.http_address, timeout=WAIT_S)
        self.addCleanup(connection.close)
        fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body))),
                  ("Authorization", "Bearer " + self.server.token)] + list(headers)
        connection.putrequest(verb, path)
        for name, value in fields:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read()

    def gauge(self, name):
        text = self.call("/metrics", b"", verb="GET")[1].decode()
        return int(re.search(r"^%s (\d+)$" % re.escape(name), text, re.M).group(1))

    def assert_serves(self):
        self.assertEqual(self.call(SUMMARY)[0], 200)
        self.server.run("namespace", "list")  # gRPC

    def flood(self, address, data):
        for _ in range(FLOOD):
            try:
                self.connect(address).sendall(data)
            except ConnectionError:
                pass  # so it goes with those that are too many

    def test_floods_of_connections_shut_nobody_out(self):
        for address in (self.server.http_address, self.server.external_address):
            for data in (b"", b"POST / HT"):
                with self.subTest(address=address, data=data):
                    self.flood(address, data)
                    self.assert_serves()
                    outside = self.connect(self.server.external_address)
                    outside.sendall(b"POST /external/nobody HTTP/1.1\r\nHost: a\r\n"
                                    b"Content-Length: 0\r\n\r\n")
                    self.assertIn(b" 404 ", outside.recv(1024))
                    self.doCleanups()

    def test_what_followers_leave_behind_ends(self):
        body = b"\0\0\0\0\2{}"
        head = ("POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                "Content-Type: application/connect+json\r\nContent-Length: %d\r\n\r\n" % (
                    FOLLOW, self.server.http_address, self.server.token, len(body))).encode()
        followers = [self.connect(self.server.http_address) for _ in range(FOLLOWERS)]
        for follower in followers:
            follower.sendall(head + body)
        for follower in followers:
            self.assertIn(b" 200 ", follower.recv(1024))
        self.assertGreaterEqual(self.gauge("gofer_gateway_streams"), FOLLOWERS)
        for i, follower in enumerate(followers):
            if i % 2 == 0:  # with a reset
                follower.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            follower.close()
        deadline = time.monotonic() + WAIT_S
        while self.gauge("gofer_gateway_streams") > 0:
            self.assertLess(time.monotonic(), deadline, "streams of clients that have gone")
        self.assertEqual(self.gauge('gofer_rpc_calls_in_progress{server="people"}'), 1)
        self.assertEqual(self.gauge('gofer_http_requests{listener="gateway"}'), 1)

    def test_a_page_of_another_site_has_no_way_in(self):
        for name, value in (("Origin", "http://evil.example"), ("Origin", "null"),
                            ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site")):
            self.assertEqual(self.call(SUMMARY, headers=[(name, value)])[0], 403, value)
            self.assertEqual(self.call("/metrics", b"", [(name, value)], "GET")[0], 403, value)

    def test_nobody_makes_the_first_token_through_a_proxy(self):
        other = GoferServer(GOFER, auth=True, http=True)
        other.token = ""  # it is left without the first one
        with other:
            connection = http.client.HTTPConnection(other.http_address, timeout=WAIT_S)
            self.addCleanup(connection.close)
            connection.request("POST", "/gofer.v1.TokenService/BootstrapToken", b"{}",
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 403)
            self.assertEqual(json.loads(answer.read())["code"], "permission_denied")

    def test_two_tokens_are_none(self):
        status, answer = self.call(SUMMARY, headers=[("Authorization", "Bearer other")])
        self.assertEqual(status, 401)
        self.assertEqual(json.loads(answer)["code"], "unauthenticated")


if __name__ == "__main__":
    GOFER = sys.argv.pop(1)
    unittest.main()
