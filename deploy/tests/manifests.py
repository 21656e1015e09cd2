"""Judges rendered manifests: what the Kubernetes schemas do not know (custom resources), what must hold for every role
(hardened pods, probes, no setting or secret of another role), what hooks may lean on, and that alerts find what they name.

Usage: manifests.py FILE…   One problem a line; exit code 1 if there is any."""

import pathlib
import re
import sys

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def settings():
    """Variable → roles, from the generated page."""
    table = {}
    for name, roles in re.findall(r"^\| `([A-Z_]+)` \| ([a-z ]+) \|", (ROOT / "docs/configuration.md").read_text(), re.M):
        table[name] = {"control", "gateway", "dispatcher"} if roles == "all" else set(roles.split())
    assert len(table) > 10, "docs/configuration.md has another form"
    return table


def obj(required=(), **properties):
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


TEXT, NUMBER, ANY = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}, {}
TEXTS = {"type": "array", "items": TEXT}


def many(item, least=1):
    return {"type": "array", "minItems": least, "items": item}


BACKEND = obj(["name", "port"], name=TEXT, port=NUMBER)
MATCH = obj(["path"], path=obj(["type", "value"], type={"enum": ["Exact", "PathPrefix", "RegularExpression"]}, value=TEXT))
TARGETS = many(obj(["group", "kind", "name"], group=TEXT, kind=TEXT, name=TEXT, sectionName=TEXT))
# The part of each kind that is used here, strictly. Sources: KEDA 2.17, Prometheus operator, Gateway API 1.2, Envoy
# Gateway 1.5.
CUSTOM = {
    "ScaledObject": obj(
        ["scaleTargetRef", "triggers", "minReplicaCount", "maxReplicaCount"],
        scaleTargetRef=obj(["name"], name=TEXT), minReplicaCount=NUMBER, maxReplicaCount=NUMBER, pollingInterval=NUMBER,
        fallback=obj(["failureThreshold", "replicas"], failureThreshold=NUMBER, replicas=NUMBER,
                     behavior={"enum": ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]}),
        advanced=obj(horizontalPodAutoscalerConfig=obj(behavior=obj(scaleDown=obj(stabilizationWindowSeconds=NUMBER)))),
        triggers=many(obj(["type", "metadata", "authenticationRef"], type={"const": "postgresql"},
                          # KEDA takes strings only.
                          metadata=obj(["query", "targetQueryValue"], query=TEXT, targetQueryValue={"type": "string", "pattern": r"^\d+$"}),
                          authenticationRef=obj(["name"], name=TEXT)))),
    "TriggerAuthentication": obj(
        ["secretTargetRef"],
        secretTargetRef=many(obj(["parameter", "name", "key"], parameter={"const": "connection"}, name=TEXT, key=TEXT))),
    "ServiceMonitor": obj(
        ["selector", "endpoints"], selector=obj(["matchLabels"], matchLabels={"type": "object", "minProperties": 1}),
        endpoints=many(obj(["port"], port={"const": "ops"}, path={"const": "/metrics"}, interval=TEXT))),
    "PrometheusRule": obj(["groups"], groups=many(obj(["name", "rules"], name=TEXT, interval=TEXT, rules=many(ANY)))),
    "HTTPRoute": obj(
        ["parentRefs", "rules"], parentRefs=many(obj(["name"], name=TEXT, namespace=TEXT, sectionName=TEXT)), hostnames=TEXTS,
        rules=many(obj(["matches", "backendRefs"], name=TEXT, matches=many(MATCH), backendRefs=many(BACKEND), timeouts=obj(request=TEXT)))),
    "ClientTrafficPolicy": obj(
        ["targetRefs"], targetRefs=TARGETS,
        path=obj(escapedSlashesAction={"enum": ["KeepUnchanged", "RejectRequest", "UnescapeAndForward", "UnescapeAndRedirect"]},
                 disableMergeSlashes={"type": "boolean"}),
        headers=obj(withUnderscoresAction={"enum": ["Allow", "DropHeader", "RejectRequest"]}, earlyRequestHeaders=obj(remove=TEXTS)),
        timeout=obj(http=obj(requestReceivedTimeout=TEXT))),
    "BackendTrafficPolicy": obj(["targetRefs"], targetRefs=TARGETS, requestBuffer=obj(["limit"], limit=TEXT)),
}


