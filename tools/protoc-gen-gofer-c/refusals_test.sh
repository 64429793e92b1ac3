#!/usr/bin/env bash
# Runs the generator on files that it must refuse. Each begins with the errors that it must give:
# lines of "// error: <file>:<line>:<column>: <text>", in this order, and no others.
set -euo pipefail
plugin=$1
shift
failed=0
for proto in "$@"; do
    folder=$(dirname "$proto")
    name=$(basename "$proto")
    expected=$(sed -n 's,^// error: ,,p' "$proto")
    if actual=$(protoc -I"$folder" -I/usr/include --plugin=protoc-gen-gofer-c="$plugin" \
        --gofer-c_out="$TEST_TMPDIR" "$name" 2>&1); then
        echo "$name: was not refused"
        failed=1
        continue
    fi
    actual=${actual#--gofer-c_out: }
    if [ "$actual" != "$expected" ]; then
        echo "$name: other errors than expected:"
        diff <(echo "$expected") <(echo "$actual") || true
        failed=1
    fi
done
exit "$failed"
