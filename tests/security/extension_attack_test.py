#!/usr/bin/python3
"""Extensions that mean ill, and people who would use extensions for more than they may, over gRPC itself.

Usage: extension_attack_test.py GOFER PROTO_DIR [-kPATTERN]

Nothing here waits for time to pass; what is awaited is an answer.
"""

import os
import queue
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

import grpc  # pylint: disable=wrong-import-position,wrong-import-order

GOFER, PROTO_DIR = sys.argv[1:3]
WAIT_S = 60


def generate(out_dir):
    protos = [os.path.join(folder, name) for folder in ("gofer/v1", "gofer/extension/v1")
              for name in sorted(os.listdir(os.path.join(PROTO_DIR, folder))) if name.endswith(".proto")]
    subprocess.run(["protoc", "-I" + PROTO_DIR, "-I/usr/include", "--python_out=" + out_dir] + protos,
                   check=True)
    sys.path.insert(0, out_dir)


GENERATED = tempfile.TemporaryDirectory(prefix="gofer-python-")
generate(GENERATED.name)

# pylint: disable=wrong-import-position,import-error,no-name-in-module
from google.protobuf import json_format, symbol_database
from gofer.extension.v1 import extension_pb2 as protocol
from gofer.v1 import (event_pb2, extension_pb2, namespace_pb2, pipeline_config_pb2, pipeline_pb2, role_pb2,
                      run_pb2, secret_pb2, subscription_pb2, token_pb2)

METHODS = {method.name: method
           for module in (event_pb2, extension_pb2, namespace_pb2, pipeline_config_pb2, pipeline_pb2,
                          role_pb2, run_pb2, secret_pb2, subscription_pb2, token_pb2)
           for service in module.DESCRIPTOR.services_by_name.values() for method in service.methods}
STRING = extension_pb2.EXTENSION_PARAMETER_TYPE_STRING
LARGE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def prototype(descriptor):
    return symbol_database.Default().GetPrototype(descriptor)


def permission(resource, *actions, globs=()):
    return {"namespaces": ["*"],
            "targets": [{"resource": "PERMISSION_RESOURCE_" + resource, "globs": list(globs)}],
            "actions": ["PERMISSION_ACTION_" + action for action in actions]}


def reference(subscription, pipeline="simple", namespace="default"):
    return extension_pb2.SubscriptionReference(
        namespace_id=namespace, pipeline_id=pipeline, subscription_id=subscription)


def parameters(count):
    return [extension_pb2.ExtensionParameter(name="p%d" % i, type=STRING) for i in range(count)]


class Extension:
    """A connection of an extension that says what a test wants it to say."""

    def __init__(self, channel, extension_id, token, **registration):
        self.requests = queue.Queue()
        self.sequence = 0
        self.error = None
        self.say(registration=protocol.Registration(
            extension_id=extension_id, protocol_major_versions=[1], version="1.0.0", **registration))
        stub = channel.stream_stream(
            "/gofer.extension.v1.ExtensionService/Connect",
            request_serializer=lambda message: message if isinstance(message, bytes)
            else message.SerializeToString(),
            response_deserializer=protocol.ConnectResponse.FromString)
        self.call = stub(iter(self.requests.get, None), timeout=WAIT_S,
                         metadata=[("authorization", "Bearer " + token)] if token else None)

    def say(self, **message):
        self.requests.put(protocol.ConnectRequest(**message))

    def deliver(self, **message):
        self.sequence += 1
        self.say(sequence=self.sequence, **message)

    def next(self):
        try:
            return next(self.call)
        except grpc.RpcError as error:
            self.error = (error.code().name, error.details())
        except StopIteration:
            self.error = ("OK", "")
        return None

    def until(self, kind):
        """The next message of a kind; subscriptions before it are accepted."""
        while True:
            message = self.next()
            if message is None:
                raise AssertionError("the connection ended: %s %s" % self.error)
            if message.WhichOneof("message") == kind:
                return getattr(message, kind)
            if message.HasField("subscribe"):
                self.say(subscription_result=protocol.SubscriptionResult(
                    subscription=message.subscribe.subscription, generation=message.subscribe.generation,
                    outcome=protocol.SUBSCRIPTION_OUTCOME_ACCEPTED))
            elif message.HasField("ping"):
                self.say(pong=protocol.Pong(ping_id=message.ping.ping_id))

    def ready(self):
        self.until("subscriptions_complete")
        self.say(ready=protocol.Ready())
        return self

    def end(self):
        self.requests.put(None)
        self.call.cancel()


