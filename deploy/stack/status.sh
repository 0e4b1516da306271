# The table of what runs. Sourced by stack.sh.
# shellcheck shell=bash

status_line() { # instance, version, port, probe...
    local pid=- memory=- answer=no
    if pid=$(running_pid "$1"); then
        memory=$(awk '/^VmRSS/ { printf "%d MB", $2 / 1024 }' "/proc/$pid/status" 2>/dev/null) || memory=-
        ! "${@:4}" || answer=yes
    else
        pid=-
    fi
    printf '%-16s %-16s %-17s %-9s %-9s %s\n' "$1" "$2" "127.0.0.1:$3" "$pid" "$memory" "$answer"
    [[ $answer == yes ]]
}

status_head() { printf '%-16s %-16s %-17s %-9s %-9s %s\n' service version address pid memory 'answers?'; }

# Exits 0 only if all three answer.
status() {
    local whole=0
    status_head
    status_line kafka "$(version_in "$stack_here/kafka/pom.xml")" "$kafka_port" kafka_answers "$kafka_port" 1 || whole=1
    status_line cassandra "$(version_in "$stack_here/cassandra/pom.xml")" "$cql_port" cassandra_answers "$cql_port" || whole=1
    status_line redis "$(redis_version || true)" "$redis_port" redis_answers "$redis_port" || whole=1
    [[ ! -e $(home_of cluster) ]] || cluster_lines || whole=1
    return "$whole"
}
