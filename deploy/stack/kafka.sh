# Kafka in KRaft mode, each node broker and controller at once. The lone node is the instance "kafka" with
# index 1 of 1; a cluster's are "cluster-kafka-1" and so on. Sourced by stack.sh.
# shellcheck shell=bash

kafka_java() { # class, arguments...
    "$java" -cp "$stack_dir/jars/kafka/*" -Dlog4j2.configurationFile="file://$stack_here/kafka/log4j2.properties" "$@"
}

# A metadata request answers only when the broker has registered with its controller, and names the live ones.
kafka_answers() { # client port, brokers wanted
    local answer
    # size 24, api 3 (metadata), version 5, correlation 7, client "stack", no topics, no auto-creation
    answer=$(ask "$1" '\x00\x00\x00\x14\x00\x03\x00\x05\x00\x00\x00\x07\x00\x05stack\x00\x00\x00\x00\x00' 16)
    # answered: size, correlation, throttle time, number of brokers: four bytes each
    [[ ${answer:8:8} == 00000007 ]] && ((16#${answer:24:8} >= $2))
}

# The settings of node i of n whose ports begin at `base`. What differs from a production broker has its reason here.
kafka_properties() { # instance, base port, i, n
    local home n=$4 i=$3 voters="" k replicas insync
    home=$(home_of "$1")
    for ((k = 1; k <= n; k++)); do voters+="${voters:+,}$k@127.0.0.1:$(($2 + 2 * (k - 1) + 1))"; done
    replicas=$((n < 3 ? n : 3))
    insync=$((n < 3 ? 1 : 2))
    cat <<END
process.roles=broker,controller
node.id=$i
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=CLIENT://127.0.0.1:$(($2 + 2 * (i - 1))),CONTROLLER://127.0.0.1:$(($2 + 2 * (i - 1) + 1))
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
log.dirs=$home/data
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$insync
# As many copies of the internal topics as there are brokers, and few partitions: they are made on first use.
offsets.topic.num.partitions=8
offsets.topic.replication.factor=$replicas
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$insync
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$insync
# Tests join and kill consumers all the time: no wait for further members, and short sessions are allowed.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=3000
group.consumer.session.timeout.ms=10000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
# A small heap: the cleaner's default buffer alone is 128 MB.
log.cleaner.dedupe.buffer.size=16777216
# Many small topics: the index files are allocated at this size.
log.index.size.max.bytes=1048576
# Test topics that are deleted leave the disk at once.
log.segment.delete.delay.ms=1000
END
}

# Brings up one node unless it runs already; does not wait for its answer, because a cluster's nodes need each other.
kafka_launch() { # instance, base port, i, n, variable that moves the port
    local home port=$(($2 + 2 * ($3 - 1)))
    home=$(home_of "$1")
    ! running_pid "$1" >/dev/null || return 0
    need_java
    claim_port "$1" "$port" "$5"
    claim_port "$1's controller" "$((port + 1))" "$5"
    mkdir -p "$home"
    kafka_properties "$1" "$2" "$3" "$4" >"$home/server.properties"
    if [[ ! -e $home/data/meta.properties ]]; then
        rm -rf "$home/data"
        say "$1: formatting its storage"
        # The cluster's id: any base64 of 16 bytes, the same on all nodes.
        kafka_java kafka.tools.StorageTool format -t dGlkZWdhdGUtc3RhY2stMQ -c "$home/server.properties" >"$home/format.log" 2>&1 || {
            tail -n 20 "$home/format.log" >&2
            die "$1: its storage could not be formatted"
        }
    fi
    say "$1: starting Kafka $(version_in "$stack_here/kafka/pom.xml") on 127.0.0.1:$port"
    launch "$1" kafka.Kafka "$java" "-Xms128m" "-Xmx$kafka_heap" -cp "$stack_dir/jars/kafka/*" \
        -Dlog4j2.configurationFile="file://$stack_here/kafka/log4j2.properties" \
        kafka.Kafka "$home/server.properties"
}
