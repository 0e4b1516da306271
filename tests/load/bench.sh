#!/usr/bin/env bash
# Measures Tidegate beside a bare axum handler, in turns, on this machine. Needs wrk (Debian package `wrk`).
# Everything runs on loopback in a folder of its own, for a bounded time, and stops by itself.
#   SECONDS_EACH=10 ROUNDS=3 CONNECTIONS=64 tests/load/bench.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${SECONDS_EACH:-10}
rounds=${ROUNDS:-3}
connections=${CONNECTIONS:-64}
# shellcheck source=tests/load/server.sh
source tests/load/server.sh
build
cargo build --release --locked -p tidegate-ingest --example bare-axum 2>&1 | tail -1
start_server
"$target/examples/bare-axum" 127.0.0.1:18090 >/dev/null &
pids+=($!)

# Requests per second of one wrk run; anything but 2xx is said aloud.
measure() {
  local port=$1 script=$2
  wrk -t2 -c"$connections" -d"${seconds}s" --latency -s "tests/load/wrk/$script.lua" "http://127.0.0.1:$port" >"$folder/wrk"
  grep -E "Non-2xx|Socket errors" "$folder/wrk" >&2 || true
  awk '/99%/ {p99=$2} /Requests\/sec/ {rate=$2} END {print rate, p99}' "$folder/wrk"
}

printf '%-8s %6s %14s %14s %8s   %s\n' load round 'bare req/s' 'tidegate req/s' ratio 'p99 bare / tidegate'
for script in runs events ping; do
  for round in $(seq "$rounds"); do
    read -r bare bare_p99 < <(measure 18090 "$script")
    read -r ours ours_p99 < <(measure 18080 "$script")
    awk -v s="$script" -v r="$round" -v b="$bare" -v o="$ours" -v bp="$bare_p99" -v op="$ours_p99" \
      'BEGIN {printf "%-8s %6d %14.0f %14.0f %8.2f   %s / %s\n", s, r, b, o, o / b, bp, op}'
  done
done
echo "events: one request carries 50"
echo "memory of the server: $(memory_mib VmRSS) MiB, at its peak $(memory_mib VmHWM) MiB"
curl -fsS http://127.0.0.1:18082/metrics | grep -E '^tidegate_(requests_total|records_total|lag)' | grep -v ' 0$' || true
