#!/usr/bin/python3
"""What all commands have in common: words and options, help, the environment, completion; and service start.

Usage: command_line_test.py GOFER REFERENCE_PAGE [-kPATTERN]
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import CONFLICT, FAILED, NOT_FOUND, OK, UNREACHABLE, USAGE  # pylint: disable=wrong-import-position


class Completion(e2e.ServerTest):
    """completion and what its scripts ask."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.run("up", cls.file(cls, "hello.json", e2e.pipeline(
            "hello", e2e.task("greet"), e2e.task("after"))))
        cls.server.run("pipeline", "run", "hello", "--wait")

    def complete(self, *words, **options):
        out, err = self.gofer("__complete", *words, **options)
        self.assertEqual(err, "")
        return [line.split("\t")[0] for line in out.splitlines()]

    def test_words(self):
        self.assertIn("pipeline", self.complete(""))
        self.assertNotIn("__complete", self.complete("_"))
        self.assertEqual(self.complete("pipe"), ["pipeline"])
        self.assertEqual(self.complete("pipeline", ""),
                         ["delete", "disable", "enable", "get", "list", "run", "stats", "subscribe",
                          "unsubscribe"])
        self.assertEqual(self.complete("extension", "dead-letter", "re"), ["replay"])
        self.assertEqual(self.complete("run", "list", "hello", "--state", "p"), ["pending"])
        self.assertEqual(self.complete("-n", "default", "pipeline", "g"), ["get"])
        self.assertEqual(self.complete("pipeline", "run", "hello", "--w"), ["--wait"])
        self.assertEqual(self.complete("pipeline", "list", "-o", "json"), ["json", "jsonl"])
        self.assertEqual(self.complete("up", ""), [":file"])
        self.assertEqual(self.complete("completion", "z"), ["zsh"])
        self.assertEqual(self.complete("nonsense", "x", ""), [])
        self.assertEqual(self.complete(), [])

    def test_ids(self):
        self.assertEqual(self.complete("pipeline", "get", ""), ["hello"])
        self.assertEqual(self.complete("pipeline", "get", "x"), [])
        self.assertEqual(self.complete("run", "get", "hello", ""), ["1"])
        self.assertEqual(self.complete("task", "get", "hello", "1", "gr"), ["greet"])
        self.assertEqual(self.complete("pipeline", "list", "-n", ""), ["default"])
        self.assertEqual(self.complete("config", "get", "hello", ""), ["1"])
        self.assertEqual(self.complete("deployment", "get", "hello", ""), ["1"])
        self.assertEqual(self.complete("pipeline", "get", "-n", "nowhere", ""), [])

    def test_silent_and_quick_without_a_server(self):
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()  # connections are made and never answered
            host = "127.0.0.1:%d" % deaf.getsockname()[1]
            start = time.monotonic()
            self.assertEqual(self.complete("pipeline", "get", "", environment={"GOFER_HOST": host}), [])
            self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(
            self.complete("pipeline", "get", "", environment={"GOFER_HOST": "127.0.0.1:1"}), [])

    def test_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("__complete", self.answer("completion", shell))
        self.error("completion", "csh", code=USAGE)
        script = ('PATH="$(dirname "$1"):$PATH"; source <("$1" completion bash)\n'
                  'COMP_WORDS=(gofer pipeline get "h"); COMP_CWORD=3; _gofer; echo "${COMPREPLY[*]}"')
        result = subprocess.run(["bash", "-c", script, "bash", self.server.gofer], check=True,
                                env=self.server.environment(), capture_output=True, text=True)
        self.assertEqual((result.stdout, result.stderr), ("hello\n", ""))


