#!/usr/bin/env python3
"""How fast images come from a registry on this machine, beside curl and cp of the same blobs.

Usage: pull_bench.py GOFER_FETCH [MIB]      (root; docker-registry must be installed)

Prints one line for each figure, in MB/s of what travels (blobs as they are in the registry). A pull
also checks two digests of each layer, unpacks it and brings it to the disk. Nothing passes or fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "registry"))
import pulling  # pylint: disable=wrong-import-position
from docker_registry_test import DockerRegistry  # pylint: disable=wrong-import-position

LAYERS = 8
FILES_PER_LAYER = 64
ROUNDS = 3


def best(function):
    """The shortest of several times."""
    times = []
    for _ in range(ROUNDS):
        os.sync()
        start = time.monotonic()
        function()
        times.append(time.monotonic() - start)
    return min(times)


def text_like(size):
    """Bytes that compress as programs do, about three to one."""
    words = [os.urandom(6).hex().encode() for _ in range(4096)]
    out = bytearray()
    while len(out) < size:
        noise = os.urandom(512)
        for byte in noise:
            out += words[byte * 16 % 4096]
        out += noise
    return bytes(out[:size])


def make_image(mib, content, **options):
    size = mib * 1024 * 1024 // LAYERS // FILES_PER_LAYER
    layers = [pulling.tar_of({"layer-%d/file-%d" % (i, j): content(size)
                              for j in range(FILES_PER_LAYER)}) for i in range(LAYERS)]
    return pulling.Image(*layers, **options)


class Bench:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.registry = DockerRegistry(os.path.join(folder, "registry"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def pull(self, tag):
        shutil.rmtree(self.path("store"), True)
        request = pulling.request_text("%s/team/app:%s" % (self.registry.host, tag),
                                       [self.registry.source])
        subprocess.run([self.program, "pull", "--store", self.path("store")], check=True, env={},
                       input=request.encode(), stdout=subprocess.DEVNULL)

    def fetch_by_curl(self, image):
        shutil.rmtree(self.path("curl"), True)
        os.makedirs(self.path("curl"))
        urls = []
        for number, layer in enumerate(image.manifest["layers"]):
            urls += ["-o", self.path("curl/%d" % number), "http://%s/v2/team/app/blobs/%s"
                     % (self.registry.host, layer["digest"])]
        subprocess.run(["curl", "-sfLZ", "--parallel-max", "4"] + urls, check=True)
        subprocess.run(["sync", "-f", self.path("curl")], check=True)

    def copy(self, image):
        shutil.rmtree(self.path("copy"), True)
        os.makedirs(self.path("copy"))
        names = [os.path.join(self.folder, "registry/data/docker/registry/v2/blobs/sha256",
                              layer["digest"][7:9], layer["digest"][7:], "data")
                 for layer in image.manifest["layers"]]
        for number, name in enumerate(names):
            subprocess.run(["cp", name, self.path("copy/%d" % number)], check=True)
        subprocess.run(["sync", "-f", self.path("copy")], check=True)

    def run(self, what, image):
        self.registry.push(image, tag=what)
        bytes_total = sum(layer["size"] for layer in image.manifest["layers"])

        def show(name, seconds):
            print("%-44s %8.0f MB/s" % ("%s, %s" % (name, what), bytes_total / seconds / 1e6))
        show("gofer-fetch pull", best(lambda: self.pull(what)))
        if shutil.which("curl"):
            show("curl of the blobs", best(lambda: self.fetch_by_curl(image)))
        show("cp of the blobs", best(lambda: self.copy(image)))

    def latency(self):
        image = pulling.small_image()
        self.registry.push(image, tag="small")
        print("%-44s %8.1f ms" % ("gofer-fetch pull, one small layer",
                                  best(lambda: self.pull("small")) * 1000))

        def again():
            request = pulling.request_text("%s/team/app:small" % self.registry.host,
                                           [self.registry.source])
            subprocess.run([self.program, "pull", "--store", self.path("store")], check=True,
                           env={}, input=request.encode(), stdout=subprocess.DEVNULL)
        print("%-44s %8.1f ms" % ("gofer-fetch pull, the image is there", best(again) * 1000))


def main():
    mib = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    with tempfile.TemporaryDirectory(prefix="gofer-pull-bench-", dir="/tmp") as folder:
        bench = Bench(sys.argv[1], folder)
        try:
            bench.latency()
            bench.run("plain", make_image(mib, os.urandom, pack=None))
            bench.run("gzip", make_image(mib, text_like))
        finally:
            bench.registry.close()


if __name__ == "__main__":
    main()
