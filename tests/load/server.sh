# Sourced by the load scripts: builds (or takes the program that BINARY names), starts a server in a folder of its own, and
# cleans up.
# Sets: target (folder of the binaries), folder, server (process id), LOAD_KEY.

export WRK_LUA=$PWD/tests/load/wrk
pids=()

finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$folder" ${binary_folder:+"$binary_folder"}
}

build() {
  command -v wrk >/dev/null || { echo "wrk is not installed (Debian: apt-get install wrk)" >&2; exit 1; }
  if [ -n "${BINARY:-}" ]; then
    binary_folder=$(mktemp -d)
    ln -s "$(realpath "$BINARY")" "$binary_folder/tidegate"
    target=$binary_folder
    return
  fi
  echo "Building (release)"
  cargo build --release --locked -p tidegate 2>&1 | tail -1
  target=${CARGO_TARGET_DIR:-target}/release
}

# One member of the JSON object that a management command printed.
member() {
  sed -E "s/.*\"$1\": ?\"([^\"]+)\".*/\1/"
}

# Prints the settings of a deployment of this name on the real stack (topics and keyspace).
stack_settings() {
  local name=$1
  cat <<TOML
region = "eu"
[kafka]
brokers = ["${TIDEGATE_TEST_KAFKA:-127.0.0.1:19092}"]
topic_prefix = "$name"
replication = 1
min_insync_replicas = 1
[redis]
urls = ["redis://${TIDEGATE_TEST_REDIS:-127.0.0.1:16379}"]
[scylla]
nodes = ["${TIDEGATE_TEST_CQL:-127.0.0.1:19042}"]
keyspace = "$name"
replication = "1"
TOML
}

start_server() {
  folder=$(mktemp -d)
  trap finish EXIT
  local team
  team=$("$target/tidegate" teams create load --plan enterprise --data "$folder/data" --json | tr -d '\n' | member team)
  LOAD_KEY=$("$target/tidegate" keys create --team "$team" --data "$folder/data" --json | tr -d '\n' | member key)
  export LOAD_KEY
  "$target/tidegate" dev --data "$folder/data" --listen 127.0.0.1:18080 --control-listen 127.0.0.1:18081 \
    --agentgate-listen 127.0.0.1:0 --ops-listen 127.0.0.1:18082 >"$folder/out" 2>"$folder/log" &
  server=$!
  pids+=("$server")
  for _ in $(seq 200); do
    curl -fsS -o /dev/null http://127.0.0.1:18082/readyz 2>/dev/null && return
    sleep 0.05
  done
  echo "the server did not become ready:" >&2
  cat "$folder/log" >&2
  exit 1
}

# A figure of the server's memory in MiB: VmRSS (now) or VmHWM (peak).
memory_mib() {
  awk -v name="$1:" '$1 == name {printf "%.0f", $2 / 1024}' "/proc/$server/status"
}
