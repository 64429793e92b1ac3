"""Looks for planted values, in every form that they may have, in files, in /proc and in memory."""

import base64
import json
import os
import re
import urllib.parse

MAPPING_BYTES_MAX = 1 << 30  # the shadow of a sanitizer is larger, and nothing else
CHUNK_BYTES = 16 << 20
PART_BYTES = 14


def base64_core(value, offset, encode):
    """What the value alone determines of base64 in which `offset` bytes stand before it."""
    text = encode(b"\0" * offset + value + b"\0" * 3)
    start = (offset * 8 + 5) // 6
    return text[start:(offset + len(value)) * 8 // 6]


def forms(value):
    """{bytes: name of the encoding} of a value."""
    text = value.decode("utf-8")
    found = {value: "plain"}
    for offset in range(3):
        found.setdefault(base64_core(value, offset, base64.b64encode), "base64")
        found.setdefault(base64_core(value, offset, base64.urlsafe_b64encode), "base64url")
    found.setdefault(value.hex().encode(), "hex")
    found.setdefault(value.hex().upper().encode(), "HEX")
    for quote in (urllib.parse.quote, urllib.parse.quote_plus):
        for safe in ("", "/", "!'()*"):
            found.setdefault(quote(text, safe=safe).encode(), "url")
    for ascii_only in (True, False):
        found.setdefault(json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode(), "json")
    return found


def children(pid):
    """{pid: name} of the processes that it has started."""
    found = {}
    for entry in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as file:
                name, rest = re.match(r"\d+ \((.*)\) (.*)", file.read(), re.S).groups()
        except (OSError, AttributeError):
            continue
        if int(rest.split()[1]) == pid:
            found[int(entry)] = name
    return found


class Search:
    """What to look for: {name: value}. What was found is in `places`, as "WHERE: NAME as FORM". With
    `parts`, pieces of PART_BYTES of a value count as well: of memory that was freed the first bytes are
    written over at once."""

    def __init__(self, values, parts=False):
        self.needles = [(needle, name, form) for name, value in values.items()
                        for needle, form in forms(value).items()]
        for name, value in values.items() if parts else ():
            middle = (len(value) - PART_BYTES) // 2
            self.needles.append((value[middle:middle + PART_BYTES], name, "its middle"))
            self.needles.append((value[-PART_BYTES:], name, "its end"))
        self.places = []

    def bytes(self, where, content):
        for needle, name, form in self.needles:
            if needle in content:
                self.places.append("%s: %s as %s" % (where, name, form))

    def file(self, path):
        overlap = max(len(needle) for needle, _, _ in self.needles) - 1
        try:
            with open(path, "rb") as file:
                tail = b""
                while chunk := file.read(CHUNK_BYTES):
                    self.bytes(path, tail + chunk)
                    tail = chunk[-overlap:]
        except (FileNotFoundError, OSError):
            pass  # a socket, or gone meanwhile

    def tree(self, folder):
        """All files below it, and their names. How many there were."""
        count = 0
        for parent, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(parent, name)
                self.bytes("name of " + path, os.fsencode(name))
                if os.path.isfile(path) and not os.path.islink(path):
                    self.file(path)
                    count += 1
        return count

    def process(self, pid, what):
        """Its arguments, its environment and the names of what it has open."""
        for name in ("cmdline", "environ", "comm", "maps"):
            self.file("/proc/%d/%s" % (pid, name))
        for entry in os.listdir("/proc/%d/fd" % pid):
            try:
                link = os.readlink("/proc/%d/fd/%s" % (pid, entry))
            except FileNotFoundError:
                continue
            self.bytes("descriptor %s of %s" % (entry, what), os.fsencode(link))

    def memory(self, pid, what, besides=()):
        """All memory that is readable, but mappings whose name has one of `besides` in it. How many
        bytes there were."""
        overlap = max(len(needle) for needle, _, _ in self.needles) - 1
        total = 0
        with open("/proc/%d/maps" % pid, encoding="utf-8") as file:
            lines = file.read().splitlines()
        with open("/proc/%d/mem" % pid, "rb", 0) as memory:
            for line in lines:
                start, end, rights, name = re.match(
                    r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)", line).groups()
                at, end = int(start, 16), int(end, 16)
                if rights[0] != "r" or end - at > MAPPING_BYTES_MAX or \
                        name in ("[vvar]", "[vsyscall]") or any(text in name for text in besides):
                    continue
                tail = b""
                while at < end:
                    try:
                        memory.seek(at)
                        chunk = memory.read(min(CHUNK_BYTES, end - at))
                    except OSError:
                        break  # nothing behind it, as with guard pages
                    if not chunk:
                        break
                    if chunk.count(0) != len(chunk):
                        self.bytes("memory of %s, %s %s" % (what, rights, name or "anonymous"),
                                   tail + chunk)
                    tail = chunk[-overlap:]
                    at += len(chunk)
                    total += len(chunk)
        return total
