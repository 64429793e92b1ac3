#!/usr/bin/env bash
# Each case passes with an extension that keeps to the protocol, and fails with one that breaks the
# rule that the case is about.
#
# Usage: suite_test.sh SUITE MISBEHAVE
set -uo pipefail

suite=$1
program=$2
options=(-s number=12 --bad number=many --expect-run-within 2s --quiet-time 500ms)
results=$TEST_TMPDIR/results
mkdir -p "$results"

# try NAME RULE: one case, alone; RULE "" breaks none.
try() {
    "$suite" "${options[@]}" --only "$1" -- "$program" --break "$2" >"$results/$1.$2" 2>&1
    echo $? >"$results/$1.$2.code"
}

mapfile -t cases < <("$suite" --list | cut -d' ' -f1)
for name in "${cases[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge 12 ]; do
        wait -n
    done
    try "$name" "" &
    try "$name" "$name" &
done
wait

failed=0
for name in "${cases[@]}"; do
    if [ "$(cat "$results/$name..code")" != 0 ]; then
        failed=$((failed + 1))
        echo "$name fails although nothing is broken:"
        cat "$results/$name."
    fi
    if [ "$(cat "$results/$name.$name.code")" != 1 ] ||
        ! grep -q "^$name *FAILED: " "$results/$name.$name"; then
        failed=$((failed + 1))
        echo "$name does not catch who breaks its rule:"
        cat "$results/$name.$name"
    fi
done
echo "${#cases[@]} cases, $failed faults"
[ "${#cases[@]}" -gt 20 ] && [ "$failed" -eq 0 ]
