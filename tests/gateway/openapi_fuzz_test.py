#!/usr/bin/python3
"""The OpenAPI document that a server gives is true, and what it allows breaks nothing.

Usage: openapi_fuzz_test.py GOFER PROTO_DIR [-kPATTERN]

All unary answers to the steps of scenario.py, good and bad, are as the document says; calls that it does not
describe answer that they are not there. Then schemathesis makes up requests from the document, right ones and
wrong ones, against that same server with a token of its administrator: of a twelfth of the calls, and with
GOFER_TEST_FULL=1 of all, for 60 seconds. No answer has a status of the server's own failure, 501 among them:
what is described is there. Each is as documented, and the server lives and stops as it should.
"""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import comparing
import protocols
import scenario

FULL = os.environ.get("GOFER_TEST_FULL") == "1"
SECONDS = 60
# Making up what a schema allows takes most of the time: the short form takes one call of so many, and
# ends by itself.
ONE_OF = 1 if FULL else 12
EXAMPLES = 10 if FULL else 3
CASES_MIN = 500 if FULL else 20
GRACE_S = 120
SETTINGS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx"]
"""
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,"
          "response_schema_conformance")
# In the words of openapi.py: what it says of each answer.
CHECK_ANSWERS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import openapi
api = openapi.Document(json.load(open(sys.argv[2], encoding="utf-8")))
wrong = 0
for path, status, body in json.load(open(sys.argv[3], encoding="utf-8")):
    try:
        api.check_answer(path, status, body)
    except ValueError as error:
        wrong += 1
        print(error)
sys.exit(1 if wrong else 0)
"""
# More calls than a person makes.
CONFIG = {"access": {"token_calls_per_second": 100000, "address_calls_per_second": 100000}}


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="gofer-openapi-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.lane = comparing.Lane(options=["--config", cls.write("gofer.yaml", CONFIG)])
        cls.addClassCleanup(cls.lane.close)
        connection = http.client.HTTPConnection(cls.lane.server.http_address, timeout=30)
        cls.addClassCleanup(connection.close)
        connection.request("GET", "/openapi.json")
        cls.document = json.loads(connection.getresponse().read())
        cls.python = comparing.tool("python") + "/bin/python"

    @classmethod
    def write(cls, name, content):
        path = os.path.join(cls.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def check_answers(self):
        client = protocols.Connect(comparing.API, self.lane.server.http_address, "json")
        self.addCleanup(client.close)
        answers, missing = [], set()
        unavailable = {"gofer.v1.%s/%s" % (tag["name"], call["name"]) for tag in self.document["tags"]
                       for call in tag.get("x-gofer-unavailable", [])}
        for at, step in enumerate(scenario.LIFE):
            answer = comparing.ask(self.lane, step, client.call, "documented.%d" % at)
            self.lane.save(step, answer)
            method = comparing.METHODS[step.method]
            if "/" + method.path not in self.document["paths"]:
                self.assertIn(method.path, unavailable)
                self.assertEqual(answer.code, "unimplemented", step)
                missing.add(method.path)
            elif not method.server_streams:
                answers.append(("/" + method.path, answer.status, answer.body.decode()))
        self.assertGreater(len(answers), 140)
        self.assertGreater(len(missing), 0)
        result = subprocess.run(
            [self.python, "-B", "-c", CHECK_ANSWERS, comparing.HERE,
             self.write("openapi.json", self.document), self.write("answers.json", answers)],
            check=False, stdout=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)
        sys.stderr.write("%d answers are as documented\n" % len(answers))

    def fuzz(self):
        """Calls that answer once: the frames of streams are nothing that the fuzzer can make."""
        paths = {path: item for path, item in self.document["paths"].items()
                 if all(operation.get("x-gofer-shape", "unary") == "unary"
                        for operation in item.values())}
        self.assertGreater(len(paths), 80)
        # With several workers, Python 3.11 itself now and then fails (ast.parse in threads).
        some = dict(list(paths.items())[::ONE_OF])
        document = self.write("unary.json", dict(self.document, paths=some))
        arguments = [
            "--config-file", self.write("schemathesis.toml", SETTINGS), "run", document,
            "--url", "http://" + self.lane.server.http_address,
            "-H", "Authorization: Bearer " + self.lane.values["admin"], "--checks", CHECKS,
            "--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--workers", "1",
            "--continue-on-failure", "--generation-database", "none", "--no-color",
            "--warnings", "off", "--suppress-health-check", "all"]
        arguments += ["--max-time", str(SECONDS)] if FULL else []
        result = subprocess.run(
            [self.python, "-c", "from schemathesis.cli import schemathesis as main; main()"]
            + arguments, cwd=self.folder, check=False, timeout=SECONDS + GRACE_S, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, HOME=self.folder))
        self.assertEqual(result.returncode, 0, result.stdout[-20000:])
        cases = re.search(r"([0-9]+) generated, \1 passed", result.stdout)
        self.assertTrue(cases and int(cases[1]) >= CASES_MIN, result.stdout[-20000:])
        sys.stderr.write("\n".join(result.stdout.splitlines()[-12:]) + "\n")

    def test_document(self):
        self.check_answers()
        self.fuzz()
        self.assertIsNone(self.lane.server.process.poll(), self.lane.server.log()[-5000:])
        self.assertEqual(self.lane.server.stop(), 0, self.lane.server.log()[-5000:])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
