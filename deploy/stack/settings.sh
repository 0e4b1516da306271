# Where the local stack lives, on which ports it answers, and how much memory it may take.
# Every value can be set from outside, so that two stacks can run at the same time. Sourced by stack.sh.
# shellcheck shell=bash disable=SC2034

stack_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
stack_root=$(cd "$stack_here/../.." && pwd -P)

stack_dir=${TIDEGATE_STACK_DIR:-$stack_root/target/stack}
mkdir -p "$stack_dir"
stack_dir=$(cd "$stack_dir" && pwd -P)

# Ports of our own, not 9092, 9042 and 6379: a developer's own servers are never touched.
kafka_port=${TIDEGATE_STACK_KAFKA_PORT:-19092}          # the controller listens on the next one
cql_port=${TIDEGATE_STACK_CQL_PORT:-19042}              # node to node on the next one
redis_port=${TIDEGATE_STACK_REDIS_PORT:-16379}
cluster_port=${TIDEGATE_STACK_CLUSTER_PORT:-19192}      # broker i: this + 2(i-1), its controller on the next one

kafka_heap=${TIDEGATE_STACK_KAFKA_HEAP:-768m}
cassandra_heap=${TIDEGATE_STACK_CASSANDRA_HEAP:-1g}

# When Cassandra acknowledges a write: batch (once it is synced), group, or periodic.
commitlog_sync=${TIDEGATE_STACK_COMMITLOG_SYNC:-batch}

# Whether Cassandra writes its tables of tables to disk with each change of the schema. Without that, changes are faster by
# far, and a kill of Cassandra loses those that it had not written by itself.
flush_schema=${TIDEGATE_STACK_FLUSH_SCHEMA:-true}

# How long a service may take to its first answer; many times what a slow machine needs.
start_deadline_s=${TIDEGATE_STACK_START_DEADLINE_S:-180}

say() { printf '%s\n' "stack: $*" >&2; }
die() { printf '%s\n' "stack: error: $*" >&2; exit 1; }
