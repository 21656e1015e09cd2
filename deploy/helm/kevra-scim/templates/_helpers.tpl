{{- define "kevra.name" -}}
{{- default (ternary .Release.Name (printf "%s-kevra-scim" .Release.Name) (contains "kevra-scim" .Release.Name)) .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{/* KevraScimMigrationPending finds the job by its name, whatever the rest is called. */}}
{{- define "kevra.migrate" -}}
{{- $name := include "kevra.name" . | trunc 44 | trimSuffix "-" -}}
{{ ternary $name (printf "%s-kevra-scim" $name) (contains "kevra-scim" $name) }}-migrate
{{- end }}

{{- define "kevra.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "kevra.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "kevra.name" .) -}}
{{- end }}

{{/* Call with (dict "root" $ "component" "gateway"). */}}
{{- define "kevra.selector" -}}
app.kubernetes.io/name: kevra-scim
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "kevra.labels" -}}
{{ include "kevra.selector" . }}
app.kubernetes.io/part-of: kevra-scim
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A pod without rights. */}}
{{- define "kevra.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# Lets the process read the mounted secrets.
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "kevra.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* The secrets of a component, as files. */}}
{{- define "kevra.secretsOf" -}}
{{- $all := dict
  "control" (list "database" "sealKeyring" "realmKeyring" "keycloakClient")
  "gateway" (list "database" "broker" "realmKeyring")
  "dispatcher" (list "database" "broker" "sealKeyring" "realmKeyring")
  "migrate" (list "database")
  "cluster" (list "database") -}}
{{- $names := index $all .component -}}
{{- if and (eq .component "control") (not .root.Values.keycloak.url) -}}
{{- $names = without $names "keycloakClient" -}}
{{- end -}}
{{- $names | join "," -}}
{{- end }}

{{- define "kevra.secretVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- $values := .root.Values }}
      {{- range splitList "," (include "kevra.secretsOf" .) }}
      {{- $secret := index $values.secrets . }}
      - secret: { name: {{ $secret.name }}, items: [{ key: {{ $secret.key }}, path: {{ . }} }] }
      {{- end }}
{{- end }}

{{- define "kevra.secretEnv" -}}
{{- $variables := dict "database" "DATABASE_URL" "broker" "AMQP_URL" "sealKeyring" "KEVRA_SEAL_KEYRING" "realmKeyring" "KEVRA_REALM_KEYRING" "keycloakClient" "KEYCLOAK_CLIENT_SECRET" -}}
{{- range splitList "," (include "kevra.secretsOf" .) }}
- { name: {{ index $variables . }}_FILE, value: /run/secrets/kevra-scim/{{ . }} }
{{- end }}
{{- end }}
