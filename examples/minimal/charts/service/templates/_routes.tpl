{{/* Only callers see the rules: this namespace and the gateway's. */}}
{{- define "service.exportTo" -}}
- "."
{{- if .Values.routing.host }}
- {{ .Values.platform.mesh.gatewayNamespace | quote }}
{{- end }}
{{- end -}}

{{/*
The routes to one port of the Service: headers first, then the weights. Those
of port 80 are the last of all, so the very last has no match.
A map of root, tracks, prefix, port.
*/}}
{{- define "service.routes" -}}
{{- $root := .root -}}
{{- $tracks := .tracks -}}
{{- $prefix := .prefix -}}
{{- $port := .port -}}
{{- range $tracks }}
{{- if .header }}
- name: {{ printf "%s%s" $prefix .subset }}
  match:
    - headers:
        {{ .header | quote }}:
          exact: {{ .value | quote }}
      {{- if $prefix }}
      port: {{ $port }}
      {{- end }}
  route:
    - destination:
        host: {{ include "service.fqdn" $root }}
        subset: {{ .subset }}
        port:
          number: {{ $port }}
  {{- include "service.resilience" $root | nindent 2 }}
{{- end }}
{{- end }}
- name: {{ printf "%sdefault" $prefix }}
  {{- if $prefix }}
  match:
    - port: {{ $port }}
  {{- end }}
  route:
    {{- range $tracks }}
    {{- if gt (int .weight) 0 }}
    - destination:
        host: {{ include "service.fqdn" $root }}
        {{- if gt (len $tracks) 1 }}
        subset: {{ .subset }}
        {{- end }}
        port:
          number: {{ $port }}
      weight: {{ .weight | int }}
    {{- end }}
    {{- end }}
  {{- include "service.resilience" $root | nindent 2 }}
{{- end -}}

{{- define "service.resilience" -}}
timeout: {{ .Values.routing.timeout }}
retries:
  attempts: {{ .Values.routing.retries.attempts | int }}
  {{- if gt (int .Values.routing.retries.attempts) 0 }}
  perTryTimeout: {{ .Values.routing.retries.perTryTimeout }}
  retryOn: {{ .Values.routing.retries.retryOn | quote }}
  {{- end }}
{{- end -}}
