{{- define "sluice.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sluice.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "sluice.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "sluice.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "sluice.selector" -}}
app.kubernetes.io/name: {{ include "sluice.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluice.labels" -}}
{{ include "sluice.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "sluice.claim" -}}
{{- default (include "sluice.fullname" .) .Values.persistence.existingClaim }}
{{- end }}

{{/* What would start, and do harm or nothing, is refused while it is still text. */}}
{{- define "sluice.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.database.url) }}
{{- fail "replicas: a SQLite file is for one process; set replicas to 1, or database.url to a postgres:// URL" }}
{{- end }}
{{- if regexMatch "^[a-z]+://[^@/]*:[^@/]*@" .Values.database.url }}
{{- fail "database.url: the password would stand in the Deployment for everybody to read; put it into a Secret and name that in database.passwordSecret" }}
{{- end }}
{{- if and (not .Values.github.appID) (not .Values.gitlab.url) }}
{{- fail "github.appID, gitlab.url: set one of them; without a forge there is nothing to guard" }}
{{- end }}
{{- if and .Values.github.appID (not .Values.github.secret.name) }}
{{- fail "github.secret.name: name the Secret with the App's private key and the webhook's secret" }}
{{- end }}
{{- if and .Values.gitlab.url (not .Values.gitlab.secret.name) }}
{{- fail "gitlab.secret.name: name the Secret with the access token and the webhook's secret" }}
{{- end }}
{{- range $name, $_ := .Values.settings }}
{{- if has $name (list "SLUICE_ADDR" "SLUICE_DATABASE" "SLUICE_PUBLIC_URL" "SLUICE_GITHUB_APP_ID" "SLUICE_GITHUB_URL" "SLUICE_GITLAB_URL") }}
{{- fail (printf "settings.%s: it has a value of its own in this chart" $name) }}
{{- end }}
{{- end }}
{{- end }}
