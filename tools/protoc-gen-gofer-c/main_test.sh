#!/usr/bin/env bash
# What people see who run a plug-in by hand, and what it does with bytes that are no request.
set -euo pipefail
plugin=$1

fail() {
    echo "$1"
    exit 1
}

"$plugin" --version | grep -q "^$(basename "$plugin") " || fail "--version does not tell the version"
"$plugin" --help | grep -q '^usage: protoc ' || fail "--help does not tell the usage"

code=0
"$plugin" --what >/dev/null 2>"$TEST_TMPDIR/err" || code=$?
[ "$code" -eq 2 ] || fail "an unknown option ends with $code"
grep -q '^usage: protoc ' "$TEST_TMPDIR/err" || fail "an unknown option does not tell the usage"

code=0
printf 'no request' | "$plugin" >/dev/null 2>"$TEST_TMPDIR/err" || code=$?
[ "$code" -eq 1 ] || fail "bytes that are no request end with $code"
grep -q 'request of protoc: ' "$TEST_TMPDIR/err" || fail "bytes that are no request give no error"

printf '' | "$plugin" >"$TEST_TMPDIR/out" || fail "a request without files fails"
