#!/usr/bin/env bash
# Runs the conformance suite with the arguments of the test: the suite itself comes first.
set -euo pipefail
exec "$@"
