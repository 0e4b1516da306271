# Cassandra as the store that speaks CQL: one node, the instance "cassandra". Sourced by stack.sh.
# shellcheck shell=bash

# Asks which options the CQL port supports (protocol 4, opcode 5); opcode 6 is the answer. The port opens last.
cassandra_answers() { # port
    local answer
    answer=$(ask "$1" '\x04\x00\x00\x00\x05\x00\x00\x00\x00' 9)
    [[ ${answer:0:2} == 84 && ${answer:8:2} == 06 ]]
}

# Java 17 keeps these packages closed; Cassandra reaches into them.
cassandra_opened() {
    local package
    for package in java.base/java.{io,lang,lang.reflect,lang.module,math,net,nio,nio.channels,util,util.concurrent} \
        java.base/java.util.{concurrent.atomic,jar,zip} \
        java.base/jdk.internal.{loader,math,misc,module,perf,ref,reflect,util.jar} java.base/sun.nio.ch \
        java.rmi/sun.rmi.{registry,transport,transport.tcp} java.management/com.sun.jmx.remote.security \
        jdk.management/com.sun.management.internal jdk.compiler/com.sun.tools.javac.file; do
        printf '%s\n' "--add-opens=$package=ALL-UNNAMED" "--add-exports=$package=ALL-UNNAMED"
    done
}

cassandra_launch() {
    local home jars=$stack_dir/jars/cassandra
    local -a opened
    home=$(home_of cassandra)
    ! running_pid cassandra >/dev/null || return 0
    need_java
    claim_port cassandra "$cql_port" TIDEGATE_STACK_CQL_PORT
    claim_port "cassandra's other nodes" "$((cql_port + 1))" TIDEGATE_STACK_CQL_PORT
    mkdir -p "$home/data"
    sed -e "s|@cql_port@|$cql_port|; s|@storage_port@|$((cql_port + 1))|; s|@home@|$home|" \
        -e "s|@commitlog_sync@|$commitlog_sync|" "$stack_here/cassandra/cassandra.yaml" >"$home/cassandra.yaml"
    [[ $commitlog_sync != periodic ]] || printf 'commitlog_sync_period: 10s\n' >>"$home/cassandra.yaml"
    mapfile -t opened < <(cassandra_opened)
    say "cassandra: starting $(version_in "$stack_here/cassandra/pom.xml") on 127.0.0.1:$cql_port"
    launch cassandra CassandraDaemon "$java" -Xms256m "-Xmx$cassandra_heap" -XX:MaxDirectMemorySize=256m \
        -javaagent:"$(echo "$jars"/jamm-*.jar)" -cp "$jars/*" "${opened[@]}" \
        -Djdk.attach.allowAttachSelf=true -Djava.security.manager=allow \
        -Dcassandra.config="file://$home/cassandra.yaml" -Dcassandra.storagedir="$home/data" \
        -Dlogback.configurationFile="$stack_here/cassandra/logback.xml" -Dcassandra-foreground=yes \
        "-Dcassandra.test.flush_local_schema_changes=$flush_schema" \
        -Dcassandra.ring_delay_ms=0 -Dcassandra.skip_wait_for_gossip_to_settle=0 \
        org.apache.cassandra.service.CassandraDaemon
}
