#!/usr/bin/python3
"""Does what the guides say: writes their files, gives their commands, and compares what is printed.

Usage: guide_test.py GOFER BUSYBOX_IMAGE_TOOL [EXTENSION_IMAGE_TOOL PROGRAM...] GUIDE.md...

A block "```LANGUAGE NAME" is a file. In a block "```console" a line "$ COMMAND" is a command of the shell,
and what stands behind it must be printed, in this order: words with digits may differ, "..." stands for any
lines, and at the end of a line for any words. What --follow shows of several tasks may come in any order. The
command must succeed, unless what stands behind it begins with "gofer: " or says that a run has FAILED.

A guide that starts a server ("gofer service start &") gets it on a free port, with a data directory of its
own; the others get one in development mode that has the image. `gofer`, `dist/gofer` and
`tools/make_busybox_image` are the programs under test; `./folder` is the example of an extension. Of each PROGRAM, an extension that comes
with gofer, there is dist/gofer-extension-NAME.tar, in the version that the guide names.

Needs root; without it, it says so and succeeds.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from gofer_server import FETCH_IN_RUNFILES, GoferServer  # pylint: disable=wrong-import-position

START = "service start"
FETCH = os.environ.get("GOFER_FETCH", os.path.abspath(FETCH_IN_RUNFILES))
EXAMPLE = os.path.abspath("extensions-sdk/examples/folder")


def blocks(path):
    """(words of the fence, lines) of each block of code."""
    with open(path, encoding="utf-8") as file:
        found = re.findall(r"(?ms)^```(\w[^\n]*)\n(.*?)^```$", file.read())
    return [(fence.split(), body.splitlines()) for fence, body in found]


def commands(lines):
    """(command, expected lines) of a block of commands."""
    given = []
    for line in lines:
        if line.startswith("$ "):
            given.append((line[2:], []))
        else:
            given[-1][1].append(line)
    return given


def pattern(line):
    """What a line that is shown may look like."""
    open_end = line.endswith(" ...")
    words = [r"\S+( [a-z]+ ago| now)?" if re.search(r"\d|^just$|^-$", word) else re.escape(word)
             for word in (line[:-4] if open_end else line).replace("just now", "just").split()]
    return r"^\s*%s%s$" % (r"\s+".join(words), ".*" if open_end else r"\s*")


class Guide:
    """One guide on its way, in a folder of its own."""

    def __init__(self, test, path):
        self.test = test
        self.blocks = blocks(path)
        self.folder = tempfile.mkdtemp(prefix="gofer-guide-", dir="/tmp")
        self.environment = {
            "PATH": self.folder + "/dist:" + os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": self.folder, "GOFER_FORCE_TTY": "100", "NO_COLOR": "1"}
        if os.path.exists(FETCH):
            self.environment["GOFER_FETCH"] = FETCH
        self.server = None

    def __enter__(self):
        for name, program in (("dist/gofer", e2e.GOFER), ("tools/make_busybox_image", e2e.ARGUMENTS[0])):
            os.makedirs(os.path.dirname(os.path.join(self.folder, name)))
            os.symlink(os.path.realpath(program), os.path.join(self.folder, name))
        if os.path.exists(EXAMPLE):
            os.symlink(os.path.realpath(EXAMPLE), os.path.join(self.folder, "folder"))
        for program in EXTENSIONS[1:]:
            self.make_extension_image(os.path.basename(program), program)
        return self

    def make_extension_image(self, name, program):
        commands_given = "\n".join(line for _, lines in self.blocks for line in lines)
        version = re.search("gofer-extension-%s:([0-9.]+)" % name, commands_given).group(1)
        subprocess.run(
            [EXTENSIONS[0], "--version", version, "--uncompressed"] +
            (["--time-zones"] if name == "cron" else []) +
            [name, program, os.path.join(self.folder, "dist", "gofer-extension-%s.tar" % name)], check=True)

    def __exit__(self, *_):
        if isinstance(self.server, GoferServer):
            self.server.__exit__()
        elif self.server is not None:
            self.server.terminate()
            self.server.wait(e2e.WAIT_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    def starts_a_server(self):
        return any(line.startswith("$ ") and START in line for _, lines in self.blocks for line in lines)

    def follow(self):
        if not self.starts_a_server():
            self.server = GoferServer(e2e.GOFER, scheduler="native").start()
            self.server.run("image", "import", e2e.make_image(self.folder))
            self.environment["GOFER_HOST"] = self.server.address
        for fence, lines in self.blocks:
            if fence[0] == "console":
                for command, expected in commands(lines):
                    with self.test.subTest(command):
                        self.give(command, expected)
            elif len(fence) == 2:
                with open(os.path.join(self.folder, fence[1]), "w", encoding="utf-8") as file:
                    file.write("\n".join(lines) + "\n")

    def give(self, command, expected):
        if START in command and command.split("#")[0].rstrip().endswith("&"):
            self.start(command)
        else:
            self.check(command, expected)

    def start(self, command):
        """Leaves the server running; on a free port, as nobody knows what else runs on this machine."""
        words = command.split("#")[0].rstrip()[:-1].split() + [
            "--listen", "127.0.0.1:0", "--data-dir", self.folder + "/data"]
        addresses = os.path.join(self.folder, "data", "addresses")
        log_path = os.path.join(self.folder, "server.log")
        with open(log_path, "ab") as log:
            self.server = subprocess.Popen(  # pylint: disable=consider-using-with
                words, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + e2e.WAIT_S
        while not os.path.exists(addresses):
            with open(log_path, encoding="utf-8") as log:
                self.test.assertIsNone(self.server.poll(), log.read())
            self.test.assertLess(time.monotonic(), deadline, "the server did not start")
            time.sleep(0.01)
        with open(addresses, encoding="utf-8") as file:
            self.environment["GOFER_HOST"] = file.read().split()[0]

    def check(self, command, expected):
        result = subprocess.run(["bash", "-c", command], env=self.environment, cwd=self.folder, check=False,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=120)
        # What is over at once may never be seen running.
        said = [line for line in expected if line != "..." and not line.endswith(" RUNNING")]
        fails = bool(said) and (said[0].startswith("gofer: ") or any(
            line.endswith(" FAILED") for line in said if not line.startswith(" ")))
        self.test.assertEqual(result.returncode != 0, fails, result.stdout)
        printed = result.stdout.splitlines()
        at = 0
        in_order = "--follow" not in command
        for line in said:
            at = at if in_order else 0
            while at < len(printed) and not re.match(pattern(line), printed[at]):
                at += 1
            self.test.assertLess(at, len(printed), "%r is not in\n%s" % (line, "\n".join(printed)))
            at += 1


class Guides(unittest.TestCase):

    def test_guides(self):
        for path in GUIDES:
            with Guide(self, path) as guide:
                guide.follow()


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    FILES = [os.path.abspath(path) for path in sys.argv[3:]]
    GUIDES = [path for path in FILES if path.endswith(".md")]
    EXTENSIONS = [path for path in FILES if not path.endswith(".md")]
    sys.argv[2] = os.path.abspath(sys.argv[2])
    e2e.main()