class Attack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = GoferServer(GOFER, auth=True).start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.channel = grpc.insecure_channel(cls.server.address, options=LARGE)
        cls.addClassCleanup(cls.channel.close)
        cls.admin = cls.server.token

    def call(self, name, token=None, **fields):
        """(code, answer or details)"""
        method = METHODS[name]
        request = json_format.ParseDict(fields, prototype(method.input_type)())
        stub = self.channel.unary_unary(
            "/%s/%s" % (method.containing_service.full_name, name),
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=prototype(method.output_type).FromString)
        try:
            return "OK", stub(request, timeout=WAIT_S,
                              metadata=[("authorization", "Bearer " + (token or self.admin))])
        except grpc.RpcError as error:
            return error.code().name, error.details()

    def ok(self, name, token=None, **fields):
        code, answer = self.call(name, token, **fields)
        self.assertEqual(code, "OK", answer)
        return answer

    def code(self, name, token=None, **fields):
        return self.call(name, token, **fields)[0]

    def person(self, role_id, *permissions):
        """The token of somebody with these rights."""
        self.ok("CreateRole", roleId=role_id, permissions=list(permissions))
        return self.ok("CreateToken", user=role_id, roleIds=[role_id]).token_text

    def extension_token(self, extension_id, *roles):
        return self.ok("CreateToken", user="x", kind="TOKEN_KIND_EXTENSION", extensionId=extension_id,
                       roleIds=list(roles)).token_text

    def connect(self, extension_id, **registration):
        if not hasattr(self, "tokens"):
            self.tokens = {}
        if extension_id not in self.tokens:
            self.tokens[extension_id] = self.extension_token(extension_id)
        extension = Extension(self.channel, extension_id, self.tokens[extension_id], **registration)
        self.addCleanup(extension.end)
        return extension

    def pipeline(self, pipeline_id, namespace="default"):
        self.server.run("up", self.file(pipeline_id), "--namespace", namespace)

    def file(self, pipeline_id):
        path = os.path.join(GENERATED.name, pipeline_id + ".json")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"id": "%s", "tasks": [{"id": "task", "image": "busybox"}]}' % pipeline_id)
        return path

    def until_ready(self, extension_id):
        while self.ok("GetExtension", extensionId=extension_id).extension.state != \
                extension_pb2.EXTENSION_STATE_RUNNING:
            pass

    def lives(self):
        self.assertIsNone(self.server.process.poll(), self.server.log())
        self.ok("WhoAmI")


class Tokens(Attack):
    def test_only_its_own_token_lets_an_extension_in(self):
        self.ok("InstallExtension", extensionId="first")
        self.ok("InstallExtension", extensionId="second")
        second = self.extension_token("second")
        for token, code in ((None, "UNAUTHENTICATED"), (self.admin, "UNAUTHENTICATED"), (second, "UNAUTHENTICATED"),
                            (second[:-1], "UNAUTHENTICATED"), ("gfr_x_" + "0" * 60, "UNAUTHENTICATED")):
            extension = Extension(self.channel, "first", token)
            self.assertIsNone(extension.next())
            self.assertEqual(extension.error[0], code, extension.error)
        # Whoever has no token of it is not told whether it is installed.
        unknown = Extension(self.channel, "nobody", second)
        self.assertIsNone(unknown.next())
        self.assertEqual(unknown.error, extension_error(self.channel, "first", second))

    def test_the_token_of_an_extension_reads_itself_and_no_more(self):
        self.ok("InstallExtension", extensionId="modest")
        token = self.extension_token("modest")
        self.ok("GetExtension", token, extensionId="modest")
        for name, fields in (("UninstallExtension", {"extensionId": "modest"}),
                             ("UpdateExtension", {"extensionId": "modest"}),
                             ("InstallExtension", {"extensionId": "other"}),
                             ("GetExtension", {"extensionId": "nothing"}),
                             ("ListPipelines", {}), ("CreateToken", {"user": "x"}), ("ListGlobalSecrets", {}),
                             ("CreateSubscription", {"pipelineId": "simple", "extensionId": "modest",
                                                     "subscriptionId": "own"})):
            self.assertEqual(self.code(name, token, **fields), "PERMISSION_DENIED", name)

    def test_a_token_ends_with_its_extension(self):
        self.ok("InstallExtension", extensionId="brief")
        extension = self.connect("brief").ready()
        self.ok("UninstallExtension", extensionId="brief")
        while extension.next() is not None:
            pass
        self.ok("InstallExtension", extensionId="brief")
        self.assertEqual(extension_error(self.channel, "brief", self.tokens["brief"])[0], "UNAUTHENTICATED")


