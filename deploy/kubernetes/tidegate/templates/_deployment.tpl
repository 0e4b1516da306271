{{/*
One role's Deployment. Takes (dict "root" $ "role" "ingest" "values" .Values.ingest "port" 8080 "grace" 85 "fixed" true):
port 0 is no port beside the operations port; fixed says that nothing else scales it. "args" is the command line, by
default the role's name; "secret" (dict "existing" "…" "key" "…") is a Secret that only this role mounts.
*/}}
{{- define "tidegate.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "tidegate.name" .root }}-{{ .role }}
  labels:
    {{- include "tidegate.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  {{- if .fixed }}
  replicas: {{ .values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "tidegate.selector" . | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      {{- if .port }}
      # A new pod first: no moment with fewer doors.
      maxSurge: 1
      maxUnavailable: 0
      {{- else }}
      # An old pod first: partitions move once, and never to more pods than there are partitions.
      maxSurge: 0
      maxUnavailable: 1
      {{- end }}
  template:
    metadata:
      labels:
        {{- include "tidegate.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
      annotations:
        checksum/config: {{ include "tidegate.config" .root | sha256sum }}
        {{- with .values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "tidegate.serviceAccount" .root }}
      automountServiceAccountToken: false
      # Variables that announce services would be read as configuration.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .grace }}
      securityContext:
        {{- include "tidegate.podSecurity" .root | nindent 8 }}
      {{- with .root.Values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .role }}
          image: {{ include "tidegate.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: {{ .args | default (list .role) | toJson }}
          env:
            {{- include "tidegate.environment" .root | nindent 12 }}
            {{- with .secret }}
            - name: TIDEGATE_AGENTGATE__SECRET_FILE
              value: /etc/tidegate/{{ $.role }}/{{ .key }}
            {{- end }}
          ports:
            {{- if .port }}
            - name: http
              containerPort: {{ .port }}
            {{- end }}
            - name: ops
              containerPort: 9090
          # The start may wait for Kafka and the store for startTimeoutMs; the operations port answers meanwhile.
          startupProbe:
            httpGet: {path: /healthz, port: ops}
            periodSeconds: 2
            failureThreshold: {{ add 30 (div (int .root.Values.startTimeoutMs) 2000) }}
          livenessProbe:
            httpGet: {path: /healthz, port: ops}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: ops}
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          {{- with .values.preStopSeconds }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ . }}
          {{- end }}
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          securityContext:
            {{- include "tidegate.containerSecurity" .root | nindent 12 }}
          volumeMounts:
            {{- include "tidegate.mounts" .root | nindent 12 }}
            {{- if .secret }}
            - name: {{ .role }}-secret
              mountPath: /etc/tidegate/{{ .role }}
              readOnly: true
            {{- end }}
      volumes:
        {{- include "tidegate.volumes" (dict "root" .root "suffix" "") | nindent 8 }}
        {{- with .secret }}
        - name: {{ $.role }}-secret
          secret:
            secretName: {{ .existing }}
            defaultMode: 0440
        {{- end }}
      topologySpreadConstraints:
        {{- include "tidegate.spread" . | nindent 8 }}
      {{- range $name := list "nodeSelector" "affinity" "tolerations" }}
      {{- with index $.values $name }}
      {{ $name }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
{{- end -}}

{{/* Voluntary disruptions, one pod of a role at a time. Takes (dict "root" $ "role" "ingest" "values" .Values.ingest). */}}
{{- define "tidegate.disruption" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "tidegate.name" .root }}-{{ .role }}
  labels:
    {{- include "tidegate.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  maxUnavailable: {{ .values.podDisruptionBudget.maxUnavailable }}
  # A pod that does not get ready must not hold up the draining of its node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "tidegate.selector" . | nindent 6 }}
{{- end -}}

{{/* A role's Service; the operations port is scraped pod by pod and stands in none. */}}
{{- define "tidegate.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "tidegate.name" .root }}-{{ .role }}
  labels:
    {{- include "tidegate.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  {{- with .values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .values.service.type }}
  selector:
    {{- include "tidegate.selector" . | nindent 4 }}
  ports:
    - name: http
      port: {{ .values.service.port }}
      targetPort: http
{{- end -}}
