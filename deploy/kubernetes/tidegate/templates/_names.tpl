{{/* Names and labels. */}}

{{- define "tidegate.name" -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{- define "tidegate.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "tidegate.name" .) -}}
{{- end -}}

{{- define "tidegate.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tidegate.secret" -}}
{{- if .Values.secret.existing -}}{{ .Values.secret.existing }}
{{- else if .Values.secret.data -}}{{ include "tidegate.name" . }}{{- end -}}
{{- end -}}

{{- define "tidegate.group" -}}
{{- with .Values }}{{ .kafka.topicPrefix }}.{{ .region }}.persister.g{{ .kafka.generation }}{{ end -}}
{{- end -}}

{{- define "tidegate.topic" -}}
{{- with .Values }}{{ .kafka.topicPrefix }}.{{ .region }}.records.g{{ .kafka.generation }}{{ end -}}
{{- end -}}

{{- define "tidegate.agentgate.group" -}}
{{- with .Values }}{{ .kafka.topicPrefix }}.agentgate.{{ .region }}.decider.g{{ .kafka.generation }}{{ end -}}
{{- end -}}

{{- define "tidegate.agentgate.topic" -}}
{{- with .Values }}{{ .kafka.topicPrefix }}.agentgate.{{ .region }}.records.g{{ .kafka.generation }}{{ end -}}
{{- end -}}

{{/* What all objects carry. */}}
{{- define "tidegate.labels" -}}
app.kubernetes.io/name: tidegate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
tidegate/region: {{ .Values.region }}
{{- end -}}

{{/* What selects the pods of a role; takes (dict "root" $ "role" "ingest"). */}}
{{- define "tidegate.selector" -}}
app.kubernetes.io/name: tidegate
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}
