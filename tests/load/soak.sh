#!/usr/bin/env bash
# Does memory stay flat? Runs a steady mixed load for ten minutes and samples the server's resident memory every ten
# seconds; then sends bodies at the cap from many connections at once and says what they cost at the peak.
#   MINUTES=10 CONNECTIONS=32 tests/load/soak.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

minutes=${MINUTES:-10}
connections=${CONNECTIONS:-32}
# shellcheck source=tests/load/server.sh
source tests/load/server.sh
build
start_server

echo "Memory at rest: $(memory_mib VmRSS) MiB"
seconds=$((minutes * 60))
for script in runs events ping; do
  wrk -t1 -c"$((connections / 2))" -d"${seconds}s" -s "tests/load/wrk/$script.lua" http://127.0.0.1:18080 >"$folder/$script.wrk" &
  pids+=($!)
done
printf '%8s %10s %12s %12s\n' second 'RSS MiB' 'lag records' 'folder MiB'
for second in $(seq 10 10 "$seconds"); do
  sleep 10
  lag=$(curl -fsS http://127.0.0.1:18082/metrics | awk '$1 == "tidegate_lag_records" {print $2}')
  printf '%8d %10s %12s %12s\n' "$second" "$(memory_mib VmRSS)" "$lag" "$(du -sm "$folder/data" | cut -f1)"
done
sleep 2
for script in runs events ping; do
  echo "$script: $(grep -E 'Requests/sec|Non-2xx' "$folder/$script.wrk" | tr -s ' \n' ' ')"
done

echo "Bodies at the cap: 64 connections, 1 MiB each (one event whose data fills it)"
before=$(memory_mib VmRSS)
python3 - "$folder/body.lua" <<'PY'
import sys
head = '{"events":[{"external_id":"evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6","type":"log","ts":"2026-05-15T14:32:01.123Z","data":{"message":"'
tail = '"}}]}'
size = 1024 * 1024 - len(head) - len(tail)
with open(sys.argv[1], "w") as out:
    out.write("wrk.method = 'POST'\nwrk.path = '/v1/runs/run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6/events'\n")
    out.write("wrk.headers['Authorization'] = 'Bearer ' .. os.getenv('LOAD_KEY')\n")
    out.write(f"wrk.body = '{head}' .. string.rep('x', {size}) .. '{tail}'\n")
PY
wrk -t2 -c64 -d10s -s "$folder/body.lua" http://127.0.0.1:18080 | grep -E "Requests/sec|Non-2xx" || true
echo "Memory before: $before MiB, after: $(memory_mib VmRSS) MiB, peak of the whole run: $(memory_mib VmHWM) MiB"
