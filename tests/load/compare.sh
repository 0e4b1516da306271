#!/usr/bin/env bash
# Compares two builds of Tidegate on this machine: CPU of the server per request, in turns within one run, in an order
# drawn anew for each round. Needs wrk (Debian package `wrk`). Stops by itself.
#   tests/load/compare.sh BEFORE AFTER                 # two binaries, each embedded, in a data folder of its own
#   STACK=1 tests/load/compare.sh BEFORE AFTER         # front doors of both on the real stack (make stack-up)
#   SECONDS_EACH=3 ROUNDS=8 CONNECTIONS=64 LOADS="runs events ping"
# The last column is the ratio of the means and its standard error over the rounds; it ends with 1 if a ratio is above MOST (1.03).
set -euo pipefail
cd "$(dirname "$0")/../.."

(($# == 2)) || { echo "usage: compare.sh BEFORE AFTER (two tidegate binaries)" >&2; exit 2; }
binaries=("$(realpath "$1")" "$(realpath "$2")")
names=(before after)
seconds=${SECONDS_EACH:-3}
rounds=${ROUNDS:-8}
connections=${CONNECTIONS:-64}
read -ra loads <<<"${LOADS:-runs events ping}"
most=${MOST:-1.03}
# shellcheck source=tests/load/server.sh
source tests/load/server.sh
command -v wrk >/dev/null || { echo "wrk is not installed (Debian: apt-get install wrk)" >&2; exit 1; }
folder=$(mktemp -d)
trap finish EXIT

# Writes the settings of one side on the real stack and prepares its keyspace and topics.
prepare_stack() {
  local side=$1 name="compare_${1}_$$"
  stack_settings "$name" >"$folder/$side.toml"
  "${binaries[$side]}" migrate --config "$folder/$side.toml" >/dev/null
  "${binaries[$side]}" topics create --config "$folder/$side.toml" >/dev/null
}

# Starts one side and waits until it is ready. Sets: processes[side], keys[side], ports[side].
start_side() {
  local side=$1 port=$((18100 + 10 * $1)) where team
  if [[ -n ${STACK:-} ]]; then
    prepare_stack "$side"
    where=(--config "$folder/$side.toml")
  else
    where=(--data "$folder/$side")
  fi
  team=$("${binaries[$side]}" teams create load --plan enterprise "${where[@]}" --json | tr -d '\n' | member team)
  keys[side]=$("${binaries[$side]}" keys create --team "$team" "${where[@]}" --json | tr -d '\n' | member key)
  if [[ -n ${STACK:-} ]]; then
    "${binaries[$side]}" ingest "${where[@]}" --listen "127.0.0.1:$port" --ops-listen "127.0.0.1:$((port + 2))" \
      >"$folder/out-$side" 2>"$folder/log-$side" &
  else
    # A build of before AgentGate has no such port.
    local agentgate=()
    "${binaries[$side]}" dev --help | grep -q -e --agentgate-listen && agentgate=(--agentgate-listen 127.0.0.1:0)
    "${binaries[$side]}" dev "${where[@]}" "${agentgate[@]}" --listen "127.0.0.1:$port" --control-listen "127.0.0.1:$((port + 1))" \
      --ops-listen "127.0.0.1:$((port + 2))" >"$folder/out-$side" 2>"$folder/log-$side" &
  fi
  processes[side]=$!
  pids+=("$!")
  ports[side]=$port
  for _ in $(seq 600); do
    curl -fsS -o /dev/null "http://127.0.0.1:$((port + 2))/readyz" 2>/dev/null && return
    sleep 0.05
  done
  echo "the server '${names[$side]}' did not become ready:" >&2
  cat "$folder/log-$side" >&2
  exit 1
}

ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# Microseconds of the server's CPU per request over one wrk run against a side.
measure() {
  local side=$1 script=$2 before after
  before=$(ticks "${processes[$side]}")
  LOAD_KEY=${keys[$side]} wrk -t1 -c"$connections" -d"${seconds}s" -s "tests/load/wrk/$script.lua" \
    "http://127.0.0.1:${ports[$side]}" >"$folder/wrk"
  after=$(ticks "${processes[$side]}")
  grep -E 'Non-2xx|Socket errors' "$folder/wrk" >&2 || true
  awk -v cpu=$((after - before)) -v hertz="$(getconf CLK_TCK)" \
    '/ requests in / {printf "%.2f\n", cpu / hertz * 1e6 / $1}' "$folder/wrk"
}

processes=() keys=() ports=()
start_side 0
start_side 1
failed=0
printf '%-8s %14s %14s %18s\n' load 'before, µs' 'after, µs' 'after / before'
for script in "${loads[@]}"; do
  measure 0 "$script" >/dev/null
  measure 1 "$script" >/dev/null
  : >"$folder/rounds"
  for _ in $(seq "$rounds"); do
    if ((RANDOM % 2)); then
      a=$(measure 0 "$script") b=$(measure 1 "$script")
    else
      b=$(measure 1 "$script") a=$(measure 0 "$script")
    fi
    echo "$a $b" >>"$folder/rounds"
  done
  awk -v s="$script" -v most="$most" '
    {a += $1; b += $2; r = $2 / $1; sum += r; squares += r * r}
    END {
      mean = sum / NR; spread = NR > 1 ? sqrt((squares / NR - mean * mean) / (NR - 1)) : 0
      printf "%-8s %14.1f %14.1f %10.3f ± %.3f\n", s, a / NR, b / NR, b / a, spread
      exit b / a > most
    }' "$folder/rounds" || failed=1
done
echo "events: one request carries 50"
exit "$failed"
