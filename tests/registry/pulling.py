"""What the tests of pulls share: images made here, requests to gofer-fetch, its store looked at."""

import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64")
PULL_TIMEOUT_S = 120

PROGRAM = None  # path of gofer-fetch; set by main()


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def compress(data):
    """The same bytes for the same data, quickly."""
    return gzip.compress(data, 1, mtime=0)


class Image:
    """An image as a registry has it: blobs by digest, a manifest. `layers` are tar files."""

    def __init__(self, *layers, docker=False, pack=compress, architecture=ARCHITECTURE):
        self.blobs = {}
        self.diff_ids = [digest_of(layer) for layer in layers]
        packed = [self.add(pack(layer) if pack else layer) for layer in layers]
        config = self.add(json.dumps({
            "os": "linux", "architecture": architecture, "config": {"Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids}}).encode())
        layer_type = DOCKER_LAYER if docker else OCI_LAYER + ("+gzip" if pack else "")
        self.media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
        self.manifest = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, config),
            "layers": [self.descriptor(layer_type, digest) for digest in packed],
        }

    def add(self, data):
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def descriptor(self, media_type, digest):
        return {"mediaType": media_type, "digest": digest, "size": len(self.blobs[digest])}

    @property
    def text(self):
        return json.dumps(self.manifest).encode()

    @property
    def digest(self):
        return digest_of(self.text)

    def layer(self, index=0):
        return self.manifest["layers"][index]["digest"]


def small_image(content=b"hello", **options):
    return Image(tar_of({"file": content}), **options)


def index_of(*entries, media_type=OCI_INDEX):
    """The text of an index: (image, architecture) each."""
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": [
        {"mediaType": image.media_type, "digest": image.digest, "size": len(image.text),
         "platform": {"os": "linux", "architecture": architecture}}
        for image, architecture in entries]}).encode()


def request_text(reference, sources, **numbers):
    """A request as the server writes it; sources: dictionaries."""
    def escape(text):
        return text.replace("\\", "\\\\").replace("\n", "\\n")
    lines = ["gofer-pull-request 1", "reference=" + escape(reference)]
    for source in sources:
        lines += ["source=" + source["host"], "plain_http=%d" % source.get("plain_http", 1)]
        lines += ["%s=%s" % (key, escape(source.get(key, "")))
                  for key in ("ca_file", "user", "password")]
    numbers.setdefault("retry_wait_ms", 1)
    numbers.setdefault("tries", 2)
    lines += ["%s=%s" % pair for pair in numbers.items()]
    return "\n".join(lines + ["end", ""])


class Outcome:
    """What a pull said."""

    def __init__(self, process, output, errors):
        self.code = process.returncode
        self.errors = errors
        lines = output.split("\n")
        self.progress = [line.split()[1:] for line in lines if line.startswith("progress ")]
        self.fields = dict(line.split("=", 1) for line in lines if "=" in line)

    def __repr__(self):
        return "%d %r %s" % (self.code, self.fields, self.errors)


class PullTest(unittest.TestCase):
    """A store for each test; needs root."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("SKIPPED: pulling images needs root")
        self.folder = tempfile.mkdtemp(prefix="gofer-pull-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.store = os.path.join(self.folder, "store")

    def start(self, request, store=None, **options):
        process = subprocess.Popen(
            [PROGRAM, "pull", "--store", store or self.store], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}, **options)
        process.stdin.write(request.encode())
        process.stdin.close()
        process.stdin = None
        return process

    @staticmethod
    def wait(process):
        output, errors = process.communicate(timeout=PULL_TIMEOUT_S)
        return Outcome(process, output.decode(), errors.decode())

    def pull(self, reference, *sources, **numbers):
        return self.wait(self.start(request_text(reference, sources, **numbers)))

    def listed(self, part):
        path = os.path.join(self.store, part)
        return sorted(os.listdir(path)) if os.path.isdir(path) else []

    def assert_pulled(self, outcome, image, name=None):
        self.assertEqual(outcome.code, 0, outcome)
        self.assertEqual(outcome.fields["digest"], image.digest)
        self.assertEqual(self.listed("tmp"), [])
        for diff_id in image.diff_ids:
            self.assertIn(diff_id[7:], self.listed("layers"))
        self.assertIn(image.digest[7:], self.listed("images"))
        if name is not None:
            self.assertEqual(outcome.fields["name"], name)
            self.assertIn(name.replace("/", "~"), self.listed("names"))
        self.assertEqual(outcome.progress[0], ["resolving", "0", "0", "0", "0"])
        self.assertEqual(outcome.progress[-1][0], "done")

    def assert_failed(self, outcome, code, *words, kept=()):
        """It failed so, and left nothing but the downloads that are `kept`."""
        self.assertEqual(outcome.code, 1, outcome)
        self.assertEqual(outcome.fields["code"], code, outcome)
        for word in words:
            self.assertIn(word, outcome.fields["message"])
        for part in ("tmp", "layers", "images", "names", "indexes"):
            self.assertEqual(self.listed(part), [], part)
        self.assertEqual(self.listed("downloads"), sorted(digest[7:] for digest in kept))


def main():
    """The program is the first argument; what follows is unittest's."""
    global PROGRAM  # pylint: disable=global-statement
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
