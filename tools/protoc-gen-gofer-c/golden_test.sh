#!/usr/bin/env bash
# Compares generated files with those in testdata, which show a reviewer what a change of the generator
# changes. To accept such a change, copy the generated files over NAME.golden.
#
# Usage: golden_test.sh FILE..., both the generated ones and the golden ones
set -euo pipefail
failed=0
compared=0
for golden in "$@"; do
    [[ $golden == *.golden ]] || continue
    name=$(basename "$golden" .golden)
    for generated in "$@"; do
        [ "$(basename "$generated")" = "$name" ] || continue
        diff -u "$golden" "$generated" || failed=1
        compared=$((compared + 1))
    done
done
[ "$compared" -gt 0 ] || failed=1
exit "$failed"
