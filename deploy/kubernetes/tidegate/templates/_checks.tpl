{{/* What values must say together; a schema cannot. Included by the ConfigMap, so that every render passes here. */}}

{{- define "tidegate.checks" -}}
{{- with .Values -}}
{{- if not .kafka.brokers }}{{ fail "kafka.brokers is empty: name at least one broker, for example --set 'kafka.brokers={broker-1:9092}'" }}{{ end -}}
{{- if not .redis.urls }}{{ fail "redis.urls is empty: name at least one url, for example --set 'redis.urls={redis://redis:6379}'" }}{{ end -}}
{{- if not .scylla.nodes }}{{ fail "scylla.nodes is empty: name at least one node, for example --set 'scylla.nodes={scylla-0:9042}'" }}{{ end -}}
{{- $partitions := int .kafka.partitions -}}
{{- if .persist.keda.enabled -}}
{{- if gt (int .persist.keda.maxReplicas) $partitions }}{{ fail (printf "persist.keda.maxReplicas is %d, and kafka.partitions is %d: a persister more than there are partitions would own nothing" (int .persist.keda.maxReplicas) $partitions) }}{{ end -}}
{{- if gt (int .persist.keda.minReplicas) (int .persist.keda.maxReplicas) }}{{ fail (printf "persist.keda.minReplicas is %d, above persist.keda.maxReplicas, which is %d" (int .persist.keda.minReplicas) (int .persist.keda.maxReplicas)) }}{{ end -}}
{{- else if gt (int .persist.replicas) $partitions }}{{ fail (printf "persist.replicas is %d, and kafka.partitions is %d: a persister more than there are partitions would own nothing" (int .persist.replicas) $partitions) }}
{{- end -}}
{{- if gt (int .kafka.minInsyncReplicas) (int .kafka.replication) }}{{ fail (printf "kafka.minInsyncReplicas is %d, above kafka.replication, which is %d" (int .kafka.minInsyncReplicas) (int .kafka.replication)) }}{{ end -}}
{{- if and .ingest.autoscaling.enabled (gt (int .ingest.autoscaling.minReplicas) (int .ingest.autoscaling.maxReplicas)) }}{{ fail (printf "ingest.autoscaling.minReplicas is %d, above maxReplicas, which is %d" (int .ingest.autoscaling.minReplicas) (int .ingest.autoscaling.maxReplicas)) }}{{ end -}}
{{- if and (or .secret.redisPasswordKey .secret.scyllaPasswordKey .secret.kafkaPasswordKey .secret.alertsKey) (not (include "tidegate.secret" $)) }}{{ fail "secret names keys, but there is no Secret: set secret.existing, or secret.data" }}{{ end -}}
{{- if .agentgate.enabled -}}
{{- $partitions := int .agentgate.partitions -}}
{{- if not .agentgate.secret.existing }}{{ fail "agentgate.enabled is true without agentgate.secret.existing: name a Secret that holds 64 hex digits (openssl rand -hex 32)" }}{{ end -}}
{{- if not (has .scylla.consistency (list "local_quorum" "quorum")) }}{{ fail (printf "scylla.consistency is %s, and agentgate.enabled is true: AgentGate reads and writes with quorums, so use local_quorum or quorum" .scylla.consistency) }}{{ end -}}
{{- if .decide.keda.enabled -}}
{{- if gt (int .decide.keda.maxReplicas) $partitions }}{{ fail (printf "decide.keda.maxReplicas is %d, and agentgate.partitions is %d: a decider more than there are partitions would own nothing" (int .decide.keda.maxReplicas) $partitions) }}{{ end -}}
{{- if gt (int .decide.keda.minReplicas) (int .decide.keda.maxReplicas) }}{{ fail (printf "decide.keda.minReplicas is %d, above decide.keda.maxReplicas, which is %d" (int .decide.keda.minReplicas) (int .decide.keda.maxReplicas)) }}{{ end -}}
{{- else if gt (int .decide.replicas) $partitions }}{{ fail (printf "decide.replicas is %d, and agentgate.partitions is %d: a decider more than there are partitions would own nothing" (int .decide.replicas) $partitions) }}
{{- end -}}
{{- if and .agentgate.autoscaling.enabled (gt (int .agentgate.autoscaling.minReplicas) (int .agentgate.autoscaling.maxReplicas)) }}{{ fail (printf "agentgate.autoscaling.minReplicas is %d, above maxReplicas, which is %d" (int .agentgate.autoscaling.minReplicas) (int .agentgate.autoscaling.maxReplicas)) }}{{ end -}}
{{- end -}}
{{- if and .networkPolicy.enabled .pulse.canaryUrl -}}
{{- $implied := ternary "443" "80" (hasPrefix "https:" .pulse.canaryUrl) -}}
{{- $port := regexFind ":[0-9]+$" (urlParse .pulse.canaryUrl).host | trimPrefix ":" | default $implied | int -}}
{{- $open := list -}}
{{- range concat (.networkPolicy.egressPorts | default list) (.networkPolicy.webhookPorts | default list) }}{{ $open = append $open (int .) }}{{ end -}}
{{- if not (has $port $open) }}{{ fail (printf "pulse.canaryUrl is %s, and networkPolicy.webhookPorts is [%s]: the NetworkPolicy of pulse bars port %d, so that no heartbeat would arrive and every slot would be unknown; add the port to networkPolicy.webhookPorts" .pulse.canaryUrl (join ", " .networkPolicy.webhookPorts) $port) }}{{ end -}}
{{- end -}}
{{- if and .scylla.user (not .secret.scyllaPasswordKey) }}{{ fail "scylla.user is set without secret.scyllaPasswordKey: name the Secret's key that holds the password" }}{{ end -}}
{{- end -}}
{{- end -}}
