#!/usr/bin/python3
"""The package for authors, in a folder that it was moved to: compiles, links, describes, conforms.

Usage: package_test.py SDK.tar
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest

STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"]
SOURCE = os.path.abspath("extensions-sdk/package/extension.cc")


def output(*words, **options):
    """What a command prints; it must succeed."""
    result = subprocess.run(words, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            stdin=subprocess.DEVNULL, timeout=240, **options)
    if result.returncode != 0:
        raise AssertionError("%s: exit code %d\n%s" % (" ".join(words), result.returncode, result.stdout))
    return result.stdout


class Package(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="gofer-package-")
        cls.folder = cls.temporary.name
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(cls.folder)
        cls.sdk = os.path.join(cls.folder, "sdk")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def build(self, name, compiler, *source, static=False):
        """The program NAME, by the command of the guide."""
        mode = ("-static", "--static") if static else ("", "")
        output("sh", "-c", 'exec "$@" %s $(PKG_CONFIG_PATH=sdk/lib/pkgconfig pkg-config %s '
               '--cflags --libs gofer-extension)' % mode, "sh", compiler, *STRICT, *source, "-o", name,
               cwd=self.folder)
        return os.path.join(self.folder, name)

    def test_c(self):
        program = self.build("minimal", "cc", "-std=c11", "sdk/examples/minimal.c")
        described = json.loads(output(program, "--describe"))
        self.assertEqual(described["version"], "1.0.0")
        helped = output(program, "--help")
        self.assertIn("(default minute)\n", helped)
        self.assertEqual(helped.count("("), helped.count(")"))
        passed = output(os.path.join(self.sdk, "bin", "gofer-extension-conformance"), "--only",
                        "handshake,subscribe,redelivery,shutdown", "--", program)
        self.assertNotIn("FAILED", passed)

    def test_static_c(self):
        program = self.build("folder", "cc", "-std=c11", "sdk/examples/folder.c", static=True)
        self.assertIn("folder", output(program, "--describe"))
        with open(program, "rb") as file:
            self.assertFalse(b"/ld-linux" in file.read(), "it names a loader")

    def test_cpp_with_names_of_gofers_own(self):
        program = self.build("bell", "c++", "-std=c++17", SOURCE)
        self.assertEqual(json.loads(output(program, "--describe"))["version"], "2.0.1")

    def test_image(self):
        program = os.path.join(self.sdk, "bin", "gofer-extension-conformance")
        output(os.path.join(self.sdk, "bin", "make_extension_image"), "--version", "1.0.0", "bell", program,
               "bell.tar", cwd=self.folder)
        with tarfile.open(os.path.join(self.folder, "bell.tar")) as image:
            self.assertIn("index.json", image.getnames())

    def test_library_has_no_other_names_than_the_headers(self):
        library = os.path.join(self.sdk, "lib", "libgofer-extension.a")
        listed = output("nm", "--defined-only", "--extern-only", "--format=just-symbols", library)
        names = {line for line in listed.split() if not line.endswith(":")}
        with open(os.path.join(self.sdk, "include", "gofer", "extension.h"), encoding="utf-8") as file:
            self.assertLessEqual(names, set(re.findall(r"\w+", file.read())))
        self.assertIn("gofer_extension_run", names)

    def test_nothing_of_the_machine_that_built_it(self):
        for folder, _, names in os.walk(self.sdk):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                self.assertFalse(b"execroot" in data, name)

    def test_links_of_the_guide_lead_somewhere(self):
        with open(os.path.join(self.sdk, "writing-extensions.md"), encoding="utf-8") as file:
            links = re.findall(r"\]\(([^)#]+)", file.read())
        for link in links:
            self.assertTrue(os.path.exists(os.path.join(self.sdk, link)), link)
        self.assertGreater(len(links), 3)


if __name__ == "__main__":
    ARCHIVE = os.path.abspath(sys.argv[1])
    del sys.argv[1:]
    unittest.main(verbosity=2)
