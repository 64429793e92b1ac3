#!/usr/bin/env python3
"""gofer-fetch pull against Debian's docker-registry: open, with htpasswd, with TLS."""

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest
import urllib.parse

import pulling
from pulling import ARCHITECTURE, OCI_INDEX, Image, digest_of, index_of, request_text, tar_of

REGISTRY = shutil.which("docker-registry")
START_TIMEOUT_S = 30
USER, PASSWORD = "builder", "opensesame"
# The password by bcrypt, at its least cost.
HTPASSWD = USER + ":$2b$04$OnJ88PQdPiJqtlwz7BbAWuwKh42mDhNCtqeHm5O4rMvTNfdm1chZe\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DockerRegistry:
    """A process with a folder of its own, until it is closed."""

    def __init__(self, folder, auth=False, tls=None):
        self.folder = folder
        os.makedirs(folder)
        self.port = free_port()
        self.auth = auth
        self.pushed = set()
        self.tls = tls  # (certificate, key, CA) or None
        config = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": os.path.join(folder, "data")}},
            "http": {"addr": self.host, "secret": "x"},
        }
        if auth:
            config["auth"] = {"htpasswd": {"realm": "test", "path": self.write_htpasswd()}}
        if tls:
            config["http"]["tls"] = {"certificate": tls[0], "key": tls[1]}
        path = os.path.join(folder, "config.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)  # which is YAML, too
        with open(os.path.join(folder, "log"), "wb") as log:
            self.process = subprocess.Popen([REGISTRY, "serve", path], stdout=log, stderr=log)
        self.wait_until_up()

    def write_htpasswd(self):
        path = os.path.join(self.folder, "htpasswd")
        with open(path, "w", encoding="utf-8") as file:
            file.write(HTPASSWD)
        return path

    @property
    def host(self):
        return "127.0.0.1:%d" % self.port

    @property
    def source(self):
        source = {"host": self.host, "plain_http": 0 if self.tls else 1}
        if self.auth:
            source.update(user=USER, password=PASSWORD)
        if self.tls:
            source["ca_file"] = self.tls[2]
        return source

    def connect(self):
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls[2])
            return http.client.HTTPSConnection(self.host, context=context, timeout=60)
        return http.client.HTTPConnection(self.host, timeout=60)

    def ask(self, method, path, body=None, **headers):
        if self.auth:
            pair = base64.b64encode(("%s:%s" % (USER, PASSWORD)).encode()).decode()
            headers["Authorization"] = "Basic " + pair
        connection = self.connect()
        connection.request(method, path, body,
                           {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def wait_until_up(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                    raise RuntimeError("docker-registry does not start: " + log.read())
            try:
                if self.ask("GET", "/v2/").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)

    def close(self):
        self.process.kill()
        self.process.wait()

    # ---- what a client that pushes does ----

    def push_blob(self, repository, data):
        begun = self.ask("POST", "/v2/%s/blobs/uploads/" % repository)
        assert begun.status == 202, begun.status
        place = urllib.parse.urlsplit(begun.headers["Location"])
        path = "%s?%s&digest=%s" % (place.path, place.query, digest_of(data))
        done = self.ask("PUT", path, data, Content_Type="application/octet-stream")
        assert done.status == 201, done.status

    def push_manifest(self, repository, reference, media_type, text):
        done = self.ask("PUT", "/v2/%s/manifests/%s" % (repository, reference), text,
                        Content_Type=media_type)
        assert done.status == 201, done.status

    def push(self, image, tag=None):
        repository = "team/app"
        for digest, data in image.blobs.items():
            if digest not in self.pushed:
                self.push_blob(repository, data)
                self.pushed.add(digest)
        self.push_manifest(repository, tag or image.digest, image.media_type, image.text)
        return image


def make_certificates(folder):
    """A CA, and a certificate of it for 127.0.0.1."""
    def run(*args):
        subprocess.run(["openssl"] + list(args), check=True, cwd=folder, capture_output=True)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test CA")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    with open(os.path.join(folder, "ext"), "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "ext")
    return [os.path.join(folder, name) for name in ("server.pem", "server.key", "ca.pem")]


@unittest.skipIf(REGISTRY is None, "SKIPPED: docker-registry is not installed")
class Docker(pulling.PullTest):
    def open_registry(self, name="registry", **options):
        registry = DockerRegistry(os.path.join(self.folder, name), **options)
        self.addCleanup(registry.close)
        return registry

    @staticmethod
    def name(registry, tag):
        return "%s/team/app:%s" % (registry.host, tag)

    def test_tags_digests_indexes_and_ranges(self):
        registry = self.open_registry()
        images = {}
        for tag in ["1.%d.0" % minor for minor in range(12)] + ["2.0.0", "latest"]:
            images[tag] = registry.push(Image(tar_of({"tag": tag.encode()})), tag=tag)
        for wanted, tag in (("latest", "latest"), ("1.3.0", "1.3.0"), ("^1", "1.11.0"),
                            (">=1.2 <1.10", "1.9.0"), ("*", "2.0.0")):
            outcome = self.pull(self.name(registry, wanted), registry.source)
            self.assert_pulled(outcome, images[tag], self.name(registry, tag))
        image = registry.push(Image(tar_of({"a": b"by digest"}), docker=True))
        outcome = self.pull("%s/team/app@%s" % (registry.host, image.digest), registry.source)
        self.assert_pulled(outcome, image)
        text = index_of((image, ARCHITECTURE), media_type=OCI_INDEX)
        registry.push_manifest("team/app", "indexed", OCI_INDEX, text)
        outcome = self.pull(self.name(registry, "indexed"), registry.source)
        self.assert_pulled(outcome, image, self.name(registry, "indexed"))
        self.assertEqual(outcome.fields["index"], digest_of(text))
        outcome = self.pull(self.name(registry, "absent"), registry.source)
        self.assertEqual(outcome.fields["code"], "NOT_FOUND", outcome)
        self.assertIn("repository 'team/app', tag 'absent': not found", outcome.fields["message"])
        outcome = self.pull(registry.host + "/nobody/has:1", registry.source)
        self.assertEqual(outcome.fields["code"], "NOT_FOUND", outcome)

    def test_passwords(self):
        registry = self.open_registry(auth=True)
        image = registry.push(Image(*[tar_of({"f": b"%d" % i}) for i in range(6)]), tag="1")
        stranger = {"host": registry.host}
        for source in (stranger, dict(stranger, user=USER, password="wrong")):
            outcome = self.pull(self.name(registry, "1"), source)
            self.assert_failed(outcome, "PERMISSION_DENIED", registry.host)
        self.assert_pulled(self.pull(self.name(registry, "1"), registry.source), image)

    def test_tls(self):
        tls = make_certificates(self.folder)
        registry = self.open_registry(tls=tls)
        image = registry.push(Image(*[tar_of({"f": b"%d" % i}) for i in range(6)]), tag="1")
        unknown = dict(registry.source, ca_file="")
        outcome = self.pull(self.name(registry, "1"), unknown)
        self.assert_failed(outcome, "UNAVAILABLE", "certificate")
        other = dict(registry.source, host="localhost:%d" % registry.port)
        outcome = self.pull(self.name(registry, "1"), other)
        self.assert_failed(outcome, "UNAVAILABLE", "localhost")
        self.assert_pulled(self.pull(self.name(registry, "1"), registry.source), image)

    def test_mirrors(self):
        image = Image(tar_of({"a": b"a"}))
        registry = self.open_registry()
        mirror = self.open_registry("mirror")
        registry.push(image, tag="1")
        outcome = self.pull(self.name(registry, "1"), mirror.source, registry.source)
        self.assert_pulled(outcome, image)
        self.assertEqual(outcome.fields["source"], registry.host)

    def test_killed_at_any_moment_and_several_at_once(self):
        registry = self.open_registry()
        shared = tar_of({"shared": os.urandom(5000000)})
        images = [registry.push(Image(shared, tar_of({"n": b"%d" % i})), tag="%d" % i)
                  for i in range(4)]
        requests = [request_text(self.name(registry, "%d" % i), [registry.source])
                    for i in range(4)]
        for delay_ms in (0, 20, 40, 60, 90, 130, 180):
            process = self.start(requests[0])
            try:
                process.wait(delay_ms / 1000)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()
            self.assertLessEqual(len(self.listed("tmp")), 1)
        processes = [self.start(request) for request in requests]
        for process, image in zip(processes, images):
            outcome = self.wait(process)
            self.assertEqual(outcome.code, 0, outcome)
            self.assertEqual(outcome.fields["digest"], image.digest)
        self.assertEqual(len(self.listed("layers")), 5)
        self.assertEqual(self.listed("downloads"), [])
        self.assertEqual(self.listed("tmp"), [])


if __name__ == "__main__":
    pulling.main()
