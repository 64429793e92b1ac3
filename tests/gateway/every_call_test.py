#!/usr/bin/python3
"""Every unary and server-streaming call of gofer.v1 answers the same whichever protocol asks.

Usage: every_call_test.py GOFER PROTO_DIR [-kPATTERN]

The steps of scenario.py are done by gRPC against one server, and by each other protocol (Connect with JSON
and binary, gRPC-Web, its text form, its JSON; with gzip too) against a server of its own: messages, codes,
texts and details must be the same but for times and what is random. What only reads is asked by gRPC of the
same server, too, and by Connect's GET, and then must be the same altogether. Answers in JSON must be what the
official library of protobuf makes of them. A method without a step fails the test.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import comparing
import protocols
import scenario
from comparing import API, METHODS

class Lane(comparing.Lane):
    """With a client of one protocol beside one of gRPC."""

    def __init__(self, make=None):
        super().__init__()
        self.grpc = protocols.Grpc(API, self.server.address)
        self.client = make(self.server.http_address) if make is not None else self.grpc
        self.calls = 0

    def close(self):
        for client in {self.client, self.grpc}:
            client.close()
        super().close()

    def ask(self, step, call):
        self.calls += 1
        return comparing.ask(self, step, call, "every-call.%d" % self.calls)


class EveryCall(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        lane = Lane()
        cls.addClassCleanup(lane.close)
        cls.reference = comparing.reference(lane, lane.grpc)

    def test_every_method_has_steps(self):
        """At least one good one, where it is built, and every other one that it was given."""
        good = {step.method for step in scenario.STEPS if step.code in ("ok", "unimplemented")}
        bad = {step.method for step in scenario.STEPS if step.code != "ok"}
        for name, method in METHODS.items():
            if not method.client_streams and name != "BootstrapToken":  # by gRPC alone
                self.assertIn(name, good | bad)
        without = {name for name, method in METHODS.items()
                   if not method.client_streams and name not in good}
        # What needs containers, terminals and images: tests/gateway/native_test.py.
        self.assertEqual(without, {"OpenTerminal", "SendTerminalInput", "GetImage", "PullImage",
                                   "ExportImage", "DeleteImage", "BootstrapToken", "GetDeadLetter",
                                   "GetExtensionDebugInfo"})


def test_of(name, make):
    def test(self):
        lane = Lane(make)
        self.addCleanup(lane.close)
        compared = 0
        for step, expected in zip(scenario.STEPS, self.reference):
            method = METHODS[step.method]
            with self.subTest(protocol=name, step=str(step), token=step.token):
                answer = lane.ask(step, lane.client.call)
                lane.save(step, answer)
                self.assertEqual(lane.comparable(answer, only_end=step.only_end), expected)
                compared += 1
                if not method.only_reads or step.code == "deadline_exceeded":
                    continue
                same = lane.comparable(lane.ask(step, lane.grpc.call), same_server=True)
                self.assertEqual(lane.comparable(answer, same_server=True), same)
                compared += 1
                if isinstance(lane.client, protocols.Connect) and not method.server_streams:
                    got = lane.ask(step, lane.client.get)
                    self.assertEqual(lane.comparable(got, same_server=True), same)
                    compared += 1
        sys.stderr.write("%s: %d answers compared\n" % (name, compared))
    return test


for lane_name, lane_make in comparing.CLIENTS:
    setattr(EveryCall, "test_" + lane_name.lower().replace(" ", "_").replace("-", "_"),
            test_of(lane_name, lane_make))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
