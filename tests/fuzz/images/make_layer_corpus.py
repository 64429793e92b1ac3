#!/usr/bin/env python3
"""Writes the tar files that layer_fuzz begins with, into the files that are named as arguments.

They are made rather than kept, because they are binary: entries of every type, in the formats that
tools write, and links of the kinds that lead out.
"""
import gzip
import io
import sys
import tarfile


def make(form, entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                info.pax_headers = {"SCHILY.xattr.user.x": "y"} if form == tarfile.PAX_FORMAT else {}
                tar.addfile(info, io.BytesIO(content.encode()))
            else:
                info.linkname = content
                tar.addfile(info)
    # Without most of the padding, which a fuzzer would only lose its time with.
    return out.getvalue().rstrip(b"\0") + bytes(1024)


ALL = [
    ("./", tarfile.DIRTYPE, ""),
    ("d/", tarfile.DIRTYPE, ""),
    ("d/f", tarfile.REGTYPE, "content"),
    ("d/h", tarfile.LNKTYPE, "d/f"),
    ("d/s", tarfile.SYMTYPE, "../../canary"),
    ("d/.wh.gone", tarfile.REGTYPE, ""),
    ("d/.wh..wh..opq", tarfile.REGTYPE, ""),
    ("p", tarfile.FIFOTYPE, ""),
    ("c", tarfile.CHRTYPE, ""),
]
LINKS = [
    ("up", tarfile.SYMTYPE, ".."),
    ("up/canary", tarfile.REGTYPE, "x"),
    ("d/a", tarfile.SYMTYPE, "/tmp"),
    ("d/a", tarfile.REGTYPE, "y"),
]
LONG = [("n" * 120 + "/" + "m" * 120, tarfile.REGTYPE, "x"), ("caf\u0065\u0301", tarfile.REGTYPE, "")]

FILES = [
    make(tarfile.USTAR_FORMAT, ALL),
    make(tarfile.PAX_FORMAT, ALL + LONG),
    make(tarfile.GNU_FORMAT, LINKS + LONG),
    gzip.compress(make(tarfile.USTAR_FORMAT, LINKS), mtime=0),
]

for path, data in zip(sys.argv[1:], FILES, strict=True):
    with open(path, "wb") as file:
        file.write(data)
