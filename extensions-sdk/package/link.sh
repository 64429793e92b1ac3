#!/usr/bin/env bash
# Makes one library of many whose only symbols are the functions of the public header.
#
# Usage: link.sh OUT.a HEADER.h LIBRARY.a...
#
# An author's program may have functions of the same names as gofer's own, or be linked with
# another version of them. Therefore all is linked into one relocatable object first: then what no
# function of the header needs is left out, and all other names become local. Hidden symbols would
# not do: they are hidden from other libraries only, not from the program that an archive is
# linked into. Names of the header that the library lacks are an error here.
set -euo pipefail
out=$1
header=$2
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grep -oE '\bgofer_[a-z0-9_]+\(' "$header" | tr -d '(' | sort -u >"$work/functions"

mapfile -t roots < <(sed 's/^/--undefined=/' "$work/functions")
ld -r --gc-sections "${roots[@]}" -o "$work/gofer-extension.o" --start-group "$@" --end-group
objcopy --strip-debug --keep-global-symbols="$work/functions" "$work/gofer-extension.o"

nm --defined-only --extern-only "$work/gofer-extension.o" | awk '{print $3}' | sort >"$work/defined"
if ! diff "$work/functions" "$work/defined" >&2; then
    echo "link.sh: the functions of $header (<) are not those of the library (>)" >&2
    exit 1
fi
rm -f "$out"
ar rcsD "$out" "$work/gofer-extension.o"
