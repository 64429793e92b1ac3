#!/usr/bin/python3
"""The server as an administrator sees it: configuration, certificates, signals, and what it leaves open.

Usage: server_config_test.py GOFER REFERENCE_PAGE [-kPATTERN]
"""

import json
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import CONFLICT, FAILED, NOT_FOUND, UNREACHABLE, USAGE  # pylint: disable=wrong-import-position

NOT_ALLOWED = 4
NOBODY = 65534


class FolderTest(unittest.TestCase):
    """A folder of its own, and gofer without a server."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gofer-config-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), 0o600)
        return self.path(name)

    def gofer(self, *words, code=0, **variables):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("GOFER_")}
        environment.update(variables, HOME=self.folder)
        result = subprocess.run([e2e.GOFER] + list(words), env=environment, timeout=60, check=False,
                                capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout, result.stderr

    def settings(self, *words, **variables):
        lines = self.gofer("service", "config", *words, **variables)[0].splitlines()
        return {line.split("\t")[0]: line.split("\t")[1:] for line in lines}


class Files(FolderTest):
    """init-config, config and the reference page."""

    def test_reference_is_current(self):
        with open(e2e.ARGUMENTS[0], encoding="utf-8") as file:
            self.assertEqual(
                file.read(), self.gofer("__config_reference")[0],
                "make it anew: gofer __config_reference > docs/reference/config.md")

    def test_init_config(self):
        path = self.path("config.yaml")
        self.gofer("service", "init-config", path)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), self.gofer("service", "init-config")[0])
        self.assertEqual({row[-1] for row in self.settings("--config", path).values()}, {"default"})
        with open(path, "w", encoding="utf-8") as file:
            file.write("# mine\n")
        self.assertIn("--force", self.gofer("service", "init-config", path, code=CONFLICT)[1])
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "# mine\n")
        self.gofer("service", "init-config", path, "--force")
        with open(path, encoding="utf-8") as file:
            self.assertIn("#data_dir:", file.read())

    def test_config_shows_where_values_are_from(self):
        path = self.write("c.yaml", "limits: {runs_max: 5}\nscheduler: {containers_max: 7}\n")
        settings = self.settings("--config", path, "--containers-max", "9", GOFER_DATA_DIR="/d",
                                 GOFER_SCHEDULER_CONTAINERS_MAX="8")
        self.assertEqual(settings["limits.runs_max"], ["5", "file"])
        self.assertEqual(settings["scheduler.containers_max"], ["9", "flag"])
        self.assertEqual(settings["data_dir"], ["/d", "environment"])
        self.assertEqual(settings["limits.stop_timeout"], ["10s", "default"])
        answer = json.loads(self.gofer("service", "config", "--config", path, "-o", "json")[0])
        self.assertIn({"setting": "limits.runs_max", "value": "5", "source": "file"},
                      answer["settings"])
        settings = self.settings(GOFER_CONFIG=path)
        self.assertEqual(settings["scheduler.containers_max"], ["7", "file"])

    def test_mistakes_are_shown_where_they_are(self):
        path = self.write("c.yaml", "limits:\n  runs_mx: 5\n")
        error = self.gofer("service", "config", "--config", path, code=FAILED)[1]
        self.assertIn(path + ":2:3: limits: there is no setting 'runs_mx' here; did you mean", error)
        self.gofer("service", "start", "--config", path, code=FAILED)
        self.gofer("service", "start", "--config", self.path("none"), code=NOT_FOUND)
        os.chmod(path, 0o666)
        self.assertIn("can be changed by others",
                      self.gofer("service", "config", "--config", path, code=CONFLICT)[1])
        error = self.gofer("service", "config", code=FAILED, GOFER_LIMITS_RUNS_MAX="many")[1]
        self.assertIn("GOFER_LIMITS_RUNS_MAX: is 'many'", error)
        error = self.gofer("service", "config", GOFER_LIMITS_RUNS_MX="3")[1]
        self.assertIn("GOFER_LIMITS_RUNS_MX looks like a setting", error)
        self.gofer("service", "start", "--containers-max", "0", code=USAGE)

    def test_ports_of_http_that_are_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            for flag, setting in (("--http", "gateway.listeners"),
                                  ("--external", "external_events.listeners")):
                error = self.gofer("service", "start", "--dev", "--scheduler", "null", "--data-dir",
                                   self.path("data"), "--listen", "127.0.0.1:0", flag, address,
                                   code=CONFLICT)[1]
                self.assertIn(setting + ": ", error)
                self.assertIn(address, error)
                self.assertFalse(os.path.exists(self.path("data/addresses")))

    def test_what_the_gateway_cannot_use(self):
        for text, told in (("gateway: {allowed_origins: [nonsense]}", "gateway.allowed_origins: 'nonsense'"),
                           ("gateway: {allowed_hosts: ['a b']}", "gateway.allowed_hosts: 'a b'"),
                           ("gateway: {static_dir: %s}" % self.path("none"), self.path("none"))):
            error = self.gofer(
                "service", "start", "--dev", "--scheduler", "null", "--data-dir", self.path("data"),
                "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--config",
                self.write("c.yaml", text + "\n"), code=FAILED)[1]
            self.assertIn(told, error)

    def test_a_data_directory_that_others_can_change(self):
        os.mkdir(self.path("data"))
        os.chmod(self.path("data"), 0o770)
        error = self.gofer("service", "start", "--data-dir", self.path("data"), "--listen",
                           "127.0.0.1:0", code=CONFLICT)[1]
        self.assertIn("can be changed by others (mode 0770)", error)
        self.assertEqual(os.listdir(self.path("data")), [])

    def test_what_no_server_starts_with_is_told_before(self):
        """By service config, which shows where it is from."""
        for text, code, told in (
                ("listeners: [{address: '8080'}]", FAILED, "must be host:port or unix:/path"),
                ("listeners: [{address: 'unix:rel'}]", FAILED, "must be host:port or unix:/path"),
                ("listeners: [{address: '0.0.0.0:1'}]", CONFLICT, "without TLS"),
                ("tls: {certificate_file: /a}", FAILED, "must be given together"),
                ("tls: {client_ca_file: /a}", FAILED, "without a certificate of the service")):
            output, error = self.gofer("service", "config", "--config",
                                       self.write("c.yaml", text + "\n"), code=code)
            self.assertIn(told, error)
            self.assertNotIn("usage:", error)
            self.assertIn("\tfile\n", output)
        for flag in ("--listen", "--http", "--external"):
            error = self.gofer("service", "config", flag, "8080", code=USAGE)[1]
            self.assertIn("address '8080' must be", error)

    def test_who_says_where_to_listen_says_it_of_http_too(self):
        usual = "[{address: \"127.0.0.1:8081\"}]"
        self.assertEqual(self.settings()["gateway.listeners"], [usual, "default"])
        self.assertEqual(self.settings("--listen", "127.0.0.1:1")["gateway.listeners"], ["[]", "default"])
        settings = self.settings("--listen", "127.0.0.1:1", "--http", "127.0.0.1:2", "--http",
                                 "unix:/s", "--external", "127.0.0.1:3", "--log-format", "json")
        self.assertEqual(settings["gateway.listeners"],
                         ['[{"address": "127.0.0.1:2"}, {"address": "unix:/s"}]', "flag"])
        self.assertEqual(settings["external_events.listeners"],
                         ['[{"address": "127.0.0.1:3"}]', "flag"])
        self.assertEqual(settings["logging.format"], ["json", "flag"])
        path = self.write("c.yaml", "gateway: {listeners: []}\n")
        self.assertEqual(self.settings("--config", path)["gateway.listeners"], ["[]", "file"])
        error = self.gofer("service", "config", "--http", "127.0.0.1:8080", code=USAGE)[1]
        self.assertIn("address '127.0.0.1:8080' is given twice, first in listeners", error)


class Certificates(FolderTest):
    """TLS by the configuration, renewed by a signal."""

    def certificate(self, name):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem"), "-days", "1",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True)

    def install(self, name):
        for suffix in (".pem", ".key"):
            shutil.copy(self.path(name + suffix), self.path("new"))
            os.rename(self.path("new"), self.path("server" + suffix))

    def reload(self, server, event):
        """Sends SIGHUP and waits for what the log says to it."""
        before = server.log().count(event)
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + e2e.WAIT_S
        while server.log().count(event) == before:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def info(self, server, authority, code=0):
        result = server.run("service", "info", "--host", server.address, "--tls-ca",
                            self.path(authority + ".pem"), check=False)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)

    def answer_over_http(self, server, authority):
        """Both listeners of HTTP have the certificate."""
        context = ssl.create_default_context(cafile=self.path(authority + ".pem"))
        with urllib.request.urlopen("https://%s/readyz" % server.http_address, context=context,
                                    timeout=e2e.WAIT_S) as answer:
            self.assertEqual((answer.status, answer.read()), (200, b"ok\n"))
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(  # pylint: disable=consider-using-with
                "https://%s/external/none" % server.external_address, data=b"{}", context=context,
                timeout=e2e.WAIT_S)
        self.assertEqual(caught.exception.code, 404)
        caught.exception.close()

    def test_renewal(self):
        self.certificate("one")
        self.certificate("two")
        self.install("one")
        path = self.write("c.yaml", "tls: {certificate_file: %s, key_file: %s}\n" % (
            self.path("server.pem"), self.path("server.key")))
        with e2e.GoferServer(e2e.GOFER, options=["--config", path], auth=True, http=True,
                             external=True) as server:
            self.info(server, "one")
            self.answer_over_http(server, "one")
            self.info(server, "two", code=UNREACHABLE)
            self.install("two")
            self.reload(server, "tls_reloaded listeners=3")
            self.info(server, "two")
            self.answer_over_http(server, "two")
            with self.assertRaises(urllib.error.URLError):
                self.answer_over_http(server, "one")
            self.info(server, "one", code=UNREACHABLE)
            shutil.copy(self.path("one.key"), self.path("server.key"))
            self.reload(server, "tls_reload_failed")
            self.info(server, "two")
            self.assertIn("cannot be used together", server.log())

    def test_key_that_others_can_read(self):
        self.certificate("server")
        os.chmod(self.path("server.key"), 0o644)
        error = self.gofer("service", "start", "--data-dir", self.path("data"), "--listen",
                           "127.0.0.1:0", "--scheduler", "null", code=FAILED,
                           GOFER_TLS_CERTIFICATE_FILE=self.path("server.pem"),
                           GOFER_TLS_KEY_FILE=self.path("server.key"))[1]
        self.assertIn("is open to others (mode 0644)", error)


class Process(FolderTest):
    """What can be seen of a server from outside."""

    KEY = "gofer-master-key-1:"

    def start(self, environment=None, user=None):
        server = e2e.GoferServer(e2e.GOFER, auth=True)
        usual = server.environment
        server.environment = lambda *a, **k: dict(usual(*a, **k), **(environment or {}))
        if user is not None:
            os.chown(server.data_dir, user, user)
        self.addCleanup(server.__exit__)
        return server.start()

    def read(self, server, name):
        with open("/proc/%d/%s" % (server.process.pid, name), "rb") as file:
            return file.read()

    def test_no_secret_in_environment_and_no_core(self):
        key = subprocess.run(["openssl", "rand", "-base64", "32"], check=True, capture_output=True,
                             text=True).stdout.strip()
        server = self.start({"GOFER_MASTER_KEY": self.KEY + key, "GOFER_API_TOKEN": "gfr_planted"})
        environ = self.read(server, "environ")
        self.assertIn(b"GOFER_HOST", environ)
        self.assertNotIn(key.encode(), environ)
        self.assertNotIn(b"gfr_planted", environ)
        self.assertNotIn(key.encode(), self.read(server, "cmdline"))
        self.assertNotIn(key, server.log())
        self.assertRegex(self.read(server, "limits").decode(), r"Max core file size +[01] +[01] ")
        self.assertIn("Umask:\t0077", self.read(server, "status").decode())
        self.assertFalse(os.path.exists(os.path.join(server.data_dir, "master.key")))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_memory_is_closed_to_the_same_user(self):
        gofer = os.path.join(self.folder, "gofer")
        shutil.copy(e2e.GOFER, gofer)
        os.chmod(self.folder, 0o755)
        data_dir = tempfile.mkdtemp(prefix="gofer-nobody-", dir="/tmp")
        self.addCleanup(shutil.rmtree, data_dir, True)
        os.chown(data_dir, NOBODY, NOBODY)
        with open(self.path("log"), "wb") as log:
            process = subprocess.Popen(  # pylint: disable=consider-using-with
                [gofer, "service", "start", "--data-dir", data_dir, "--listen", "127.0.0.1:0",
                 "--scheduler", "null"], user=NOBODY, group=NOBODY, extra_groups=[], stdout=log,
                stderr=log, env={"PATH": "/usr/bin:/bin"}, cwd="/")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + e2e.WAIT_S
        while not os.path.exists(os.path.join(data_dir, "addresses")):
            with open(self.path("log"), encoding="utf-8") as log:
                self.assertIsNone(process.poll(), log.read())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        result = subprocess.run(["cat", "/proc/%d/mem" % process.pid, "/proc/%d/environ" % process.pid],
                                user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.stderr.count("Permission denied"), 2, result.stderr)


class Expiry(e2e.ServerTest):
    """Tokens that expire while a stream is open, and afterwards."""

    @staticmethod
    def expire(server, when):
        """Has the token of `someone` expire then; the server is stopped."""
        database = sqlite3.connect(os.path.join(server.data_dir, "gofer.db"))
        database.execute("UPDATE tokens SET expire_time = ? WHERE user = 'someone'",
                         (int(when * 1e9),))
        database.commit()
        database.close()

    def test_streams_end_and_the_token_goes(self):
        with e2e.GoferServer(e2e.GOFER, auth=True) as server:
            text = server.run("token", "create", "--user", "someone", "--role", "admin", "--lifetime", "1h"
                              ).stdout.strip().splitlines()[-1]
            server.run("pipeline", "list", token=text)
            server.stop()
            self.expire(server, time.time() + 3)  # a token lives for a minute at least
            server.start()
            begin = time.monotonic()
            follower = server.run("event", "list", "--follow", token=text, check=False)
            self.assertEqual(follower.returncode, NOT_ALLOWED, follower.stderr)
            self.assertLess(time.monotonic() - begin, 20)
            result = server.run("pipeline", "list", token=text, check=False)
            self.assertEqual(result.returncode, NOT_ALLOWED)
            server.stop()
            self.expire(server, time.time() - 2 * 3600)  # they are deleted an hour later
            server.start()
            deadline = time.monotonic() + e2e.WAIT_S
            while "someone" in server.run("token", "list").stdout:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)

    def test_who_has_lost_all_tokens_gets_a_first_one_again(self):
        with e2e.GoferServer(e2e.GOFER, auth=True) as server:
            again = ("token", "bootstrap", "--host", server.socket)
            server.stop()
            server.options.append("--allow-bootstrap")
            server.start()
            text = server.run(*again, token=None).stdout.strip()
            self.assertIn("bootstrap", server.run("whoami", token=text).stdout)
            self.assertNotEqual(server.run(*again, token=None, check=False).returncode, 0)
            server.stop()
            server.options.remove("--allow-bootstrap")
            server.start()
            self.assertNotEqual(server.run(*again, token=None, check=False).returncode, 0)

    def test_uses_of_tokens_survive_a_restart(self):
        with e2e.GoferServer(e2e.GOFER, auth=True) as server:
            server.run("pipeline", "list")
            server.stop()
            server.start()
            self.assertNotRegex(server.run("whoami").stdout, r"Last used: +never")


if __name__ == "__main__":
    e2e.main()
