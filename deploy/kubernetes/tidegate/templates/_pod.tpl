{{/* What the pods of all roles and jobs have in common. */}}

{{- define "tidegate.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.runAsUser }}
runAsGroup: {{ .Values.podSecurity.runAsGroup }}
fsGroup: {{ .Values.podSecurity.fsGroup }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "tidegate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: ["ALL"]
{{- end -}}

{{/* Passwords come as files; a variable says only where they are. */}}
{{- define "tidegate.environment" -}}
- name: TIDEGATE_CONFIG
  value: /etc/tidegate/tidegate.toml
{{- with .Values.scylla.user }}
- name: TIDEGATE_SCYLLA__USER
  value: {{ . | quote }}
{{- end }}
{{- range $name, $key := dict "SCYLLA__PASSWORD" .Values.secret.scyllaPasswordKey "REDIS__PASSWORD" .Values.secret.redisPasswordKey "KAFKA__PROPERTIES__SASL__PASSWORD" .Values.secret.kafkaPasswordKey "ALERTS__SECRET" .Values.secret.alertsKey }}
{{- if $key }}
- name: TIDEGATE_{{ $name }}_FILE
  value: /etc/tidegate/secrets/{{ $key }}
{{- end }}
{{- end }}
{{- range $key, $value := .Values.settings }}
- name: TIDEGATE_{{ $key | upper | replace "." "__" }}
  value: {{ include "tidegate.plain" $value | quote }}
{{- end }}
{{- end -}}

{{/* A number of the values is a float to a template: without this, 1073741824 would be written 1.073741824e+09. */}}
{{- define "tidegate.plain" -}}
{{- if kindIs "float64" . -}}{{ toJson . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{- define "tidegate.mounts" -}}
- name: config
  mountPath: /etc/tidegate/tidegate.toml
  subPath: tidegate.toml
  readOnly: true
{{- if include "tidegate.secret" . }}
- name: secrets
  mountPath: /etc/tidegate/secrets
  readOnly: true
{{- end }}
{{- end -}}

{{/* Takes (dict "root" $ "suffix" ""): jobs run before the release's own ConfigMap and Secret are there. */}}
{{- define "tidegate.volumes" -}}
- name: config
  configMap:
    name: {{ include "tidegate.name" .root }}{{ .suffix }}
{{- with include "tidegate.secret" .root }}
- name: secrets
  secret:
    secretName: {{ . }}{{ if not $.root.Values.secret.existing }}{{ $.suffix }}{{ end }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{/* Over zones first, then over nodes; a rollout counts its own pods only. Takes (dict "root" $ "role" "ingest"). */}}
{{- define "tidegate.spread" -}}
{{- $zones := list "topology.kubernetes.io/zone" .root.Values.topologySpread.zones -}}
{{- $nodes := list "kubernetes.io/hostname" .root.Values.topologySpread.nodes -}}
{{- range $index, $over := list $zones $nodes -}}
{{- if $index }}
{{ end -}}
- topologyKey: {{ first $over }}
  maxSkew: 1
  whenUnsatisfiable: {{ last $over }}
  labelSelector:
    matchLabels:
      {{- include "tidegate.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}
