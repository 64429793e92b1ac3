#!/usr/bin/python3
"""Images of extensions: what is in them, and that the same program gives the same image.

Usage: image_test.py MAKE_EXTENSION_IMAGE
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest

TOOL = os.path.abspath(sys.argv[1])
PROGRAM = "/bin/busybox"  # any static one


def read_archive(path):
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


class ExtensionImage(unittest.TestCase):
    """What tools/make_extension_image writes."""

    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)

    def make(self, *options):
        path = os.path.join(self.work.name, "image.tar")
        subprocess.run([TOOL, "--version", "1.2.3", *options, "cron", PROGRAM, path], check=True)
        with open(path, "rb") as file:
            return path, file.read()

    def open(self, path):
        """(name, configuration, layer as a tar file); every blob is checked against its digest."""
        files = read_archive(path)
        for name, data in files.items():
            if name.startswith("blobs/sha256/"):
                self.assertEqual(os.path.basename(name), hashlib.sha256(data).hexdigest())

        def blob(descriptor):
            data = files["blobs/" + descriptor["digest"].replace(":", "/")]
            self.assertEqual(len(data), descriptor["size"])
            return data

        entry, = json.loads(files["index.json"])["manifests"]
        manifest = json.loads(blob(entry))
        config = json.loads(blob(manifest["config"]))
        layer = gzip.decompress(blob(manifest["layers"][0]))
        self.assertEqual(config["rootfs"]["diff_ids"],
                         ["sha256:" + hashlib.sha256(layer).hexdigest()])
        return (entry["annotations"]["org.opencontainers.image.ref.name"], config,
                tarfile.open(fileobj=io.BytesIO(layer)))

    def test_it_has_a_name_a_version_and_a_program(self):
        name, config, layer = self.open(self.make()[0])
        self.assertEqual(name, "gofer-extension-cron:1.2.3")
        self.assertEqual(config["config"]["Entrypoint"], ["/cron"])
        self.assertEqual(config["config"]["Labels"]["org.opencontainers.image.version"], "1.2.3")
        with open(PROGRAM, "rb") as file:
            self.assertEqual(layer.extractfile("cron").read(), file.read())
        self.assertEqual([member.name for member in layer], ["tmp", "cron"])

    def test_time_zones_are_there_with_their_links(self):
        _, _, layer = self.open(self.make("--time-zones")[0])
        names = set(layer.getnames())
        zone = layer.extractfile("usr/share/zoneinfo/Europe/Berlin").read()
        self.assertTrue(zone.startswith(b"TZif"))
        self.assertFalse(any("/right/" in name or "/posix/" in name for name in names))
        links = [member for member in layer if member.issym()]
        self.assertTrue(links)
        for link in links:
            target = os.path.normpath(os.path.join(os.path.dirname(link.name), link.linkname))
            self.assertIn(target, names)

    def test_the_same_program_gives_the_same_image(self):
        self.assertEqual(self.make("--time-zones")[1], self.make("--time-zones")[1])

    def test_nothing_tells_when_or_by_whom_it_was_made(self):
        _, config, layer = self.open(self.make("--time-zones")[0])
        self.assertEqual(config["created"], "1970-01-01T00:00:00Z")
        for member in layer:
            self.assertEqual((member.mtime, member.uid, member.gid, member.uname), (0, 0, 0, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
