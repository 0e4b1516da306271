#!/usr/bin/env bash
# Measures what a refused request costs beside an accepted one: CPU of the server per request, in turns within one run.
# Two servers of the same binary: one that accepts, and one that sheds everything, because it settles only every ten
# seconds what it has applied and its lines are at two records. Needs wrk (Debian package `wrk`).
#   SECONDS_EACH=4 ROUNDS=3 CONNECTIONS=64 tests/load/refusing.sh
#   BINARIES=target/debug tests/load/refusing.sh      # takes these instead of building
set -euo pipefail
cd "$(dirname "$0")/../.."

# The shedding server takes requests again ten seconds after it was given its two records.
seconds=${SECONDS_EACH:-4}
rounds=${ROUNDS:-3}
connections=${CONNECTIONS:-64}
((seconds <= 6)) || { echo "SECONDS_EACH is at most 6" >&2; exit 1; }
# shellcheck source=tests/load/server.sh
source tests/load/server.sh
if [[ -n ${BINARIES:-} ]]; then target=$BINARIES; else build; fi
start_server
accepting=$server
accepting_key=$LOAD_KEY

team=$("$target/tidegate" teams create load --plan enterprise --data "$folder/shedding" --json | tr -d '\n' | member team)
shedding_key=$("$target/tidegate" keys create --team "$team" --data "$folder/shedding" --json | tr -d '\n' | member key)
TIDEGATE_PERSISTER__SETTLE_MS=10000 TIDEGATE_ADMISSION__SHED_RECORDS_LEAVE=1 TIDEGATE_ADMISSION__SHED_RECORDS_ENTER=1 \
  TIDEGATE_ADMISSION__SHED_RECORDS_FULL=2 "$target/tidegate" dev --data "$folder/shedding" --listen 127.0.0.1:18083 \
  --control-listen 127.0.0.1:18084 --agentgate-listen 127.0.0.1:0 --ops-listen 127.0.0.1:18085 >"$folder/shedding-out" 2>"$folder/shedding-log" &
shedding=$!
pids+=("$shedding")

ping() {
  curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:18083/v1/ping?agent=bench&key=$shedding_key" || true
}

# Waits until it accepts, gives it two records, and waits until it refuses. One reading of the lag comes each second.
shed() {
  for _ in $(seq 600); do
    if [[ $(ping) == 200 ]]; then break; fi
    sleep 0.05
  done
  ping >/dev/null
  for _ in $(seq 100); do
    if [[ $(ping) == 503 ]]; then return; fi
    sleep 0.05
  done
  echo "the second server does not shed:" >&2
  cat "$folder/shedding-log" >&2
  exit 1
}

# CPU of a process in clock ticks: all of it, or its runtime's workers alone (the front door, decoding, folding).
ticks() {
  awk '{print $14 + $15}' "/proc/$1/stat"
}
worker_ticks() {
  cat /proc/"$1"/task/*/stat | awk '/tokio-rt-worker/ {sub(/.*\) /, ""); sum += $12 + $13} END {print sum + 0}'
}

# Microseconds of CPU per request of one wrk run, whole and workers, and how many requests were answered 2xx.
measure() {
  local process=$1 port=$2 script=$3 before worker_before after worker_after
  before=$(ticks "$process") worker_before=$(worker_ticks "$process")
  wrk -t1 -c"$connections" -d"${seconds}s" -s "tests/load/wrk/$script.lua" "http://127.0.0.1:$port" >"$folder/wrk"
  after=$(ticks "$process") worker_after=$(worker_ticks "$process")
  awk -v cpu=$((after - before)) -v workers=$((worker_after - worker_before)) -v hertz="$(getconf CLK_TCK)" '
    / requests in / {all = $1}
    /Non-2xx/ {refused = $NF}
    END {printf "%.1f %.1f %d %d\n", cpu / hertz * 1e6 / all, workers / hertz * 1e6 / all, all - refused, all}
  ' "$folder/wrk"
}

printf '%-8s %5s %16s %16s %7s %24s\n' load round 'accepted, µs' 'refused, µs' ratio 'ratio, workers alone'
for script in runs events ping; do
  for round in $(seq "$rounds"); do
    export LOAD_KEY=$accepting_key
    read -r ours our_workers taken all < <(measure "$accepting" 18080 "$script")
    ((taken == all)) || echo "the first server refused $((all - taken)) of $all" >&2
    export LOAD_KEY=$shedding_key
    shed
    read -r theirs their_workers taken all < <(measure "$shedding" 18083 "$script")
    ((taken == 0)) || echo "the second server took $taken of $all" >&2
    awk -v s="$script" -v r="$round" -v a="$ours" -v b="$theirs" -v c="$our_workers" -v d="$their_workers" \
      'BEGIN {printf "%-8s %5d %16.1f %16.1f %7.2f %24.2f\n", s, r, a, b, b / a, d / c}'
  done
done
echo "events: one request carries 50"