class Lines(e2e.ServerTest):
    """The command line itself, the environment, and servers that are not there."""

    def test_usage_errors(self):
        for words, message in (
                (["pipelin", "list"], "did you mean 'pipeline'?"),
                (["pipeline", "lst"], "did you mean 'pipeline list'?"),
                (["pipeline"], "'pipeline' needs a verb"),
                (["xyzzy"], "unknown command 'xyzzy'"),
                (["pipeline", "get"], "missing argument PIPELINE"),
                (["pipeline", "get", "one", "two"], "unexpected argument 'two'"),
                (["pipeline", "list", "--what"], "unknown option '--what'"),
                (["pipeline", "list", "-Z"], "unknown option '-Z'"),
                (["pipeline", "list", "-n"], "-n needs a value"),
                (["pipeline", "list", "-o", "xml"], "-o takes one of table|json|jsonl|name"),
                (["pipeline", "list", "--limit", "many"], "--limit takes a whole number"),
                (["pipeline", "list", "--quiet=yes"], "--quiet takes no value"),
                (["pipeline", "run", "one", "--wait", "--timeout", "soon"], "takes a duration"),
                (["pipeline", "run", "one", "--timeout", "3s"], "--wait or --follow"),
                (["pipeline", "list", "--host", "no port"], "address 'no port'"),
        ):
            with self.subTest(" ".join(words)):
                error = self.error(*words, code=USAGE)
                self.assertIn(message, error.splitlines()[0])
                self.assertIn("hint: gofer ", error)

    def test_help(self):
        out = self.answer("help")
        self.assertIn("pipeline run", out)
        self.assertEqual(out, self.answer("--help"))
        for line in out.splitlines():
            if line.startswith("  ") and line[2] != " ":
                words = line[2:24].split()
                with self.subTest(" ".join(words)):
                    help_text = self.answer(*words, "--help")
                    self.assertIn("Usage: gofer " + " ".join(words), help_text)
                    self.assertEqual(help_text, self.answer("help", *words))
                    self.assertLessEqual(max(map(len, help_text.splitlines())), 100)
        self.assertIn("list", self.answer("pipeline", "--help"))
        self.assertIn("list", self.answer("help", "pipelines"))
        for number in ("0", "1", "2", "3", "4", "5", "6", "7", "130"):
            self.assertRegex(self.answer("help", "exit-codes"), r"(?m)^ +%s  \w" % number)
        self.assertIn("GOFER_HOST", self.answer("help", "environment"))
        self.assertIn("jsonl", self.answer("help", "output"))
        out, err = self.gofer(code=USAGE)
        self.assertEqual(out, "")
        self.assertIn("Usage:", err)

    def test_reference_is_current(self):
        with open(e2e.ARGUMENTS[0], encoding="utf-8") as file:
            self.assertEqual(file.read(), self.answer("__reference"),
                             "make it anew: gofer __reference > docs/reference/cli.md")

    def test_service_info(self):
        out = self.answer("service", "info")
        self.assertRegex(out, r"Scheduler: +null\n")
        self.assertRegex(out, r"Mode: +development\n")
        self.assertIn("gofer.v1", self.json("service", "info")["apiPackages"])
        self.assertEqual("gofer " + self.answer("service", "info", "-o", "name"),
                         self.answer("version"))

    def test_version(self):
        self.assertRegex(self.answer("version"), r"^gofer \d+\.\d+\.\d+")
        self.assertEqual(self.answer("version"), self.answer("--version"))

    def test_options_before_the_command(self):
        self.assertEqual(self.json("-n", "default", "pipeline", "list"),
                         self.json("pipeline", "list", "-n", "default"))
        self.error("-n", "nope", "pipeline", "list", code=NOT_FOUND)
        self.error("--namespace=nope", "-q", "pipeline", "list", code=NOT_FOUND)

    def test_environment(self):
        self.error("pipeline", "list", environment={"GOFER_NAMESPACE": "nope"}, code=NOT_FOUND)
        self.gofer("pipeline", "list", "-n", "default", environment={"GOFER_NAMESPACE": "nope"})
        self.gofer("pipeline", "list", environment={"GOFER_HOST": self.server.socket})
        self.gofer("pipeline", "list", environment={"GOFER_TOKEN": "not-asked-for"})
        self.gofer("pipeline", "list", "--host", self.server.address,
                   environment={"GOFER_HOST": "127.0.0.1:1"})

    def test_unreachable(self):
        error = self.error("pipeline", "list", environment={"GOFER_HOST": "127.0.0.1:1"},
                           code=UNREACHABLE)
        self.assertIn("127.0.0.1:1", error)
        self.assertIn("hint: is the server running?", error)
        self.error("pipeline", "run", "hello", "--wait", "--host", "unix:/nowhere/sock",
                   code=UNREACHABLE)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([self.server.gofer, "help"], stdout=full, stderr=subprocess.PIPE,
                                    text=True, check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assertIn("cannot write", result.stderr)

    def test_whoever_reads_may_go_away(self):
        """As `head` does: nobody is told of it."""
        for words in (["help"], ["pipeline", "list"], ["role", "methods"],
                      ["event", "list", "--follow", "--history", "-n", "default"]):
            reading, writing = os.pipe()
            os.close(reading)
            try:
                result = subprocess.run([self.server.gofer] + words, stdout=writing, timeout=60,
                                        env=self.server.environment(), stderr=subprocess.PIPE,
                                        text=True, check=False)
            finally:
                os.close(writing)
            self.assertEqual((result.returncode, result.stderr), (OK, ""), words)


class Service(unittest.TestCase):
    """service start where it must refuse."""

    def start(self, *options):
        return subprocess.run([e2e.GOFER, "service", "start"] + list(options), timeout=30,
                              capture_output=True, text=True, check=False)

    def refused(self, *options, code=CONFLICT):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            if "--data-dir" not in options:
                options += ("--data-dir", folder)
            result = self.start("--scheduler", "null", *options)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stderr

    def test_beyond_this_machine(self):
        self.assertIn("0.0.0.0", self.refused("--dev", "--listen", "0.0.0.0:0"))
        self.assertIn("without TLS", self.refused("--listen", "0.0.0.0:0"))

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            self.assertIn(address, self.refused("--dev", "--listen", address))

    def test_data_directory_in_use(self):
        with e2e.GoferServer(e2e.GOFER) as server:
            error = self.refused("--dev", "--listen", "127.0.0.1:0", "--data-dir", server.data_dir)
            self.assertIn(server.data_dir, error)

    def test_bad_options(self):
        self.refused("--dev", "--listen", "nonsense", code=USAGE)
        self.refused("--dev", "--scheduler", "magic", code=USAGE)
        self.refused("--dev", "--data-dir", "", code=USAGE)

    def test_stops_well(self):
        with e2e.GoferServer(e2e.GOFER) as server:
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    e2e.main()
