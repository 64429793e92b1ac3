#!/usr/bin/env python3
"""Copies a source with one text replaced.

Usage: plant.py SOURCE OUT FIND REPLACE

FIND must be there exactly once, as it stands, blanks and line ends of the same length or not: any
run of white space in FIND matches any other, so that formatting the source does not break a plant.
"""

import re
import sys


def main():
    source, out, find, replace = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        text = file.read()
    pattern = r"\s+".join(re.escape(word) for word in find.split())
    found = re.findall(pattern, text)
    if len(found) != 1:
        sys.exit("plant.py: %s has this %d times, expected once:\n%s" % (source, len(found), find))
    with open(out, "w", encoding="utf-8") as file:
        file.write(re.sub(pattern, lambda _: replace, text))


if __name__ == "__main__":
    main()
