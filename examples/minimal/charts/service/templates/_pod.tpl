{{/*
The pod of a Deployment or a CronJob, metadata and spec. A map of root, track.
*/}}
{{- define "service.pod" -}}
{{- $root := .root -}}
{{- $track := .track -}}
{{- $values := $root.Values -}}
{{- $web := eq $values.kind "web" -}}
{{- $cron := eq $values.kind "cron" -}}
{{- $mesh := include "service.mesh" $root -}}
{{- $metricsPort := include "service.metricsPort" $root -}}
metadata:
  annotations:
    kubectl.kubernetes.io/default-container: {{ include "service.name" $root }}
    {{- if and $mesh $metricsPort }}
    # Prometheus has no identity in the mesh: it reads this port directly. The
    # NetworkPolicy admits nobody else.
    traffic.sidecar.istio.io/excludeInboundPorts: {{ $values.metrics.port | int | quote }}
    {{- end }}
  labels:
    {{- include "service.podLabels" (dict "root" $root "component" $track.component "version" (include "service.version" $track)) | nindent 4 }}
    {{- if $mesh }}
    # What the mesh knows a pod by; version is the subset.
    app: {{ include "service.name" $root | quote }}
    version: {{ $track.subset | quote }}
    {{- end }}
spec:
  serviceAccountName: {{ include "service.name" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: {{ $values.runAs.user | int64 }}
    runAsGroup: {{ $values.runAs.group | int64 }}
    fsGroup: {{ $values.runAs.group | int64 }}
    {{- if $values.persistence.enabled }}
    # Only a volume of other ownership is walked through at the start.
    fsGroupChangePolicy: OnRootMismatch
    {{- end }}
    seccompProfile:
      type: RuntimeDefault
  {{- if $cron }}
  restartPolicy: Never
  {{- end }}
  terminationGracePeriodSeconds: {{ $values.shutdown.graceSeconds | int }}
  {{- if and (not $cron) (gt (int $track.max) 1) }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      nodeTaintsPolicy: Honor
      labelSelector:
        matchLabels:
          {{- include "service.selectorLabels" $root | nindent 10 }}
          app.kubernetes.io/component: {{ $track.component | quote }}
      # Pods of the old version are not counted while a new one rolls out.
      matchLabelKeys:
        - pod-template-hash
    {{- end }}
  {{- end }}
  containers:
    - name: {{ include "service.name" $root }}
      image: {{ include "service.image" (dict "path" $track.path "repository" $values.image.repository "tag" $track.tag "digest" $track.digest) | quote }}
      imagePullPolicy: IfNotPresent
      {{- with $values.command }}
      command:
        {{- range . }}
        - {{ . | quote }}
        {{- end }}
      {{- end }}
      {{- with $values.args }}
      args:
        {{- range . }}
        - {{ . | quote }}
        {{- end }}
      {{- end }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: OTEL_SERVICE_NAME
          value: {{ include "service.name" $root | quote }}
        - name: OTEL_RESOURCE_ATTRIBUTES
          value: {{ printf "service.version=%s,deployment.environment.name=%s,cloud.region=%s,k8s.cluster.name=%s,k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME)" (include "service.version" $track) $values.platform.environment $values.platform.region $values.platform.cluster | quote }}
        {{- range $key, $text := $values.env }}
        - name: {{ $key | quote }}
          value: {{ $text | quote }}
        {{- end }}
      {{- with $values.envFromSecrets }}
      envFrom:
        {{- range . }}
        - secretRef:
            name: {{ . | quote }}
        {{- end }}
      {{- end }}
      {{- if or $web $metricsPort }}
      ports:
        {{- if $web }}
        - name: http
          containerPort: {{ $values.port | int }}
          protocol: TCP
        {{- end }}
        {{- if gt (int $values.grpcPort) 0 }}
        - name: grpc
          containerPort: {{ $values.grpcPort | int }}
          protocol: TCP
        {{- end }}
        {{- if $metricsPort }}
        - name: metrics
          containerPort: {{ $values.metrics.port | int }}
          protocol: TCP
        {{- end }}
      {{- end }}
      {{- if and (not $cron) (or $web $metricsPort) }}
      {{- $port := ternary "http" "metrics" $web }}
      {{- $live := $values.probes.liveness.path }}
      {{- $ready := $values.probes.readiness.path }}
      startupProbe:
        {{- include "service.probe" (dict "path" ($live | default $ready) "port" $port) | nindent 8 }}
        periodSeconds: 5
        timeoutSeconds: 2
        failureThreshold: 30
      readinessProbe:
        {{- include "service.probe" (dict "path" $ready "port" $port) | nindent 8 }}
        periodSeconds: 5
        timeoutSeconds: 2
        failureThreshold: 3
      {{- if $live }}
      livenessProbe:
        {{- include "service.probe" (dict "path" $live "port" $port) | nindent 8 }}
        periodSeconds: 10
        timeoutSeconds: 2
        failureThreshold: 3
      {{- end }}
      {{- end }}
      {{- if $web }}
      lifecycle:
        preStop:
          # Callers go on for a while after the pod has left the Service.
          sleep:
            seconds: {{ $values.shutdown.drainSeconds | int }}
      {{- end }}
      resources:
        requests:
          cpu: {{ $values.resources.requests.cpu | quote }}
          memory: {{ $values.resources.requests.memory | quote }}
        limits:
          {{- with get $values.resources.limits "cpu" }}
          cpu: {{ . | quote }}
          {{- end }}
          memory: {{ $values.resources.limits.memory | quote }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop:
            - ALL
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if $values.persistence.enabled }}
        - name: data
          mountPath: {{ $values.persistence.path | quote }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: {{ $values.tmp.sizeLimit | quote }}
    {{- if $values.persistence.enabled }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ include "service.name" $root }}
    {{- end }}
{{- end -}}

{{/* What a probe does. A map of path, port. */}}
{{- define "service.probe" -}}
{{- if .path -}}
httpGet:
  path: {{ .path | quote }}
  port: {{ .port }}
{{- else -}}
tcpSocket:
  port: {{ .port }}
{{- end -}}
{{- end -}}
