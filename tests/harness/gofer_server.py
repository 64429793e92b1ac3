"""A gofer server of a test's own: a data directory, free ports, stopped by its pid.

    with GoferServer(gofer, scheduler="null") as server:
        server.run("pipeline", "list")          # the CLI against it
        server.address                          # "127.0.0.1:40117"

It is in development mode; with auth=True it asks for tokens: server.token is its first one, which the CLI
shows, and run(..., token=TEXT) shows another one, token=None none. With http=True it serves HTTP, too, at server.http_address, and with
external=True it takes requests from outside at server.external_address; else it does neither.

Only the standard library is used. gofer finds gofer-fetch beside itself, or by GOFER_FETCH, which is set
here where Bazel has put the two in folders of their own.
"""

import os
import signal
import subprocess
import tempfile
import time
import shutil

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30
USUAL = object()  # the token that the server was bootstrapped with
FETCH_IN_RUNFILES = "engine/scheduler/native/fetch/gofer-fetch"


class GoferServer:
    """Starts on entry or by start(), stops on exit or by stop()."""

    def __init__(self, gofer, scheduler="null", data_dir=None, options=(), auth=False, http=False,
                 external=False):
        self.auth = auth
        self.token = None
        self.gofer = os.path.abspath(gofer)
        self.scheduler = scheduler
        self.options = list(options)
        self.owns_data_dir = data_dir is None
        # Short: the path of a unix socket has a limit of 107 bytes.
        self.data_dir = data_dir or tempfile.mkdtemp(prefix="gofer-test-", dir="/tmp")
        self.log_path = os.path.join(self.data_dir, "server.log")
        self.socket = "unix:" + os.path.join(self.data_dir, "test.sock")
        self.process = None
        self.address = None
        self.http = http
        self.http_address = None
        self.external = external
        self.external_address = None

    def start(self):
        addresses = os.path.join(self.data_dir, "addresses")
        if os.path.exists(addresses):
            os.unlink(addresses)
        command = [self.gofer, "service", "start", "--data-dir", self.data_dir,
                   "--listen", "127.0.0.1:0", "--listen", self.socket,
                   "--scheduler", self.scheduler]
        command += (["--http", "127.0.0.1:0"] if self.http else [])
        command += (["--external", "127.0.0.1:0"] if self.external else [])
        command += ([] if self.auth else ["--dev"]) + self.options
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if os.path.exists(addresses):
                self.address = self.read_address("addresses")
                if self.http:
                    self.http_address = self.read_address("http_addresses")
                if self.external:
                    self.external_address = self.read_address("external_addresses")
                if self.auth and self.token is None:
                    self.bootstrap()
                return self
            time.sleep(0.002)
        log = self.log()
        self.kill()
        raise RuntimeError("the server did not start:\n%s" % log)

    def read_address(self, name):
        """The first one of the file that is no socket. The file `addresses` is the last one written."""
        with open(os.path.join(self.data_dir, name), encoding="utf-8") as file:
            return next(line for line in file.read().split() if not line.startswith("unix:"))

    def bootstrap(self):
        """Makes the first token."""
        self.token = self.run("token", "bootstrap", "--host", self.socket, token=None).stdout.strip()

    def stop(self):
        """Asks the server to stop and gives its exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError("the server did not stop:\n%s" % self.log()) from None
        self.process = None
        return code

    def kill(self):
        """SIGKILL: what a crash looks like. Containers run on."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def environment(self, token=USUAL):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("GOFER_") or name == "GOFER_FETCH"}
        token = self.token if token is USUAL else token
        if token is not None:
            environment["GOFER_TOKEN"] = token
        environment["GOFER_CONTEXTS"] = os.path.join(self.data_dir, "contexts.json")
        environment["GOFER_HOST"] = self.address or self.socket
        if "GOFER_FETCH" not in environment and os.path.exists(FETCH_IN_RUNFILES):
            environment["GOFER_FETCH"] = os.path.abspath(FETCH_IN_RUNFILES)
        return environment

    def run(self, *arguments, check=True, timeout=60, text=True, token=USUAL, stdin=None):
        """Runs the CLI against the server, with `stdin` as its input; gives the CompletedProcess."""
        result = subprocess.run(
            [self.gofer] + list(arguments), env=self.environment(token),
            input=stdin if stdin is not None else ("" if text else b""),
            capture_output=True, text=text, timeout=timeout, check=False)
        if check and result.returncode != 0:
            raise RuntimeError("gofer %s: exit %d\n%s\n%s" % (
                " ".join(arguments), result.returncode, result.stdout, result.stderr))
        return result

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.kill()
            if self.owns_data_dir:
                shutil.rmtree(self.data_dir, ignore_errors=True)
