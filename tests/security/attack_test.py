#!/usr/bin/python3
"""Strangers and callers with few rights against a server that asks for tokens, over gRPC itself.

Usage: attack_test.py GOFER PROTO_DIR [-kPATTERN]

Nothing here waits for time to pass; what is awaited is an answer.
"""

import collections
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

import grpc  # pylint: disable=wrong-import-position,wrong-import-order

GOFER, PROTO_DIR = sys.argv[1:3]
WAIT_S = 30
DESCRIPTORS = 400
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def generate(out_dir):
    folder = os.path.join(PROTO_DIR, "gofer/v1")
    protos = ["gofer/v1/" + name for name in sorted(os.listdir(folder)) if name.endswith(".proto")]
    subprocess.run(["protoc", "-I" + PROTO_DIR, "-I/usr/include", "--python_out=" + out_dir] + protos,
                   check=True)
    sys.path.insert(0, out_dir)


GENERATED = tempfile.TemporaryDirectory(prefix="gofer-python-")
generate(GENERATED.name)

# pylint: disable=wrong-import-position,import-error,no-name-in-module
from google.protobuf import json_format, symbol_database
from gofer.v1 import (event_pb2, namespace_pb2, pipeline_config_pb2, pipeline_pb2, role_pb2, run_pb2,
                      secret_pb2, token_pb2)

METHODS = {method.name: method
           for module in (event_pb2, namespace_pb2, pipeline_config_pb2, pipeline_pb2, role_pb2, run_pb2,
                          secret_pb2, token_pb2)
           for service in module.DESCRIPTOR.services_by_name.values() for method in service.methods}


def prototype(descriptor):
    return symbol_database.Default().GetPrototype(descriptor)


def permission(namespaces, resource_name, *actions, globs=()):
    return {"namespaces": namespaces,
            "targets": [{"resource": resource_name if isinstance(resource_name, int)
                         else "PERMISSION_RESOURCE_" + resource_name, "globs": list(globs)}],
            "actions": [action if isinstance(action, int) else "PERMISSION_ACTION_" + action
                        for action in actions]}


class Attack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = GoferServer(GOFER, auth=True).start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.channel = grpc.insecure_channel(cls.server.address)
        cls.addClassCleanup(cls.channel.close)
        cls.admin = cls.server.token
        cls().ok("WhoAmI")  # so that there is a connection

    def call(self, name, token=None, metadata=None, channel=None, **fields):
        """(code, answer or details)"""
        method = METHODS[name]
        request = json_format.ParseDict(fields, prototype(method.input_type)())
        if metadata is None:
            metadata = [("authorization", "Bearer " + token)] if token else []
        stub = (channel or self.channel).unary_unary(
            "/%s/%s" % (method.containing_service.full_name, name),
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=prototype(method.output_type).FromString)
        try:
            return "OK", stub(request, timeout=WAIT_S, metadata=metadata)
        except grpc.RpcError as error:
            return error.code().name, error.details()

    def ok(self, name, token=None, **fields):
        code, answer = self.call(name, token or self.admin, **fields)
        self.assertEqual(code, "OK", answer)
        return answer

    def code(self, name, token=None, **fields):
        return self.call(name, token, **fields)[0]

    def token(self, user, *roles):
        return self.ok("CreateToken", user=user, roleIds=list(roles)).token_text


