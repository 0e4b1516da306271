#!/usr/bin/env bash
# Measures AgentGate: commands decided a second and their CPU (of the front door, the decider and each server of the stack),
# the time from a request to its answer at full and at half load, for submissions alone and for both kinds of commands, the
# memory of the books of many organizations, and a long list. Needs wrk (Debian package `wrk`). Stops by itself.
#   tests/load/commands.sh                       # embedded: one process on a data folder
#   STACK=1 tests/load/commands.sh               # a front door and a decider on the real stack (make stack-up)
#   SECONDS_EACH=10 CONNECTIONS=64 ORGANIZATIONS=1000 RUNS=10000
#   BINARY=target/debug/tidegate tests/load/commands.sh     # a program that is built already
# A command is a submission or the cancel of its run, of all organizations in turn. Half load is what pauses between the
# requests of each connection make of it. QUIET=FILE waits for that file before it measures: setting up takes a while.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${SECONDS_EACH:-10}
connections=${CONNECTIONS:-64}
organizations=${ORGANIZATIONS:-1000}
runs=${RUNS:-10000}
# shellcheck source=tests/load/server.sh
source tests/load/server.sh
build
folder=$(mktemp -d)
trap finish EXIT

port=18182 ops=18183 decider_ops=18184
name=commands_$$
if [[ -n ${STACK:-} ]]; then
  stack_settings "$name" >"$folder/load.toml"
  printf '[agentgate]\nsecret = "%s"\n' "$(printf '5e%.0s' $(seq 32))" >>"$folder/load.toml"
  where=(--config "$folder/load.toml")
else
  where=(--data "$folder/data")
fi

# Not for the program, which would take them for configuration.
unset TIDEGATE_TEST_KAFKA TIDEGATE_TEST_REDIS TIDEGATE_TEST_CQL
tidegate() { "$target/tidegate" "$@" "${where[@]}"; }

# Starts a process, named by the first word, and waits until it is ready. Sets: started (process id).
start() {
  local process=$1 at=$2
  shift 2
  "$target/tidegate" "$@" "${where[@]}" --ops-listen "127.0.0.1:$at" >"$folder/$process.out" 2>"$folder/$process.log" &
  started=$!
  pids+=("$started")
  for _ in $(seq 600); do
    curl -fsS -o /dev/null "http://127.0.0.1:$at/readyz" 2>/dev/null && return
    sleep 0.05
  done
  echo "$process did not become ready:" >&2
  cat "$folder/$process.log" >&2
  exit 1
}

# A new organization with room for everything: appends its key to a file.
organization() {
  local org
  org=$(tidegate agentgate orgs create load --included-cents 1000000000000 --concurrency 100 --requests-per-minute 100000 \
    --submissions-per-minute 100000 --json | tr -d '\n' | member organization)
  tidegate agentgate keys create --org "$org" --scopes '*' --json | tr -d '\n' | member key >>"$1"
  echo >>"$1"
}

if [[ -n ${STACK:-} ]]; then
  tidegate migrate >/dev/null
  tidegate topics create >/dev/null
  start decider "$decider_ops" decide --api agentgate
  decider=$started
fi
echo "Making $organizations organizations"
for _ in $(seq "$organizations"); do organization "$folder/keys"; done
# What one organization may ask a minute (100,000) is less than a minute of its full load: a fresh one for each of its loads.
organization "$folder/one-key"
organization "$folder/list-key"
if [[ -n ${STACK:-} ]]; then
  # Anew, so that no book is in its memory.
  kill "$decider" && wait "$decider" || true
  start decider "$decider_ops" decide --api agentgate
  decider=$started
  start front-door "$ops" agentgate serve --listen "127.0.0.1:$port"
  front_door=$started
  processes=("front door:$front_door" "decider:$decider")
  # Of the stack's own processes, as far as they run here.
  while read -r service _ _ pid _; do
    [[ -d /proc/$pid ]] && processes+=("$service:$pid")
  done < <(deploy/stack/stack.sh status | awk 'NR > 1 && $4 ~ /^[0-9]+$/')
else
  start server "$ops" dev --listen 127.0.0.1:0 --control-listen 127.0.0.1:0 --agentgate-listen "127.0.0.1:$port"
  decider=$started
  processes=("server:$decider")
fi
if [[ -n ${QUIET:-} ]]; then
  echo "Waiting for $QUIET"
  until [[ -e $QUIET ]]; do sleep 1; done
fi

cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz}' "/proc/$1/stat"; }
rss_mib() { awk '$1 == "VmRSS:" {printf "%.1f", $2 / 1024}' "/proc/$1/status"; }