def extension_error(channel, extension_id, token):
    extension = Extension(channel, extension_id, token)
    assert extension.next() is None
    return extension.error


class Secrets(Attack):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls().ok("PutGlobalSecret", key="prized", value={"plaintext": "cHJpemVk"}, namespaces=["*"])
        cls.installer = cls().person("installers", permission("EXTENSIONS", "READ", "WRITE"))
        cls.user = cls().person("users", permission("EXTENSIONS", "READ", "WRITE"),
                                permission("GLOBAL_SECRETS", "USE_SECRET"))

    REFERENCE = "global_secret{{prized}}"

    def test_credentials_and_settings_need_the_right_to_use_a_secret(self):
        for number, fields in enumerate(({"registryAuth": {"user": "u", "password": self.REFERENCE}},
                                         {"registryAuth": {"user": self.REFERENCE, "password": "p"}},
                                         {"settings": {"key": self.REFERENCE}})):
            extension_id = "wants-%d" % number
            code, details = self.call("InstallExtension", self.installer, extensionId=extension_id, **fields)
            self.assertEqual(code, "PERMISSION_DENIED", details)
            self.ok("InstallExtension", self.installer, extensionId=extension_id)
            if "settings" in fields:
                fields = {"settings": {"settings": fields["settings"]}}
            code, details = self.call("UpdateExtension", self.installer, extensionId=extension_id, **fields)
            self.assertEqual(code, "PERMISSION_DENIED", details)
            self.ok("UpdateExtension", self.user, extensionId=extension_id, **fields)

    def test_what_stays_goes_to_no_program_of_others(self):
        self.ok("InstallExtension", self.user, extensionId="told", image="a.example/told:1",
                settings={"key": self.REFERENCE})
        self.ok("InstallExtension", self.user, extensionId="fetched", image="a.example/fetched:1",
                registryAuth={"user": "u", "password": self.REFERENCE})
        for extension_id in ("told", "fetched"):
            code, details = self.call("UpdateExtension", self.installer, extensionId=extension_id,
                                      image="a.example/mine:1")
            self.assertEqual(code, "PERMISSION_DENIED", details)
            self.ok("UpdateExtension", self.user, extensionId=extension_id, image="a.example/other:1")

    def test_credentials_stay_with_their_registry(self):
        self.ok("InstallExtension", self.user, extensionId="literal", image="a.example/literal:1",
                registryAuth={"user": "u", "password": "only for a.example"})
        code, details = self.call("UpdateExtension", self.installer, extensionId="literal", image="b.example/mine:1")
        self.assertEqual(code, "INVALID_ARGUMENT", details)
        self.ok("UpdateExtension", self.installer, extensionId="literal", image="b.example/mine:1", registryAuth={})

    def test_a_dialog_names_no_secret_for_a_person(self):
        self.ok("InstallExtension", extensionId="asker")
        self.pipeline("asked")
        asker = self.connect("asker", has_configurator=True).ready()
        requests = queue.Queue()
        method = METHODS["RunSubscriptionConfigurator"]
        request = prototype(method.input_type)
        stub = self.channel.stream_stream("/%s/%s" % (method.containing_service.full_name, method.name),
                                          request_serializer=lambda message: message.SerializeToString(),
                                          response_deserializer=prototype(method.output_type).FromString)
        self.until_ready("asker")
        requests.put(json_format.ParseDict({"start": {"pipelineId": "asked", "extensionId": "asker"}}, request()))
        call = stub(iter(requests.get, None), timeout=WAIT_S, metadata=[("authorization", "Bearer " + self.admin)])
        dialog = asker.until("dialog_start").dialog_id
        asker.say(dialog_step=protocol.DialogStep(dialog_id=dialog, settings=extension_pb2.ExtensionSettings(
            settings={"p0": self.REFERENCE})))
        with self.assertRaises(grpc.RpcError) as raised:
            list(call)
        self.assertEqual(raised.exception.code().name, "FAILED_PRECONDITION")
        requests.put(None)


