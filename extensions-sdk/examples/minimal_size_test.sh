#!/usr/bin/env bash
# A whole extension fits on a page: its source has fewer than 40 lines.
set -euo pipefail
lines=$(wc -l <extensions-sdk/examples/minimal.c)
echo "extensions-sdk/examples/minimal.c: $lines lines"
[ "$lines" -lt 40 ]
