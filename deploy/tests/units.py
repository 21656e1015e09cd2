"""Holds compose.yaml and the systemd units to docs/configuration.md: every variable exists, and no role has another's; and the
listener's jar to what its build makes.

Usage: units.py COMPOSE-AS-JSON"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
table = {}
for name, roles in re.findall(r"^\| `([A-Z_]+)` \| ([a-z ]+) \|", (ROOT / "docs/configuration.md").read_text(), re.M):
    table[name] = {"control", "gateway", "dispatcher"} if roles == "all" else set(roles.split())
problems = []


def judge(where, role, variables):
    for variable in variables:
        plain = variable.removesuffix("_FILE")
        if plain.startswith("OTEL_"):
            continue
        if plain not in table:
            problems.append(f"{where}: {variable} is not a setting")
        elif role in table["DATABASE_URL"] and role not in table[plain]:
            problems.append(f"{where}: {variable} is a setting of another role")
    for forbidden in {"gateway": ["KEVRA_SEAL_KEYRING", "KEYCLOAK_CLIENT_SECRET"], "dispatcher": ["KEYCLOAK_CLIENT_SECRET"]}.get(role, []):
        if forbidden in {variable.removesuffix("_FILE") for variable in variables}:
            problems.append(f"{where}: holds {forbidden}")


services = json.loads(pathlib.Path(sys.argv[1]).read_text())["services"]
for role in ["control", "gateway", "dispatcher", "migrate", "cluster"]:
    judge(f"compose {role}", role, services[role]["environment"])
    if not services[role].get("read_only") or services[role].get("cap_drop") != ["ALL"]:
        problems.append(f"compose {role}: not hardened")

# The listener is laid into Keycloak under the name its own build gives it.
final = re.search(r"<finalName>(.*)</finalName>", (ROOT / "keycloak/event-listener/pom.xml").read_text())[1]
jar = str(ROOT / f"keycloak/event-listener/target/{final}.jar")
if jar not in [volume["source"] for volume in services["listener"]["volumes"]]:
    problems.append(f"compose listener: mounts {services['listener']['volumes'][0]['source']}, the build makes {jar}")
if f"target/{final}.jar" not in (ROOT / "deploy/compose.env.example").read_text():
    problems.append(f"compose.env.example: does not name target/{final}.jar")

systemd = ROOT / "deploy/systemd"
for role in ["control", "gateway", "dispatcher"]:
    variables = []
    for path in [systemd / "env/common.env", systemd / f"env/{role}.env"]:
        variables += re.findall(r"^#? ?([A-Z_]+)=", path.read_text(), re.M)
    credentials, named = set(), set()
    for path in [systemd / "kevra-scim@.service", systemd / f"kevra-scim@{role}.service.d/secrets.conf"]:
        text = path.read_text()
        credentials |= set(re.findall(r"^LoadCredential=([a-z-]+):", text, re.M))
        for variable, credential in re.findall(r"([A-Z_]+)=%d/([a-z-]+)", text):
            variables.append(variable)
            named.add(credential)
    judge(f"systemd {role}", role, variables)
    if credentials != named:
        problems.append(f"systemd {role}: credentials {sorted(credentials)}, named {sorted(named)}")
print("\n".join(problems))
sys.exit(bool(problems))
