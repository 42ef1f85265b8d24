{{/*
Names. The release is named after the service; at most 40 characters leave
room for all that is derived from it, so nothing is ever cut off.
*/}}
{{- define "service.name" -}}
{{- if gt (len .Release.Name) 40 -}}
{{- fail (printf "the release name %s has %d characters, at most 40 are accepted" .Release.Name (len .Release.Name)) -}}
{{- end -}}
{{- .Release.Name -}}
{{- end -}}

{{- define "service.fqdn" -}}
{{- printf "%s.%s.svc.cluster.local" (include "service.name" .) .Release.Namespace -}}
{{- end -}}

{{- define "service.team" -}}
{{- .Values.team | default .Values.platform.team -}}
{{- end -}}

{{/*
Labels. The name, the instance and the component never change, so only these
select. Test pods have a name of their own and are selected by nothing.
*/}}
{{- define "service.selectorLabels" -}}
app.kubernetes.io/name: {{ include "service.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Of a pod and its workload: a map of root, component, version. */}}
{{- define "service.podLabels" -}}
{{ include "service.selectorLabels" .root }}
app.kubernetes.io/component: {{ .component | quote }}
app.kubernetes.io/version: {{ .version | quote }}
app.kubernetes.io/part-of: {{ .root.Values.platform.partOf | quote }}
team: {{ include "service.team" .root | quote }}
{{- end -}}

{{/* Of all other objects, and of workloads on top. */}}
{{- define "service.chartLabels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{- end -}}

{{- define "service.labels" -}}
{{ include "service.podLabels" (dict "root" . "component" .Values.kind "version" (include "service.version" .Values.image)) }}
{{ include "service.chartLabels" . }}
{{- end -}}

{{/* The tag as a label, or the start of the digest. */}}
{{- define "service.version" -}}
{{- if .tag -}}
{{- .tag | trunc 63 | regexFind "[A-Za-z0-9].*" | trimAll "._-" -}}
{{- else -}}
{{- .digest | trimPrefix "sha256:" | trunc 12 -}}
{{- end -}}
{{- end -}}

{{/* A map of path (for the message), repository, tag, digest. */}}
{{- define "service.image" -}}
{{- if not .repository -}}
{{- fail (printf "%s.repository is empty, name the image" .path) -}}
{{- end -}}
{{- if not (or .tag .digest) -}}
{{- fail (printf "%s has neither a tag nor a digest, version.yaml sets them" .path) -}}
{{- end -}}
{{- if and (eq .tag "latest") (not .digest) -}}
{{- fail (printf "%s.tag: latest moves, name a version" .path) -}}
{{- end -}}
{{- .repository -}}
{{- with .tag }}:{{ . }}{{ end -}}
{{- with .digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/*
The Deployments: the stable one and one a subset, as JSON.
*/}}
{{- define "service.tracks" -}}
{{- $name := include "service.name" . -}}
{{- $image := .Values.image -}}
{{- $replicas := .Values.replicas -}}
{{- $rest := 100 -}}
{{- $subsets := list -}}
{{- range $subset, $settings := .Values.subsets -}}
{{- if kindIs "map" $settings -}}
{{- $weight := int (get $settings "weight" | default 0) -}}
{{- $rest = sub $rest $weight -}}
{{- $own := or (get $settings "tag") (get $settings "digest") -}}
{{- $count := get $settings "replicas" | default (dict "min" 1 "max" $replicas.max) -}}
{{- $workload := printf "%s-%s" $name $subset -}}
{{- $subsets = append $subsets (dict
  "subset" $subset
  "workload" $workload
  "component" (printf "%s-%s" $.Values.kind $subset)
  "path" (printf "subsets.%s" $subset)
  "tag" (ternary (get $settings "tag" | default "") $image.tag (not (empty $own)))
  "digest" (ternary (get $settings "digest" | default "") $image.digest (not (empty $own)))
  "min" $count.min
  "max" $count.max
  "weight" $weight
  "header" (get $settings "header" | default "")
  "value" (get $settings "value" | default "")
) -}}
{{- end -}}
{{- end -}}
{{- if lt $rest 0 -}}
{{- fail (printf "subsets: the weights add up to %d, at most 100 are accepted" (sub 100 $rest)) -}}
{{- end -}}
{{- $stable := dict
  "subset" "stable"
  "workload" $name
  "component" .Values.kind
  "path" "image"
  "tag" $image.tag
  "digest" $image.digest
  "min" $replicas.min
  "max" $replicas.max
  "weight" $rest
  "header" ""
  "value" ""
-}}
{{- $tracks := prepend $subsets $stable -}}
{{- range $tracks -}}
{{- if gt (int .min) (int .max) -}}
{{- fail (printf "%s: min %d is above max %d" (ternary "replicas" (printf "%s.replicas" .path) (eq .subset "stable")) (int .min) (int .max)) -}}
{{- end -}}
{{- end -}}
{{- dict "tracks" $tracks | toJson -}}
{{- end -}}

{{/* Switches: "true" or nothing. */}}
{{- define "service.mesh" -}}
{{- if .Values.platform.mesh.enabled }}true{{ end -}}
{{- end -}}

{{- define "service.routed" -}}
{{- if and .Values.platform.mesh.enabled (eq .Values.kind "web") }}true{{ end -}}
{{- end -}}

{{- define "service.scraped" -}}
{{- if and .Values.platform.metrics.enabled (gt (int .Values.metrics.port) 0) }}true{{ end -}}
{{- end -}}

{{/* Whether the metrics have a port of their own. */}}
{{- define "service.metricsPort" -}}
{{- if and (include "service.scraped" .) (not (and (eq .Values.kind "web") (eq (int .Values.metrics.port) (int .Values.port)))) }}true{{ end -}}
{{- end -}}

{{/* A wave of Argo CD; Flux applies in Helm's order. A map of root, wave. */}}
{{- define "service.wave" -}}
{{- if eq .root.Values.platform.engine "argocd" -}}
argocd.argoproj.io/sync-wave: {{ .wave | quote }}
{{- end -}}
{{- end -}}

{{/* Milliseconds of 900ms or 3s. */}}
{{- define "service.milliseconds" -}}
{{- if hasSuffix "ms" . -}}
{{- trimSuffix "ms" . -}}
{{- else -}}
{{- mul 1000 (trimSuffix "s" . | int64) -}}
{{- end -}}
{{- end -}}

{{/* Ki of 128Mi. */}}
{{- define "service.kibibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := trimPrefix (toString $number) . -}}
{{- mul $number (get (dict "Ki" 1 "Mi" 1024 "Gi" 1048576 "Ti" 1073741824) $unit) -}}
{{- end -}}

{{/* What the schema cannot compare. */}}
{{- define "service.validate" -}}
{{- $requests := .Values.resources.requests -}}
{{- $limits := .Values.resources.limits -}}
{{- if lt (include "service.kibibytes" $limits.memory | int64) (include "service.kibibytes" $requests.memory | int64) -}}
{{- fail (printf "resources.limits.memory %s is below resources.requests.memory %s" $limits.memory $requests.memory) -}}
{{- end -}}
{{- range $key, $id := .Values.runAs -}}
{{- if eq (int64 $id) 1337 -}}
{{- fail (printf "runAs.%s 1337 is the mesh proxy's, whose connections pass the mesh by" $key) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.persistence.enabled (eq .Values.persistence.path "/tmp") -}}
{{- fail "persistence.path /tmp is a volume of its own already" -}}
{{- end -}}
{{- if eq .Values.kind "web" -}}
{{- if eq (int .Values.grpcPort) (int .Values.port) -}}
{{- fail (printf "grpcPort %d is the HTTP port already" (int .Values.grpcPort)) -}}
{{- end -}}
{{- if and (gt (int .Values.grpcPort) 0) (eq (int .Values.grpcPort) (int .Values.metrics.port)) -}}
{{- fail (printf "metrics.port %d is the gRPC port already" (int .Values.metrics.port)) -}}
{{- end -}}
{{- $timeout := include "service.milliseconds" .Values.routing.timeout | int64 -}}
{{- $retries := .Values.routing.retries -}}
{{- $tries := add1 (int64 $retries.attempts) -}}
{{- $try := include "service.milliseconds" $retries.perTryTimeout | int64 -}}
{{- if and (gt (int $retries.attempts) 0) (gt (mul $tries $try) $timeout) -}}
{{- fail (printf "routing: %d tries of %s do not fit into the timeout %s" $tries $retries.perTryTimeout .Values.routing.timeout) -}}
{{- end -}}
{{- if lt (mul 1000 (int64 .Values.shutdown.graceSeconds)) (add (mul 1000 (int64 .Values.shutdown.drainSeconds)) $timeout) -}}
{{- fail (printf "shutdown.graceSeconds %d is less than drainSeconds %d and routing.timeout %s together" (int .Values.shutdown.graceSeconds) (int .Values.shutdown.drainSeconds) .Values.routing.timeout) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whom to call, on the workload. */}}
{{- define "service.oncall" -}}
{{- with .Values.platform.oncall -}}
a8r.io/on-call: {{ . | quote }}
{{- end -}}
{{- end -}}

{{- define "service.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "service.name" .) | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: test
{{- end -}}