def pods(documents):
    for document in documents:
        if document["kind"] in ("Deployment", "Job"):
            yield document, document["spec"]["template"]


def role_of(template):
    return template["metadata"]["labels"]["app.kubernetes.io/component"]


def environment(container, configs):
    names = {}
    for source in container.get("envFrom", []):
        names |= configs[source["configMapRef"]["name"]]
    for entry in container.get("env", []):
        names[entry["name"]] = entry.get("value", "")
    return names


# What is run before the rest is made: there is nothing yet that it could lean on.
HOOKS = {"argocd.argoproj.io/hook": "PreSync", "helm.sh/hook": "pre-install"}
RULES = (ROOT / "deploy/prometheus/rules.yaml").read_text()
(MIGRATIONS,) = set(re.findall(r'kube_job_status_\w+\{job_name=~"([^"]+)"', RULES))


def too_early(documents):
    made = {(d["kind"], d["metadata"]["name"]) for d in documents if d["kind"] in ("ServiceAccount", "ConfigMap", "Secret")}
    for document, template in pods(documents):
        annotations = document["metadata"].get("annotations", {})
        if not any(moment in annotations.get(hook, "") for hook, moment in HOOKS.items()):
            continue
        pod = template["spec"]
        uses = {("ServiceAccount", pod.get("serviceAccountName"))}
        for container in pod["containers"]:
            uses |= {("ConfigMap", source.get("configMapRef", {}).get("name")) for source in container.get("envFrom", [])}
        for volume in pod.get("volumes", []):
            uses |= {("ConfigMap", volume.get("configMap", {}).get("name"))}
            uses |= {("Secret", source.get("secret", {}).get("name")) for source in volume.get("projected", {}).get("sources", [])}
        for kind, name in sorted(uses & made):
            yield f"{document['metadata']['name']}: runs before the {kind} {name} is made"


def alerts(documents):
    """The rules of deploy/prometheus, whatever the address of the runbooks, and what they look for by name."""
    def plain(groups):
        return re.sub(r"runbook_url: \S*(?=/runbooks/)", "runbook_url: ", yaml.safe_dump(groups))
    for document in documents:
        if document["kind"] == "PrometheusRule" and plain(document["spec"]["groups"]) != plain(yaml.safe_load(RULES)["groups"]):
            yield ("PrometheusRule: not deploy/prometheus/rules.yaml; where it is a file, write it anew: deploy/prometheus/as-resource "
                   "> deploy/k8s/components/monitoring/prometheus-rule.yaml")
    for document, template in pods(documents):
        name = document["metadata"]["name"]
        if document["kind"] == "Job" and role_of(template) == "migrate" and not re.fullmatch(MIGRATIONS, name):
            yield f"{name}: KevraScimMigrationPending looks for {MIGRATIONS}"
        if document["kind"] == "Deployment":
            spread = {each["topologyKey"] for each in template["spec"].get("topologySpreadConstraints", [])}
            if spread != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
                yield f"{name}: spread over {sorted(spread)}"


