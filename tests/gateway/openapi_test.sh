#!/usr/bin/env bash
# The OpenAPI document of the program, checked by an independent validator and by rules of ours.
#
# Usage: openapi_test.sh OPENAPI.PY DOCUMENT
set -euo pipefail
# .deps is no input of Bazel's: it is reached through the tree that the script really stands in.
tree=$(dirname "$(readlink -f "$1")")/../..
python=$tree/.deps/python/bin/python
if [ ! -x "$python" ]; then
    echo "there is no $python: tools/deps installs it"
    exit 1
fi
"$python" -B "$1" "$2"
