#!/usr/bin/env bash
# Every piece of C in the guide for authors is in the example that it goes through, as it stands.
set -euo pipefail
python3 - docs/guides/writing-extensions.md extensions-sdk/examples/folder.c <<'END'
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    pieces = re.findall(r"(?ms)^```c\n(.*?)^```$", file.read())
with open(sys.argv[2], encoding="utf-8") as file:
    program = file.read()
missing = [piece for piece in pieces if piece not in program]
for piece in missing:
    print("this piece is not in %s:\n%s" % (sys.argv[2], piece))
print("%d pieces, %d missing" % (len(pieces), len(missing)))
sys.exit(1 if missing or len(pieces) < 4 else 0)
END
