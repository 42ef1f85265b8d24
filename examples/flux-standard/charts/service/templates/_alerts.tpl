{{/*
What every alert carries, whatever its expression keeps: who is asked, and for
what. A map of root, severity.
*/}}
{{- define "service.alertLabels" -}}
severity: {{ .severity }}
team: {{ include "service.team" .root | quote }}
namespace: {{ .root.Release.Namespace | quote }}
service: {{ include "service.name" .root | quote }}
{{- end -}}

{{/* A map of root, slug. */}}
{{- define "service.runbook" -}}
{{- printf "%s/%s.md" (.root.Values.platform.runbooks | trimSuffix "/") .slug | quote -}}
{{- end -}}
