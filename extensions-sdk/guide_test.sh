#!/usr/bin/env bash
# Every piece of C in the guide for authors is in one of the examples that it goes through, as it stands.
set -euo pipefail
python3 - docs/guides/writing-extensions.md extensions-sdk/examples/folder.c \
    extensions-sdk/examples/webhook.c <<'END'
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    pieces = re.findall(r"(?ms)^```c\n(.*?)^```$", file.read())
programs = []
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        programs.append(file.read())
missing = [piece for piece in pieces if not any(piece in program for program in programs)]
for piece in missing:
    print("this piece is in none of %s:\n%s" % (" ".join(sys.argv[2:]), piece))
print("%d pieces, %d missing" % (len(pieces), len(missing)))
sys.exit(1 if missing or len(pieces) < 4 else 0)
END
