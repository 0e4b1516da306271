#!/usr/bin/env bash
# Values that contradict each other: the chart must refuse each, and say both numbers.
set -euo pipefail
helm=$1 chart=$2
us=deploy/kubernetes/values-us.yaml eu=deploy/kubernetes/values-eu.yaml

# refused WORDS-OF-THE-MESSAGE ARGUMENTS...
refused() {
    local words=$1 told
    shift
    if told=$("$helm" template tidegate "$chart" --kube-version 1.30 "$@" 2>&1); then
        echo "error: the chart took $*" >&2
        exit 1
    fi
    grep -qF -- "$words" <<<"$told" || { printf 'error: %s was refused, but not for: %s\n%s\n' "$*" "$words" "$told" >&2; exit 1; }
}

refused "kafka.brokers is empty" --set region=eu
refused "persist.keda.maxReplicas is 25, and kafka.partitions is 24" --values "$eu" --set persist.keda.maxReplicas=25
refused "persist.keda.minReplicas is 30" --values "$eu" --set persist.keda.minReplicas=30
refused "persist.replicas is 13, and kafka.partitions is 12" --values "$us" --set persist.replicas=13
refused "kafka.minInsyncReplicas is 4, above kafka.replication, which is 3" --values "$us" --set kafka.minInsyncReplicas=4
refused "ingest.autoscaling.minReplicas is 21" --values "$us" --set ingest.autoscaling.minReplicas=21
refused "agentgate.enabled is true without agentgate.secret.existing" --values "$us" --set agentgate.enabled=true
refused "scylla.consistency is one, and agentgate.enabled is true" --values "$eu" --set scylla.consistency=one
refused "decide.keda.maxReplicas is 17, and agentgate.partitions is 16" --values "$eu" --set decide.keda.maxReplicas=17
refused "decide.keda.minReplicas is 17" --values "$eu" --set decide.keda.minReplicas=17
refused "decide.replicas is 17, and agentgate.partitions is 16" --values "$eu" --set decide.keda.enabled=false,decide.replicas=17
refused "agentgate.autoscaling.minReplicas is 21" --values "$eu" --set agentgate.autoscaling.minReplicas=21
refused "at '/agentgate/partitions'" --values "$eu" --set agentgate.partitions=12
refused "there is no Secret" --values "$us" --set secret.existing=
refused "scylla.user is set without secret.scyllaPasswordKey" --values "$us" --set scylla.user=tidegate
refused "pulse.canaryUrl is https://ingest.example.com:8443, and networkPolicy.webhookPorts is [443]" \
    --values "$us" --set pulse.canaryUrl=https://ingest.example.com:8443
refused "networkPolicy.webhookPorts is [443, 587]: the NetworkPolicy of pulse bars port 80" \
    --values "$us" --set pulse.canaryUrl=http://ingest.example.com/,networkPolicy.webhookPorts='{443,587}'
refused "at '/region'" --values "$us" --set region=fr
refused "'replica' not allowed" --values "$us" --set persist.replica=2
refused "at '/redis/urls/0'" --values "$us" --set 'redis.urls={redis://:password@redis:6379}'
refused "invalid propertyName 'sasl.password'" --values "$us" --set 'kafka.properties.sasl\.password=secret'