class Strangers(Attack):
    def test_only_one_form_of_a_token_lets_in(self):
        text = self.admin
        good = ("Bearer " + text, "bearer " + text, "BEARER   " + text)
        bad = ("Basic " + text, text, "Bearer", "Bearer ", " Bearer " + text, "Bearer %s, Bearer %s" % (text, text),
               "Bearer " + text[:-1], "Bearer " + text + "A", "Bearer " + text.upper(), "Bearer " + "a" * 5000)
        for value in good:
            self.assertEqual(self.code("WhoAmI", metadata=[("authorization", value)]), "OK", value[:8])
        answers = {}
        threads = [threading.Thread(target=lambda value=value: answers.update(
            {value: self.code("WhoAmI", metadata=[("authorization", value)])})) for value in bad]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(answers.values()), {"UNAUTHENTICATED"}, answers)
        self.assertEqual(self.code("WhoAmI", metadata=[("authorization-bin", b"Bearer " + text.encode())]),
                         "UNAUTHENTICATED")
        self.assertNotIn(text[6:], self.server.log())

    def test_bad_logins_keep_no_good_token_out(self):
        stub = self.channel.unary_unary("/gofer.v1.TokenService/WhoAmI", request_serializer=bytes,
                                        response_deserializer=bytes)
        wrong = [("authorization", "Bearer " + self.admin[:-1])]
        held = [stub.future(b"", metadata=wrong, timeout=WAIT_S) for _ in range(3000)]
        for _ in range(20):
            self.assertEqual(self.code("WhoAmI", self.admin), "OK")
        for future in held:
            future.cancel()
        self.assertEqual(self.code("WhoAmI", self.admin), "OK")

    def test_bootstrap_works_once_however_many_ask(self):
        server = GoferServer(GOFER, auth=True)
        server.bootstrap = lambda: None
        with server:
            other = []

            def ask():
                with grpc.insecure_channel(server.address) as channel:
                    other.append(self.code("BootstrapToken", channel=channel))

            threads = [threading.Thread(target=ask) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(collections.Counter(other), {"OK": 1, "FAILED_PRECONDITION": 19})

    def test_a_flood_of_connections_leaves_the_listener(self):
        pid = self.server.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, before[1]))
        host, port = self.server.address.rsplit(":", 1)
        flood = []
        try:
            for _ in range(2 * DESCRIPTORS):
                flood.append(socket.create_connection((host, int(port)), timeout=WAIT_S))
            served = 0
            for connection in flood:
                try:
                    connection.sendall(PREFACE)
                    served += connection.recv(1) != b""
                except OSError:
                    pass
            self.assertGreater(served, DESCRIPTORS // 4)
            self.assertLess(served, DESCRIPTORS)
            # Who is there already is served on, and there are descriptors for files.
            self.assertEqual(self.code("WhoAmI", self.admin), "OK")
            self.assertLess(len(os.listdir("/proc/%d/fd" % pid)), DESCRIPTORS * 9 // 10)
        finally:
            for connection in flood:
                connection.close()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        with grpc.insecure_channel(self.server.address) as channel:
            grpc.channel_ready_future(channel).result(WAIT_S)
            self.assertEqual(self.code("WhoAmI", self.admin, channel=channel), "OK")


class Rights(Attack):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        self = cls()
        for name in ("team-a", "team-b"):
            self.ok("CreateNamespace", namespaceId=name)
            self.ok("CreateRole", roleId=name, permissions=[
                permission([name], kind, "ALL") for kind in ("PIPELINES", "PIPELINE_CONFIGS", "RUNS", "EVENTS",
                                                             "PIPELINE_SECRETS", "NAMESPACES")])
        cls.alice, cls.bob = self.token("alice", "team-a"), self.token("bob", "team-b")
        for name, token in (("team-a", cls.alice), ("team-b", cls.bob)):
            for pipeline in ("same", "other"):
                self.ok("RegisterPipelineConfig", token, namespaceId=name, spec={
                    "id": pipeline, "tasks": [{"id": "main", "image": "busybox:latest"}]})
        self.ok("CreateRole", roleId="minter", permissions=[
            permission([], "ROLES", "ALL"), permission([], "TOKENS", "ALL"),
            permission(["team-a"], "PIPELINES", "READ"), permission(["team-b"], "RUNS", "READ"),
            permission(["a*"], "RUNS", "READ")])
        cls.minter = self.token("mallory", "minter")

    def test_page_tokens_of_others_lead_nowhere(self):
        for name, fields in (("ListPipelines", {}), ("ListPipelineConfigs", {"pipelineId": "same"})):
            page = self.ok(name, self.bob, namespaceId="team-b", pageSize=1, **fields)
            if page.next_page_token:
                self.assertEqual(self.code(name, self.alice, namespaceId="team-a", pageSize=1,
                                           pageToken=page.next_page_token, **fields), "INVALID_ARGUMENT")
            self.assertEqual(self.code(name, self.alice, namespaceId="team-b", **fields), "PERMISSION_DENIED")
        page = self.ok("ListEvents", self.bob, pageSize=1)
        self.assertNotIn("team-b", str(self.call("ListEvents", self.alice, pageToken=page.next_page_token)))

    def test_events_of_others_are_as_if_they_were_not(self):
        events = self.ok("ListEvents", pageSize=1000).events
        hidden = [event.event_id for event in events if event.namespace_id == "team-b"]
        self.assertGreater(len(hidden), 2)
        for number in hidden + [1 << 40]:
            code, details = self.call("GetEvent", self.alice, eventId=str(number))
            self.assertEqual((code, details), ("NOT_FOUND", "event %d not found" % number))

    def test_denials_do_not_tell_what_exists(self):
        for name, fields in (("GetPipeline", {}), ("GetRun", {"runId": "1"}), ("DeletePipeline", {}),
                             ("RevealPipelineSecret", {"key": "some-key"}), ("ListRuns", {})):
            answers = {self.call(name, self.alice, namespaceId="team-b", pipelineId=pipeline, **fields)
                       for pipeline in ("same", "is-not-there")}
            self.assertEqual(len(answers), 1, answers)
            self.assertEqual(answers.pop()[0], "PERMISSION_DENIED")

    def test_nobody_makes_a_role_that_allows_more(self):
        more = [
            permission(["team-a", "team-b"], "PIPELINES", "READ"), permission(["team-a"], "PIPELINES", "ALL"),
            permission(["team-a"], "ALL", "READ"), permission(["team-?"], "PIPELINES", "READ"),
            permission(["*team-a"], "PIPELINES", "READ"), permission(["team-a*"], "PIPELINES", "READ"),
            permission(["**"], "PIPELINES", "READ"), permission(["*a*"], "RUNS", "READ"),
            permission(["team-a"], "PIPELINE_SECRETS", "READ"), permission([], "SYSTEM", "READ"),
        ]
        malformed = [
            permission([""], "PIPELINES", "READ"), permission(["team-a"], "PIPELINES", "READ", globs=[""]),
            permission(["team-a"], 999, "READ"), permission(["team-a"], 0, "READ"),
            permission(["team-a"], "PIPELINES", 258), permission(["team-a"], "PIPELINES", -1),
            permission(["team-a"], "PIPELINES"), {"namespaces": ["team-a"], "actions": ["PERMISSION_ACTION_READ"]},
        ]
        self.ok("CreateRole", self.minter, roleId="own", permissions=[
            permission(["team-a"], "PIPELINES", "READ"), permission(["a?*"], "RUNS", "READ")])
        for what, code in [(one, "PERMISSION_DENIED") for one in more] + [(one, "INVALID_ARGUMENT")
                                                                          for one in malformed]:
            self.assertEqual(self.code("CreateRole", self.minter, roleId="worse", permissions=[what]), code, what)
            self.assertEqual(self.code("UpdateRole", self.minter, roleId="own", permissions=[what],
                                       updateMask="permissions"), code, what)
            self.assertEqual(self.code("UpdateRole", self.minter, roleId="minter", permissions=[what],
                                       updateMask="permissions"), code, what)

    def test_nobody_gives_a_token_more(self):
        for roles in (["admin"], ["developer"], ["team-a"], ["minter", "admin"], ["bootstrap"], ["anonymous"]):
            self.assertEqual(self.code("CreateToken", self.minter, user="x", roleIds=roles), "PERMISSION_DENIED")
        for kind in (4, 5, -1):
            self.assertEqual(self.code("CreateToken", self.minter, user="x", roleIds=["minter"], kind=kind),
                             "INVALID_ARGUMENT")
        other = self.ok("CreateToken", user="second", roleIds=["admin"])
        self.ok("DisableToken", tokenId=other.token.token_id)
        self.assertEqual(self.code("EnableToken", self.minter, tokenId=other.token.token_id), "PERMISSION_DENIED")
        self.assertEqual(self.code("WhoAmI", other.token_text), "UNAUTHENTICATED")

    def test_what_is_made_again_has_nothing_of_what_was(self):
        for _ in range(3):
            self.ok("CreateNamespace", namespaceId="again")
            self.ok("RegisterPipelineConfig", namespaceId="again", spec={
                "id": "some-one", "tasks": [{"id": "main", "image": "busybox:latest"}]})
            place = {"namespaceId": "again", "pipelineId": "some-one", "key": "the-key"}
            self.assertEqual(self.code("RevealPipelineSecret", self.admin, **place), "NOT_FOUND")
            self.ok("PutPipelineSecret", value={"plaintext": "c29tZSB2YWx1ZQ=="}, **place)
            self.assertEqual(self.ok("RevealPipelineSecret", **place).plaintext, b"some value")
            self.ok("DeleteNamespace", namespaceId="again", cascade=True)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=2)
