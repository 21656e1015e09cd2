"""Every alert has a severity, a runbook that exists and is listed, a firing and a quiet test; rules, dashboards and pages speak
of metrics and labels that exist.

Usage: alerts.py EXPRESSIONS   writes those of the dashboards and pages there, as a rule file for promtool"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
problems = []
groups = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())["groups"]
rules = [rule for group in groups for rule in group["rules"]]
alerts = {rule["alert"]: rule for rule in rules if "alert" in rule}
recorded = {rule["record"] for rule in rules if "record" in rule}

tests = yaml.safe_load((ROOT / "deploy/prometheus/rules_test.yaml").read_text())["tests"]
cases = {}
for test in tests:
    for case in test["alert_rule_test"]:
        cases.setdefault(case["alertname"], set()).add(bool(case["exp_alerts"]))
listed = (ROOT / "docs/runbooks/README.md").read_text()
objectives = (ROOT / "docs/operate/slo.md").read_text()
for name, rule in alerts.items():
    if rule["labels"].get("severity") not in ("page", "ticket"):
        problems.append(f"{name}: severity {rule['labels'].get('severity')}")
    for key in ("summary", "description"):
        if not rule["annotations"].get(key):
            problems.append(f"{name}: no {key}")
    page = rule["annotations"].get("runbook_url", "").rsplit("/", 1)[-1].removesuffix(".html")
    path = ROOT / f"docs/runbooks/{page}.md"
    if not page or not path.is_file():
        problems.append(f"{name}: there is no runbook {page}")
    elif name not in path.read_text():
        problems.append(f"{name}: {path.name} does not name it")
    if name not in listed or name not in objectives:
        problems.append(f"{name}: not in runbooks/README.md or slo.md")
    for firing in (True, False):
        if firing not in cases.get(name, ()):
            problems.append(f"{name}: no {'firing' if firing else 'quiet'} test")
for name in set(re.findall(r"KevraScim\w+", listed + objectives)) - set(alerts):
    problems.append(f"{name}: a page names it, no rule does")
for path in sorted((ROOT / "docs/runbooks").glob("*.md")):
    if path.name != "README.md" and f"({path.name})" not in listed:
        problems.append(f"{path.name}: not in runbooks/README.md")

# What the program offers: name → labels.
offered = {}
for name, kind, labels in re.findall(r"^\| `(kevra_scim_\w+)` \| (\w+) \|([^|]*)\|", (ROOT / "docs/operate/metrics.md").read_text(), re.M):
    labels = set(re.findall(r"`(\w+)`", labels))
    for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
        offered[name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
assert len(offered) > 20, "docs/operate/metrics.md has another form"
# kube-state-metrics, in their own group.
FOREIGN = {"kube_job_status_failed", "kube_job_status_active", "kube_pod_container_status_restarts_total"}
SCRAPE = {"job", "instance", "namespace", "pod", "container", "role"}


def judge(where, expression):
    for name, selector in re.findall(r"\b((?:kevra_scim|kube)[\w:]*)(?:\{([^}]*)\})?", expression):
        if name in recorded or name in FOREIGN:
            continue
        if name not in offered:
            problems.append(f"{where}: {name} is no metric of docs/operate/metrics.md")
            continue
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector or ""):
            if label not in offered[name] | SCRAPE:
                problems.append(f"{where}: {name} has no label {label}")


# What lines and spans there are: name → fields, as Loki's `json` writes them. The pages are compared with the program.
lines = {}
for name, fields in re.findall(r"^\| `([a-z_.]+)` \| \w+ \|[^|]*\|([^|]*)\|$", (ROOT / "docs/operate/logs.md").read_text(), re.M):
    lines[name] = {field.replace(".", "_") for field in re.findall(r"`([\w.]+)`", fields)}
assert len(lines) > 50, "docs/operate/logs.md has another form"
ALWAYS = {"timestamp", "level", "target", "name", "message"}
traces = (ROOT / "docs/operate/traces.md").read_text()
attributes = set(re.findall(r"`((?:resource|span)\.[\w.]+)`", traces))


def judge_lines(where, expression):
    """Asks for one line by its name, and for fields that this line has."""
    names = re.findall(r'\|\s*name\s*=\s*"([^"]*)"', expression)
    if len(names) != 1 or names[0] not in lines:
        problems.append(f"{where}: {names or 'nothing'} names no line of docs/operate/logs.md")
        return
    asked = set(re.findall(r"\|\s*(\w+)\s*(?:=~|!~|!=|=|>|<)", expression)) | set(re.findall(r"unwrap (\w+)", expression))
    asked |= set(re.findall(r"\{\{\s*\.(\w+)", expression))
    for labels in re.findall(r"\bby \(([^)]*)\)", expression):
        asked |= {label.strip() for label in labels.split(",")}
    for field in asked - ALWAYS - lines[names[0]]:
        problems.append(f"{where}: the line {names[0]} has no field {field}")
    if "| json" not in expression:
        problems.append(f"{where}: fields without `| json`")


def judge_spans(where, expression):
    asked = re.findall(r"\b((?:resource|span)\.[\w.]+)", expression)
    for attribute in asked:
        if attribute not in attributes:
            problems.append(f"{where}: {attribute} is no attribute of docs/operate/traces.md")
    if not asked:
        problems.append(f"{where}: asks for nothing")


# A judge who lets everything pass would look just as well.
expected = len(problems)
judge_lines("awake", '{a="b"} | json | name="no.line"')
judge_lines("awake", '{a="b"} | json | name="started" | nobody="x"')
judge_spans("awake", '{ span.nothing = "x" }')
assert len(problems) == expected + 3, problems[expected:]
del problems[expected:]

for rule in rules:
    judge(rule.get("alert") or rule["record"], rule["expr"])

expressions = []
for path in sorted((ROOT / "deploy/grafana").glob("*.json")):
    board = json.loads(path.read_text())
    variables = {variable["name"] for variable in board["templating"]["list"]}
    if not {"datasource", "role"} <= variables:
        problems.append(f"{path.name}: variables {sorted(variables)}")
    if board["schemaVersion"] < 39:
        problems.append(f"{path.name}: schemaVersion {board['schemaVersion']}")
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        problems.append(f"{path.name}: two panels have the same id")
    used = set()
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            text = target.get("expr", "") + target.get("query", "")
            used |= {name for name in re.findall(r"\$\{?(\w+)", text + json.dumps(panel["datasource"]) + panel["title"])}
            if panel["datasource"]["type"] == "loki":
                judge_lines(f"{path.name}: {panel['title']}", target["expr"])
            if panel["datasource"]["type"] == "tempo":
                judge_spans(f"{path.name}: {panel['title']}", target["query"])
            if panel["datasource"]["type"] != "prometheus":
                continue
            judge(f"{path.name}: {panel['title']}", target["expr"])
            plain = target["expr"].replace("$__rate_interval", "5m").replace("$role", ".*")
            expressions.append({"record": f"dashboard:panel_{panel['id']}:{target['refId'].lower()}", "expr": plain})
    for name in used - variables - {"__rate_interval", "__auto"}:
        problems.append(f"{path.name}: there is no variable {name}")
# The pages' expressions, and every metric a page names.
for path in sorted((ROOT / "docs").glob("**/*.md")):
    text = path.read_text()
    for number, block in enumerate(re.findall(r"^ *```promql\n(.*?)^ *```$", text, re.M | re.S)):
        for line, expression in enumerate(block.splitlines()):
            judge(path.name, expression)
            expressions.append({"record": f"page:{re.sub(r'[^a-z]', '_', path.stem)}:{number}_{line}", "expr": expression})
    for name in re.findall(r"\bkevra_scim[:_][a-z][\w:]*\w\b", text):
        if not {name, f"{name}_bucket"} & {*offered, *recorded}:
            problems.append(f"{path.name}: {name} is no metric of docs/operate/metrics.md")
pathlib.Path(sys.argv[1]).write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": expressions}]}))
print("\n".join(problems))
sys.exit(bool(problems))
