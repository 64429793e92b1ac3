#!/usr/bin/env bash
# Runs the conformance suite with the arguments of the test: the suite itself comes first.
#
# Cases mostly wait, and none depends on another: a few run at the same time.
set -euo pipefail
suite=$1
shift

at_once=6
mapfile -t cases < <("$suite" --list | awk '{ print $1 }')
[ "${#cases[@]}" -gt 0 ]
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/conformance.XXXXXX")
trap 'rm -rf "$work"' EXIT

pids=()
for ((group = 0; group < at_once; group++)); do
    only=
    for ((i = group; i < ${#cases[@]}; i += at_once)); do
        only+=${only:+,}${cases[i]}
    done
    "$suite" --only "$only" "$@" >"$work/$group" 2>&1 &
    pids+=($!)
done

failed=0
for group in "${!pids[@]}"; do
    wait "${pids[group]}" || failed=1
    cat "$work/$group"
done
exit "$failed"
