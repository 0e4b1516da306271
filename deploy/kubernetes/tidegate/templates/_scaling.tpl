{{/* What scales a role: its CPU, or what waits for it on the log. Nothing while the values have it off. */}}

{{/* Takes (dict "root" $ "role" "ingest" "values" .Values.ingest). */}}
{{- define "tidegate.byCpu" -}}
{{- $name := printf "%s-%s" (include "tidegate.name" .root) .role }}
{{- with .values.autoscaling }}
{{- if .enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels:
    {{- include "tidegate.labels" $.root | nindent 4 }}
    app.kubernetes.io/component: {{ $.role }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $name }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .targetCpuPercent }}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      policies:
        - {type: Percent, value: 100, periodSeconds: 30}
    scaleDown:
      stabilizationWindowSeconds: 300
      policies:
        - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}
{{- end }}
{{- end -}}

{{/* By the lag of a group. Takes (dict "root" $ "role" "persist" "values" .Values.persist "topic" "…" "group" "…"). */}}
{{- define "tidegate.byLag" -}}
{{- $name := printf "%s-%s" (include "tidegate.name" .root) .role }}
{{- with .values.keda }}
{{- if .enabled }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ $name }}
  labels:
    {{- include "tidegate.labels" $.root | nindent 4 }}
    app.kubernetes.io/component: {{ $.role }}
spec:
  scaleTargetRef:
    name: {{ $name }}
  minReplicaCount: {{ .minReplicas }}
  maxReplicaCount: {{ .maxReplicas }}
  pollingInterval: {{ .pollingIntervalSeconds }}
  cooldownPeriod: {{ .cooldownSeconds }}
  # Without an answer from Kafka: as many as possible, because the lag is unknown.
  fallback:
    failureThreshold: 4
    replicas: {{ .maxReplicas }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleUp:
          stabilizationWindowSeconds: 30
        scaleDown:
          stabilizationWindowSeconds: {{ .cooldownSeconds }}
          policies:
            - {type: Pods, value: 1, periodSeconds: 120}
  triggers:
    - type: kafka
      metadata:
        bootstrapServers: {{ join "," $.root.Values.kafka.brokers | quote }}
        consumerGroup: {{ $.group }}
        topic: {{ $.topic }}
        lagThreshold: {{ include "tidegate.plain" .lagThreshold | quote }}
        offsetResetPolicy: earliest
        {{- range $key, $value := .triggerMetadata }}
        {{ $key }}: {{ $value | quote }}
        {{- end }}
      {{- with .authenticationRef }}
      authenticationRef:
        name: {{ . }}
      {{- end }}
{{- end }}
{{- end }}
{{- end -}}
