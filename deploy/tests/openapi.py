"""Lints docs/openapi.json, beyond what makes it a valid document: what people and generators of clients count on.

Every operation has a name of its own that begins with its one tag, a summary, rights that are asked for, one way to succeed with
a body that is described (none after 204), and says how it refuses: 4xx answers of its own or `default`, as problem+json. Every
parameter of a path is declared, every schema is used."""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
document = json.loads((ROOT / "docs/openapi.json").read_text())
schemas = document["components"]["schemas"]
problems, names = [], set()


def described(body):
    """Whether each of its forms has a schema that says something."""
    return bool(body) and all(form.get("schema") for form in body.values())


def lint(where, path, operation, shared):
    name, tags = operation.get("operationId", ""), operation.get("tags", [])
    if len(tags) != 1:
        yield f"tags {tags}, not one"
    elif not re.fullmatch(tags[0].replace("-", "_") + r"(_[a-z]+)+", name):
        yield f"operationId {name!r} does not begin with {tags[0]!r}"
    if name in names:
        yield f"operationId {name} twice"
    names.add(name)
    if not re.fullmatch(r"[A-Z][^\n]*\.", operation.get("summary", "")):
        yield f"summary {operation.get('summary')!r}: not a sentence"
    if not operation.get("security"):
        yield "no security: who may ask?"
    declared = {each["name"] for each in [*shared, *operation.get("parameters", [])] if each["in"] == "path"}
    if declared != (wanted := set(re.findall(r"\{(\w+)\}", path))):
        yield f"path parameters {sorted(declared)}, not {sorted(wanted)}"
    if "requestBody" in operation and not described(operation["requestBody"].get("content")):
        yield "a request body without a schema"
    answers = operation["responses"]
    good = [status for status in answers if status.startswith("2")]
    if len(good) != 1:
        yield f"{len(good)} ways to succeed"
    for status in good:
        if (status == "204") == ("content" in answers[status]) or (status != "204" and not described(answers[status]["content"])):
            yield f"{status}: its body is not described, or 204 has one"
    refusals = [status for status in answers if status.startswith("4") or status == "default"]
    if not refusals:
        yield "it does not say how it refuses"
    for status in refusals:
        if set(answers[status].get("content", {})) != {"application/problem+json"}:
            yield f"{status}: not application/problem+json"
    for status, answer in answers.items():
        if not answer.get("description"):
            yield f"{status}: no description"


count = 0
for path, operations in document["paths"].items():
    for method, operation in operations.items():
        if method in ("get", "put", "post", "patch", "delete"):
            count += 1
            where = f"{method.upper()} {path}"
            problems += [f"{where}: {problem}" for problem in lint(where, path, operation, operations.get("parameters", []))]
text = json.dumps(document)
problems += [f"schema {name}: nothing uses it" for name in schemas if f'"#/components/schemas/{name}"' not in text]
if count < 20:
    problems.append(f"{count} operations: they are not found any more")
print("\n".join(problems))
sys.exit(bool(problems))