# A load at half of the commands of a full load of this rate: connections pause before their requests. How long answers take
# then is found by a short run with half of the pause that would do if they took no time.
half_load() {
  local label=$1 full=$2 length=$3 delay
  delay=$(awk -v c="$connections" -v r="$full" 'BEGIN {printf "%d", 1000 * c / r + 1}')
  DELAY_MS=$delay load "$label, tried out" "$folder/keys" 5 "$connections"
  delay=$(awk -v c="$connections" -v r="$full" -v d="$delay" -v tried="$rate" \
    'BEGIN {delay = 2000 * c / r - (1000 * c / tried - d); printf "%d", delay < 1 ? 1 : delay + 0.5}')
  DELAY_MS=$delay load "$label" "$folder/keys" "$length" "$connections"
  printf 'that is %.0f %% of the commands of full load\n' "$(awk -v a="$rate" -v b="$full" 'BEGIN {print 100 * a / b}')"
}

# One wrk run over a file of keys. Sets: rate, answered, p50, p99; prints the CPU of a command in each process.
load() {
  local label=$1 keys=$2 length=$3 clients=$4 before=() after=() at
  for at in "${processes[@]}"; do before+=("$(cpu_ms "${at#*:}")"); done
  LOAD_KEYS=$keys wrk -t1 -c"$clients" -d"${length}s" --timeout 15s --latency -s tests/load/wrk/commands.lua \
    "http://127.0.0.1:$port" >"$folder/wrk"
  for at in "${processes[@]}"; do after+=("$(cpu_ms "${at#*:}")"); done
  grep -E 'Non-2xx|Socket errors' "$folder/wrk" >&2 || true
  read -r rate answered p50 p99 < <(awk '
    $1 == "50%" {p50 = $2} $1 == "99%" {p99 = $2} / requests in / {answered = $1}
    /Requests\/sec/ {rate = $2} END {print rate, answered, p50, p99}' "$folder/wrk")
  printf '%-44s %10.0f %9s %9s ' "$label" "$rate" "$p50" "$p99"
  for at in "${!processes[@]}"; do
    awk -v name="${processes[at]%:*}" -v a="${after[at]}" -v b="${before[at]}" -v n="$answered" \
      'BEGIN {printf " %s %.0f µs", name, (a - b) * 1000 / n}'
  done
  echo
}

printf '%-44s %10s %9s %9s  %s\n' load commands/s p50 p99 'CPU a command'
# What does not depend on the number of books is there afterwards: threads, buffers, pages of the store.
load "warming up, one organization" "$folder/one-key" 5 "$connections"
of_one=$rate
before=$(rss_mib "$decider")
COMMANDS=create load "submissions, $connections connections" "$folder/keys" 5 "$connections"
opened=$answered submissions=$rate
after=$(rss_mib "$decider")
load "both, $connections connections" "$folder/keys" "$seconds" "$connections"
both=$rate
load "one command at a time" "$folder/keys" 5 1
COMMANDS=create half_load "submissions, at about half load" "$submissions" "$((seconds < 10 ? seconds : 10))"
half_load "both, at about half load" "$both" "$seconds"
echo "memory of the process that decides: $before MiB before, $after MiB with $opened open runs of $organizations organizations," \
  "$(awk -v a="$after" -v b="$before" -v n="$organizations" 'BEGIN {printf "%.1f", (a - b) * 1024 / n}') KiB an organization"

echo "One organization with $runs runs"
# One load makes nearly all of them: each leaves a run open for every connection, of the hundred that may be.
made=0
while ((made < runs)); do
  load "both, of one organization" "$folder/list-key" \
    "$(awk -v n="$((runs - made))" -v r="$of_one" 'BEGIN {printf "%d", 2.2 * n / r + 2}')" "$connections"
  made=$(curl -fsS -H "Authorization: Bearer $(cat "$folder/list-key")" "http://127.0.0.1:$port/v1/runs?limit=1" |
    sed -E 's/.*"total":([0-9]+).*/\1/')
done
for offset in $(seq 0 100 $((runs - 100))); do
  curl -fsS -o /dev/null -w '%{time_total}\n' -H "Authorization: Bearer $(cat "$folder/list-key")" \
    "http://127.0.0.1:$port/v1/runs?limit=100&offset=$offset"
done | sort -n | awk -v made="$made" '
  {all[NR] = $1 * 1000; sum += $1}
  END {printf "a list of %d runs, %d pages of 100: %.0f ms the fastest, %.0f ms at the middle, %.0f ms the slowest; %.1f s in all\n",
       made, NR, all[1], all[int((NR + 1) / 2)], all[NR], sum}'
