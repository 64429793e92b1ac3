#!/usr/bin/env bash
# Runs a script of this folder with the Python that tools/deps has installed what it needs for.
#
# Usage: with_deps.sh SCRIPT ARGUMENT...
set -euo pipefail
# .deps is no input of Bazel's: it is reached through the tree that the script really stands in.
tree=$(dirname "$(readlink -f "$1")")/../..
python=$tree/.deps/python/bin/python
if [ ! -x "$python" ]; then
    echo "there is no $python: tools/deps installs it"
    exit 1
fi
exec "$python" -B "$@"
