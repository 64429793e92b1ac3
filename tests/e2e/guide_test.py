#!/usr/bin/python3
"""Does what the guides say: writes their files, gives their commands, and compares what is printed.

Usage: guide_test.py GOFER BUSYBOX_IMAGE_TOOL GUIDE.md...

A block "```json NAME" is a file. In a block "```console" a line "$ COMMAND" is a command, and what stands
behind it must be printed, in this order: words with digits may differ, "..." stands for any lines. The
command must succeed, unless what stands behind it begins with "gofer: " or says that a run has FAILED.

Needs root; without it, it says so and succeeds.
"""

import os
import re
import shlex
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position


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
    words = [r"\S+( [a-z]+ ago| now)?" if re.search(r"\d|^just$|^-$", word) else re.escape(word)
             for word in line.replace("just now", "just").split()]
    return r"^\s*%s\s*$" % r"\s+".join(words)


class Guides(e2e.NativeTest):
    """Each guide has a server of its own."""

    def follow(self, path):
        os.chdir(self.folder)
        for fence, lines in blocks(path):
            if fence[0] == "json" and len(fence) == 2:
                self.file(fence[1], "\n".join(lines))
            elif fence[0] == "console":
                for command, expected in commands(lines):
                    with self.subTest(command):
                        self.check(command, expected)

    def check(self, command, expected):
        words = shlex.split(command)
        self.assertEqual(words[0], "gofer")
        result = self.run_gofer(*words[1:], environment={"GOFER_FORCE_TTY": "100", "NO_COLOR": "1"},
                                cwd=self.folder)
        fails = any(line.startswith("gofer: ") or line.endswith(" FAILED") for line in expected
                    if not line.startswith(" "))
        self.assertEqual(result.returncode != 0, fails, result.stdout + result.stderr)
        printed = (result.stdout + result.stderr).splitlines()
        at = 0
        for line in expected:
            if line == "...":
                continue
            while at < len(printed) and not re.match(pattern(line), printed[at]):
                at += 1
            self.assertLess(at, len(printed), "%r is not in\n%s" % (line, "\n".join(printed)))
            at += 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.run("image", "import", e2e.make_image(cls.folder))

    def test_guides(self):
        for path in GUIDES:
            self.follow(path)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    GUIDES = [os.path.abspath(path) for path in sys.argv[3:]]
    sys.argv[2] = os.path.abspath(sys.argv[2])
    e2e.main()