class Floods(Attack):
    def test_what_asks_for_too_much_is_answered_in_few_words(self):
        """An outcome for each of half a million subscriptions filled the memory of the server."""
        self.ok("InstallExtension", extensionId="greedy")
        greedy = self.connect("greedy").ready()
        event = protocol.ObservedEvent(idempotency_key="key")
        event.subscriptions.extend([extension_pb2.SubscriptionReference()] * 550000)
        large = protocol.ConnectRequest(observed_event=event).SerializeToString()
        for sequence in range(1, 13):
            greedy.requests.put(protocol.ConnectRequest(sequence=sequence).SerializeToString() + large)
        for _ in range(12):
            ack = greedy.until("ack")
            self.assertEqual(ack.outcome, protocol.DELIVERY_OUTCOME_REJECTED)
            self.assertLess(ack.ByteSize(), 1000)
        self.lives()

    def test_secrets_make_settings_no_larger_than_extensions_take(self):
        self.ok("InstallExtension", extensionId="filled")
        self.pipeline("filler")
        self.ok("PutGlobalSecret", key="long", value={"plaintext": "eHh4" * (60 << 8)}, namespaces=["*"])
        filled = self.connect("filled", subscription_parameters=parameters(99)).ready()
        self.until_ready("filled")
        code, details = self.call(
            "CreateSubscription", pipelineId="filler", extensionId="filled", subscriptionId="large",
            settings={"p%d" % i: "global_secret{{long}}" * 4 for i in range(99)})
        self.assertEqual(code, "FAILED_PRECONDITION", details)
        self.assertIn("too large", details)
        self.lives()
        filled.end()


class Reports(Attack):
    def test_a_stranger_to_a_pipeline_learns_nothing_of_it(self):
        self.ok("InstallExtension", extensionId="curious")
        self.pipeline("hidden")
        run_id = self.ok("StartRun", pipelineId="hidden").run.run_id
        curious = self.connect("curious").ready()
        answers = []
        for number, (pipeline, run) in enumerate((("hidden", run_id), ("hidden", 77), ("nothing", 1))):
            curious.deliver(report=protocol.Report(
                report_id="r%d" % number, title="title", run=run_pb2.RunReference(
                    namespace_id="default", pipeline_id=pipeline, run_id=run)))
            answers.append(curious.until("ack"))
        self.assertEqual({answer.outcome for answer in answers}, {protocol.DELIVERY_OUTCOME_REJECTED})
        self.assertEqual(len({answer.description for answer in answers}), 1, answers)
        curious.deliver(start_run=protocol.StartRun(idempotency_key="k", subscription=reference("own", "hidden")))
        curious.deliver(start_run=protocol.StartRun(idempotency_key="k", subscription=reference("own", "nothing")))
        outcomes = [curious.until("ack").outcomes[0] for _ in range(2)]
        self.assertEqual({outcome.reason for outcome in outcomes}, {"SUBSCRIPTION_NOT_FOUND"})
        self.assertEqual(outcomes[0].description, outcomes[1].description)


class Logs(Attack):
    def test_names_forge_no_line(self):
        self.ok("InstallExtension", extensionId="forger")
        forger = self.connect("forger").ready()
        forger.say(log=protocol.LogEntry(text="mine\x1b[2J\nERROR gofer: text", subscription=reference(
            "x\nERROR gofer: forged")))
        forger.deliver(checkpoint=protocol.Checkpoint(value="behind the line"))
        forger.until("ack")
        text = ""
        while "mine" not in text:
            text = self.server.run("extension", "logs", "forger").stdout
        self.assertNotIn("forged", text)
        self.assertNotIn("\x1b", text)
        self.assertFalse([line for line in text.splitlines() if line.startswith("ERROR gofer: text")], text)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:])