def judge(documents):
    yield from too_early(documents)
    yield from alerts(documents)
    known = settings()
    configs = {d["metadata"]["name"]: d.get("data", {}) for d in documents if d["kind"] == "ConfigMap"}
    roles = set()
    for document in documents:
        if document["kind"] in CUSTOM:
            for error in jsonschema.Draft202012Validator(CUSTOM[document["kind"]]).iter_errors(document["spec"]):
                yield f"{document['kind']} {document['metadata']['name']}: {error.json_path}: {error.message}"
    for document, template in pods(documents):
        name, pod = document["metadata"]["name"], template["spec"]
        role, container = role_of(template), pod["containers"][0]
        wanted = {
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
        }
        if document["kind"] == "Deployment":
            roles.add(role)
            wanted["terminationGracePeriodSeconds"] = 45
        for key, value in wanted.items():
            if pod.get(key) != value:
                yield f"{name}: {key} is {pod.get(key)!r}, not {value!r}"
        security = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
        for key, value in {
            "runAsNonRoot": True, "runAsUser": 65532, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
        }.items():
            if security.get(key) != value:
                yield f"{name}: securityContext.{key} is {security.get(key)!r}"
        if "memory" not in container.get("resources", {}).get("limits", {}):
            yield f"{name}: no memory limit"
        given = environment(container, configs)
        for variable in given:
            plain = variable.removesuffix("_FILE")
            if plain.startswith("OTEL_"):
                continue
            if plain not in known:
                yield f"{name}: {variable} is not a setting"
            elif role in ("migrate", "cluster"):
                if plain != "DATABASE_URL":
                    yield f"{name}: {variable} is nothing for {role}"
            elif role not in known[plain]:
                yield f"{name}: {variable} is a setting of another role"
        # Every file that is named is mounted, and nothing else is.
        files = {value.rsplit("/", 1)[1] for variable, value in given.items() if variable.endswith("_FILE")}
        mounted = {item["path"] for volume in pod.get("volumes", []) for source in volume["projected"]["sources"]
                   for item in source["secret"]["items"]}
        if files != mounted:
            yield f"{name}: files {sorted(files)}, mounted {sorted(mounted)}"
        secret = {variable.removesuffix("_FILE") for variable in given if variable.endswith("_FILE")}
        if plain := [v for v in ("DATABASE_URL", "AMQP_URL", "KEVRA_SEAL_KEYRING", "KEVRA_REALM_KEYRING", "KEYCLOAK_CLIENT_SECRET")
                     if given.get(v)]:
            yield f"{name}: {plain} is a secret in plain text"
        for forbidden in {"gateway": ["KEVRA_SEAL_KEYRING", "KEYCLOAK_CLIENT_SECRET"], "dispatcher": ["KEYCLOAK_CLIENT_SECRET"]}.get(role, []):
            if forbidden in secret:
                yield f"{name}: holds {forbidden}"
        if document["kind"] == "Deployment":
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            if ports.get("ops") != 9464 or given.get("KEVRA_OPS_LISTEN") != "0.0.0.0:9464":
                yield f"{name}: no ops port"
            for probe, path in {"livenessProbe": "/livez", "startupProbe": "/livez", "readinessProbe": "/readyz"}.items():
                if container.get(probe, {}).get("httpGet") != {"path": path, "port": "ops"}:
                    yield f"{name}: {probe} does not ask {path} on the ops port"
            if (role == "dispatcher") == ("http" in ports):
                yield f"{name}: ports {ports}"
    if roles:
        if roles != {"control", "gateway", "dispatcher"}:
            yield f"roles {sorted(roles)}"
        templates = [template["metadata"]["labels"] for _, template in pods(documents)]
        for document in documents:
            if document["kind"] == "Service":
                selector = document["spec"]["selector"].items()
                if not any(selector <= labels.items() for labels in templates):
                    yield f"Service {document['metadata']['name']} selects no pod"
        scaled = {d["spec"]["scaleTargetRef"]["name"] for d in documents if d["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")}
        for document, _ in pods(documents):
            if document["metadata"]["name"] in scaled and "replicas" in document["spec"]:
                yield f"{document['metadata']['name']}: replicas and an autoscaler fight"
        query = (ROOT / "deploy/helm/kevra-scim/files/due.sql").read_text().split()
        for document in documents:
            if document["kind"] == "ScaledObject" and document["spec"]["triggers"][0]["metadata"]["query"].split() != query:
                yield "ScaledObject: its query is not files/due.sql"


problems = 0
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        rendered = [document for document in yaml.safe_load_all(file) if document]
    assert rendered, f"{path} is empty"
    for problem in judge(rendered):
        problems += 1
        print(f"{pathlib.Path(path).name}: {problem}")
sys.exit(problems > 0)
