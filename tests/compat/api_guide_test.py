#!/usr/bin/python3
"""The program of docs/guides/api.md against a server with TLS and tokens.

Usage: api_guide_test.py GOFER PROTO_DIR GUIDE
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
sys.path.insert(0, HERE)
import python_stubs  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

GOFER, PROTO_DIR, GUIDE = (os.path.abspath(path) for path in sys.argv[1:4])
PIPELINE = '{"id": "hello", "tasks": [{"id": "one", "image": "busybox:latest"}]}'
# Runs a program with the stubs of a folder.
RUN = "import runpy, sys; sys.path.insert(0, %r); import python_stubs; python_stubs.use(%r); " \
      "runpy.run_path(%r, run_name='__main__')"


class ApiGuide(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="gofer-api-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        python_stubs.generate(PROTO_DIR, cls.path("."))
        with open(GUIDE, encoding="utf-8") as file:
            program = re.search(r"^```python client\.py\n(.*?)^```$", file.read(), re.M | re.S)[1]
        cls.write("client.py", program)
        cls.make_certificate()
        config = cls.write("config.yaml", "tls:\n  certificate_file: %s\n  key_file: %s\n" % (
            cls.path("server.pem"), cls.path("server.key")))
        cls.server = GoferServer(GOFER, options=["--config", config], auth=True)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.gofer("up", cls.write("hello.json", PIPELINE))

    @classmethod
    def make_certificate(cls):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", cls.path("server.key"),
                        "-out", cls.path("server.pem"), "-days", "1", "-subj", "/CN=gofer",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        os.chmod(cls.path("server.key"), 0o600)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def write(cls, name, text):
        with open(cls.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(cls.path(name), 0o600)
        return cls.path(name)

    @classmethod
    def gofer(cls, *words):
        return cls.server.run("--tls-ca", cls.path("server.pem"), *words).stdout

    def client(self, *words, token):
        environment = dict(self.server.environment(token), GOFER_TLS_CA=self.path("server.pem"))
        return subprocess.run(
            [sys.executable, "-c", RUN % (HERE, self.folder, self.path("client.py"))] + list(words),
            env=environment, capture_output=True, text=True, timeout=60, check=False)

    def test_with_the_token_that_the_guide_makes(self):
        token = self.gofer("token", "create", "--user", "nightly-report", "--role",
                           "developer").strip()
        result = self.client("default", "hello", token=token)
        self.assertEqual(result.stdout, "pipelines: ['hello']\nRUN_STATUS_SUCCESSFUL\n",
                         result.stderr)
        self.assertEqual(len(self.gofer("run", "list", "hello", "-o", "name").split()), 1)

    def test_errors_have_reasons(self):
        result = self.client("default", "hello", token="gfr_b_nonsense")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, "^UNAUTHENTICATED [A-Z_]+: ")
        reader = self.gofer("token", "create", "--user", "x", "--role", "reader").strip()
        result = self.client("default", "hello", token=reader)
        self.assertRegex(result.stderr, "^PERMISSION_DENIED [A-Z_]+: needs action WRITE on resource RUNS")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
