#!/usr/bin/python3
"""The official Connect client in Node gets the same from every protocol as it gets from gRPC.

Usage: node_test.py GOFER PROTO_DIR [-kPATTERN]

The steps of scenario.py, each lane against a server of its own: Connect with JSON, binary, GET and gzip and
gRPC-Web over HTTP/1.1, compared with gRPC over HTTP/2 by the same client. The client knows the API by its
descriptors alone.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import comparing

# (kind, options of the transport) beside gRPC
LANES = {
    "Connect JSON": ("connect", {"useBinaryFormat": False}),
    "Connect binary": ("connect", {"useBinaryFormat": True}),
    "Connect JSON, GET": ("connect", {"useBinaryFormat": False, "useHttpGet": True}),
    "Connect binary, GET, gzip": ("connect", {"useBinaryFormat": True, "useHttpGet": True,
                                              "packed": True}),
    "gRPC-Web": ("web", {}),
    "gRPC-Web gzip": ("web", {"packed": True}),
}
TIMEOUT_S = 100


class Node(unittest.TestCase):
    maxDiff = None

    def test_answers_are_those_of_grpc(self):
        folder = tempfile.mkdtemp(prefix="gofer-node-", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder, True)
        here = os.path.dirname(os.path.abspath(__file__))
        for name in ("steps.js", "node.js", "package.json"):
            shutil.copy(os.path.join(here, "node", name), folder)
        os.symlink(comparing.tool("node", "node_modules"), os.path.join(folder, "node_modules"))
        lanes = [comparing.Lane() for _ in range(len(LANES) + 1)]
        for lane in lanes:
            self.addCleanup(lane.close)
        kinds = [("grpc", {})] + list(LANES.values())
        job = {
            "descriptors": base64.b64encode(comparing.API.descriptors).decode(),
            "steps": comparing.steps_as_json(),
            "lanes": [{"kind": kind, "options": options, "values": lane.values,
                       "base": "http://" + (lane.server.address if kind == "grpc"
                                            else lane.server.http_address)}
                      for lane, (kind, options) in zip(lanes, kinds)]}
        path = os.path.join(folder, "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job, file)
        out = os.path.join(folder, "out")
        subprocess.run(["node", os.path.join(folder, "node.js"), path, out], check=True,
                       timeout=TIMEOUT_S)
        with open(out, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(len(lines), len(lanes))
        expected = None
        for lane, name, line in zip(lanes, ["gRPC"] + list(LANES), lines):
            answers = comparing.compare(self, lane, name, line, expected)
            expected = expected or answers


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
