# A Kafka cluster of several brokers beside the stack's lone one, for tests that need a leader to change.
# Sourced by stack.sh.
# shellcheck shell=bash

cluster_instance() { printf 'cluster/kafka-%s' "$1"; }
cluster_size() { cat "$(home_of cluster)/size" 2>/dev/null || printf 0; }
cluster_broker_port() { printf '%s' "$((cluster_port + 2 * ($1 - 1)))"; }

cluster_launch() { kafka_launch "$(cluster_instance "$1")" "$cluster_port" "$1" "$(cluster_size)" TIDEGATE_STACK_CLUSTER_PORT; }

cluster_up() { # brokers, default 3
    local n=${1:-3} i brokers=""
    [[ $n =~ ^[1-9]$ ]] || die "a cluster has 1 to 9 brokers, not '$n'"
    need_java
    fetch_jars kafka
    if (($(cluster_size) != 0 && $(cluster_size) != n)); then
        die "a cluster of $(cluster_size) brokers is there: stack.sh cluster-down first"
    fi
    mkdir -p "$(home_of cluster)"
    printf '%s' "$n" >"$(home_of cluster)/size"
    for ((i = 1; i <= n; i++)); do cluster_launch "$i"; done
    for ((i = 1; i <= n; i++)); do
        await_answer "$(cluster_instance "$i")" kafka_answers "$(cluster_broker_port "$i")" "$n"
        brokers+="${brokers:+,}127.0.0.1:$(cluster_broker_port "$i")"
    done
    printf 'TIDEGATE_TEST_KAFKA_CLUSTER=%s\n' "$brokers" >"$stack_dir/cluster.env"
}

broker_of_cluster() { # i
    [[ ${1:-} =~ ^[1-9]$ && ${1:-} -le $(cluster_size) ]] || die "the cluster has brokers 1 to $(cluster_size), not '${1:-}'"
}

cluster_stop() { broker_of_cluster "$@"; stop_instance "$(cluster_instance "$1")"; }

cluster_start() {
    broker_of_cluster "$@"
    cluster_launch "$1"
    await_answer "$(cluster_instance "$1")" kafka_answers "$(cluster_broker_port "$1")" 1
}

cluster_down() {
    local i
    for ((i = 1; i <= $(cluster_size); i++)); do stop_instance "$(cluster_instance "$i")"; done
    rm -rf "$(home_of cluster)" "$stack_dir/cluster.env"
}

cluster_lines() {
    local i whole=0
    for ((i = 1; i <= $(cluster_size); i++)); do
        status_line "$(cluster_instance "$i")" "$(version_in "$stack_here/kafka/pom.xml")" "$(cluster_broker_port "$i")" \
            kafka_answers "$(cluster_broker_port "$i")" 1 || whole=1
    done
    return "$whole"
}

cluster_status() { status_head; cluster_lines; }
