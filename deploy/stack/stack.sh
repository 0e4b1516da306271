#!/usr/bin/env bash
# The real stack on one machine, without containers: Kafka, Cassandra (as the CQL store) and Redis on loopback.
# See README.md here; `stack.sh help` lists the commands.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=settings.sh
source "$here/settings.sh"
# shellcheck source-path=SCRIPTDIR source=process.sh
source "$here/process.sh"
# shellcheck source-path=SCRIPTDIR source=fetch.sh
source "$here/fetch.sh"
# shellcheck source-path=SCRIPTDIR source=browser.sh
source "$here/browser.sh"
# shellcheck source-path=SCRIPTDIR source=kafka.sh
source "$here/kafka.sh"
# shellcheck source-path=SCRIPTDIR source=cassandra.sh
source "$here/cassandra.sh"
# shellcheck source-path=SCRIPTDIR source=redis.sh
source "$here/redis.sh"
# shellcheck source-path=SCRIPTDIR source=status.sh
source "$here/status.sh"
# shellcheck source-path=SCRIPTDIR source=cluster.sh
source "$here/cluster.sh"

services=(redis kafka cassandra)

# One command at a time on one folder: two that start the same service would find each other's half-started one.
only_one() {
    exec 9>"$stack_dir/lock"
    flock -n 9 || { say "waiting for another command on $stack_dir"; flock 9; }
}

fetch() {
    need_java
    fetch_servers
    fetch_browser
}

fetch_servers() {
    fetch_redis
    fetch_jars kafka
    fetch_jars cassandra
}

# Starts what does not run and waits for every answer. Both slow ones start at once, then are waited for.
up() {
    need_java
    fetch_servers
    redis_launch
    kafka_launch kafka "$kafka_port" 1 1 TIDEGATE_STACK_KAFKA_PORT
    cassandra_launch
    await_answer redis redis_answers "$redis_port"
    await_answer kafka kafka_answers "$kafka_port" 1
    await_answer cassandra cassandra_answers "$cql_port"
    write_env
}

down() {
    local service
    for service in "${services[@]}"; do stop_instance "$service"; done
    cluster_down
    rm -f "$stack_dir/stack.env"
}

# Removes what the services have stored, and keeps what was fetched.
wipe() {
    down
    rm -rf "$stack_dir/run"
}

# Which of the three run, one a line.
running() {
    local service
    for service in "${services[@]}"; do ! running_pid "$service" >/dev/null || printf '%s\n' "$service"; done
}

stop() { # services...
    local service
    for service in "$@"; do
        [[ " ${services[*]} " == *" $service "* ]] || die "no such service: '$service' (there are: ${services[*]})"
        stop_instance "$service"
    done
}

write_env() {
    cat >"$stack_dir/stack.env" <<END
TIDEGATE_TEST_KAFKA=127.0.0.1:$kafka_port
TIDEGATE_TEST_CQL=127.0.0.1:$cql_port
TIDEGATE_TEST_REDIS=127.0.0.1:$redis_port
TIDEGATE_TEST_REDIS_SERVER=$stack_dir/bin/redis-server
TIDEGATE_TEST_CHROMIUM=$stack_dir/bin/chromium
TIDEGATE_TEST_CHROMEDRIVER=$stack_dir/bin/chromedriver
TIDEGATE_TEST_AXE=$stack_dir/axe/axe.min.js
END
}

help() {
    cat <<'END'
stack.sh COMMAND
  fetch             fetch what the services are made of and the browser of the dashboard's tests, start nothing
  browser           fetch that browser alone
  up                start what does not run, wait until all answer
  status            what runs where, and whether it answers
  running           the names of those that run
  stop SERVICE...   stop redis, kafka or cassandra alone
  down              stop everything this folder's stack runs; the data stays
  wipe              down, and remove the data
  cluster-up [N]    besides, a Kafka cluster of N brokers (3)
  cluster-status    its brokers
  cluster-stop I    stop broker I;  cluster-start I  start it again
  cluster-down      stop the cluster and remove its data
Folder, ports and memory: see settings.sh. Addresses of a running stack: FOLDER/stack.env
END
}

command=${1:-help}
case $command in
    help | -h | --help) help ;;
    status) status ;;
    running) running ;;
    cluster-status) cluster_status ;;
    stop) only_one; stop "${@:2}" ;;
    fetch | up | down | wipe) only_one; "$command" ;;
    browser) only_one; fetch_browser; say "browser: $(major_of "$stack_dir/bin/chromium"), with its driver and axe-core $axe_version" ;;
    cluster-up | cluster-start | cluster-stop | cluster-down) only_one; "${command/-/_}" "${@:2}" ;;
    *) help >&2; die "no such command: $command" ;;
esac
