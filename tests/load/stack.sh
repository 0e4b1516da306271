#!/usr/bin/env bash
# Measures the roles apart on the real stack (make stack-up): a front door on Kafka and Redis, then a persister that
# works off what was taken in. CPU is the process's own (user and system), so other work on the machine hardly shows.
#   SECONDS_EACH=10 CONNECTIONS=64 tests/load/stack.sh
#   BINARY=target/debug/tidegate tests/load/stack.sh     # a program that is built already
#   STALLED_SECONDS=60 tests/load/stack.sh               # fails once so long no record was applied
# Clients leave in the middle when their time is over, so how many records are to be applied is what the log holds, and not
# how many requests came.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${SECONDS_EACH:-10}
connections=${CONNECTIONS:-64}
stalled_seconds=${STALLED_SECONDS:-60}
# shellcheck source=tests/load/server.sh
source tests/load/server.sh
build
folder=$(mktemp -d)
trap finish EXIT

name=load_$$
stack_settings "$name" >"$folder/load.toml"

tidegate() { env -u TIDEGATE_TEST_KAFKA -u TIDEGATE_TEST_REDIS -u TIDEGATE_TEST_CQL "$target/tidegate" "$@" --config "$folder/load.toml"; }

# Starts a role and waits until it is ready. Sets: started (process id).
start_role() {
  local role=$1 ops=$2
  shift 2
  "$target/tidegate" "$role" --config "$folder/load.toml" --ops-listen "127.0.0.1:$ops" "$@" >"$folder/$role.out" 2>"$folder/$role.log" &
  started=$!
  pids+=("$started")
  for _ in $(seq 600); do
    curl -fsS -o /dev/null "http://127.0.0.1:$ops/readyz" 2>/dev/null && return
    sleep 0.05
  done
  echo "$role did not become ready:" >&2
  cat "$folder/$role.log" >&2
  exit 1
}

# CPU of a process so far, in milliseconds.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) * 1000 / hz}' "/proc/$1/stat"; }
# One figure of a metrics page, summed over its labels.
metric() { curl -fsS "http://127.0.0.1:$1/metrics" | awk -v n="$2" '$1 ~ "^"n"({|$)" {sum += $2} END {printf "%d", sum}'; }

tidegate migrate >/dev/null
tidegate topics create >/dev/null
team=$(tidegate teams create load --plan enterprise --json | tr -d '\n' | member team)
LOAD_KEY=$(tidegate keys create --team "$team" --json | tr -d '\n' | member key)
export LOAD_KEY

start_role ingest 18082 --listen 127.0.0.1:18080
ingest=$started
printf '%-8s %12s %10s %18s\n' load 'requests/s' p99 'CPU a request, µs'
for script in runs events ping; do
  before=$(cpu_ms "$ingest") received=$(metric 18082 tidegate_requests_received_total)
  wrk -t2 -c"$connections" -d"${seconds}s" --latency -s "tests/load/wrk/$script.lua" http://127.0.0.1:18080 >"$folder/wrk"
  grep -E 'Non-2xx|Socket errors' "$folder/wrk" >&2 || true
  after=$(cpu_ms "$ingest") done=$(metric 18082 tidegate_requests_received_total)
  awk -v s="$script" -v c="$(awk -v a="$after" -v b="$before" 'BEGIN {print a - b}')" -v n="$((done - received))" \
    '/99%/ {p99 = $2} /Requests\/sec/ {rate = $2} END {printf "%-8s %12.0f %10s %18.1f\n", s, rate, p99, n ? c * 1000 / n : 0}' "$folder/wrk"
done

# Records on the log that the persisters have not applied: of all partitions, which come behind.
waiting() { tidegate lag --json | tr -d '\n' | sed -E 's/"partitions".*//; s/.*"records": ?([0-9]+).*/\1/'; }
wanted=$(waiting)
echo "now a persister works off $wanted records"
begun=$(date +%s%N)
start_role persist 18083
persist=$started
before=$(cpu_ms "$persist")
printf '%12s %12s %12s\n' applied waiting records/s
left=$wanted
least=$wanted moved=$SECONDS
while ((left > 0)); do
  sleep 1
  kill -0 "$persist" 2>/dev/null || { echo "the persister ended:" >&2; cat "$folder/persist.log" >&2; exit 1; }
  left=$(waiting)
  if ((left < least)); then
    least=$left moved=$SECONDS
  elif ((SECONDS - moved >= stalled_seconds)); then
    echo "no record was applied for $stalled_seconds s, $left wait; the persister says:" >&2
    cat "$folder/persist.log" >&2
    exit 1
  fi
  awk -v done="$((wanted - left))" -v left="$left" -v ns="$(($(date +%s%N) - begun))" \
    'BEGIN {printf "%12d %12d %12.0f\n", done, left, done / (ns / 1e9)}'
done
awk -v c="$(awk -v a="$(cpu_ms "$persist")" -v b="$before" 'BEGIN {print a - b}')" -v n="$wanted" -v ns="$(($(date +%s%N) - begun))" \
  'BEGIN {if (n == 0) {print "nothing was on the log"; exit}
          printf "persister: %.0f records/s, %.1f µs of CPU a record (its events included)\n", n / (ns / 1e9), c * 1000 / n}'
