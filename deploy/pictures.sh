#!/usr/bin/env bash
# Makes docs/pictures/*.png from a running dashboard with the week of `tidegate demo`: light and dark. Needs Chromium
# (CHROME names another one). BINARY names another build than target/debug/tidegate.
set -euo pipefail
cd "$(dirname "$0")/.."

BINARY=${BINARY:-target/debug/tidegate}
CHROME=${CHROME:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$CHROME" ]; then
  echo "error: there is no Chromium: install the package chromium, or set CHROME to its path" >&2
  exit 1
fi
if [ ! -x "$BINARY" ]; then
  echo "error: there is no $BINARY: build it with 'cargo build -p tidegate', or set BINARY" >&2
  exit 1
fi

WORK=$(mktemp -d)
SERVER=
finish() {
  if [ -n "$SERVER" ]; then kill "$SERVER" 2>/dev/null || true; wait "$SERVER" 2>/dev/null || true; fi
  rm -rf "$WORK"
}
trap finish EXIT

# Ports that the system gives: a start with 0 as their number prints them.
"$BINARY" dev --data "$WORK/data" --listen 127.0.0.1:0 --control-listen 127.0.0.1:0 --agentgate-listen 127.0.0.1:0 \
  --ops-listen 127.0.0.1:0 >"$WORK/out" 2>"$WORK/err" &
SERVER=$!
for _ in $(seq 300); do
  grep -q 'Ctrl-C' "$WORK/out" && break
  kill -0 "$SERVER" 2>/dev/null || { cat "$WORK/err" >&2; echo "error: the service ended" >&2; exit 1; }
  sleep 0.2
done
address() { sed -nE "s/^ *$1 +(http:[^ ]+).*/\1/p" "$WORK/out" | head -n 1; }
INGEST=$(address ingest) CONTROL=$(address control) OPS=$(address operations) GATE=$(address agentgate)
LINK=$(grep -oE "$CONTROL/login[^ ]*" "$WORK/out" | head -n 1)

"$BINARY" demo --data "$WORK/data" --url "$INGEST" --control-url "$CONTROL" --agentgate-url "$GATE" | tee "$WORK/demo"
KEY=$(sed -nE 's/.*shown this once: (apk_[a-z0-9_]+).*/\1/p' "$WORK/demo")
RUN=$(curl -fsS -H "Authorization: Bearer $KEY" "$CONTROL/v1/runs?agent=code-review&status=success&limit=1" |
  grep -oE '"id": ?"run_[a-z]+_[0-9a-f]+"' | head -n 1 | grep -oE 'run_[a-z]+_[0-9a-f]+')

# Checks are judged half a minute after a run, missed slots a minute and a half after they were due.
echo "waiting until what was sent is judged (four minutes at most)"
for _ in $(seq 240); do
  curl -fsS -H "Authorization: Bearer $KEY" "$CONTROL/v1/incidents?limit=200" | grep -q schedule_missed && break
  sleep 1
done

PROFILE=$WORK/profile
shot() { # scheme, address, file
  local scheme=1
  [ "$1" = dark ] && scheme=0
  "$CHROME" --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$PROFILE" --window-size=1280,800 \
    --blink-settings=preferredColorScheme=$scheme --virtual-time-budget=3000 --screenshot="$3" "$2" >/dev/null 2>>"$WORK/chrome"
}

mkdir -p docs/pictures
# The link signs the profile in, once.
shot light "$LINK" "$WORK/sign-in.png"
for scheme in light dark; do
  shot $scheme "$CONTROL/teams/demo" "docs/pictures/overview-$scheme.png"
  shot $scheme "$CONTROL/teams/demo/agents" "docs/pictures/agents-$scheme.png"
  shot $scheme "$CONTROL/teams/demo/runs/$RUN" "docs/pictures/run-$scheme.png"
  shot $scheme "$OPS/pipeline" "docs/pictures/pipeline-$scheme.png"
done
for picture in docs/pictures/*.png; do
  bytes=$(stat -c %s "$picture")
  echo "$picture: $bytes bytes"
  if [ "$bytes" -gt 200000 ]; then echo "error: $picture has more than 200,000 bytes" >&2; exit 1; fi
done
