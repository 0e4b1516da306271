#!/usr/bin/env bash
# run.sh SECONDS [TARGET...]: fuzzes each target (all, unless some are named) for so long, and begins with the corpus that is
# checked in. What is found beside it stays in target/fuzz/corpus; an input that breaks something in target/fuzz/artifacts.
#
# The stable toolchain will do: coverage comes from compiler passes that it has, and the code under test has no unsafe code
# of ours for an address sanitizer to watch.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
deploy/check/cargo-tool.sh cargo-fuzz
export PATH=$PWD/target/tools/bin:$PATH CARGO_INCREMENTAL=0
build=$PWD/target/fuzz
fuzz() { local command=$1; shift; cargo fuzz "$command" --fuzz-dir fuzz --target-dir "$build" --sanitizer none "$@"; }

mapfile -t targets < <([ $# -gt 0 ] && printf '%s\n' "$@" || cargo fuzz list --fuzz-dir fuzz)
fuzz build
for target in "${targets[@]}"; do
    found=$build/corpus/$target artifacts=$build/artifacts/$target
    mkdir -p "$found" "$artifacts"
    printf '== %s\n' "$target"
    log=$build/$target.log
    # Two runs of one seed differ by timing only; a larger input says nothing that a smaller one does not.
    if ! fuzz run "$target" "$found" "fuzz/corpus/$target" -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -max_len=16384 -artifact_prefix="$artifacts/" -print_final_stats=1 >"$log" 2>&1; then
        grep -vE '^#[0-9]' "$log" | tail -n 60 >&2
        echo "error: $target breaks: cargo fuzz run --fuzz-dir fuzz --sanitizer none $target <the input named above>" >&2
        exit 1
    fi
    grep -E 'number_of_executed_units|average_exec_per_sec|^#[0-9]+\s+DONE' "$log"
done
