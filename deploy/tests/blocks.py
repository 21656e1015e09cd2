"""No block of the documentation escapes: each is fenced and says what it is, and each kind is tried somewhere.

  console  is replayed by the tests of the program, and is where whatever can run belongs
  sh       has commands that no test can run; whose, and why, is in WHY. Those of kevra-scim have to be commands it knows,
           and so has every other one that a page names
  sql      is run on PostgreSQL by the tests of the program
  promql   is judged beside the rules and the dashboards: alerts.py
  yaml     is read, and written to OUT: PAGE-N.yaml
  json     is read
  text, html, js   have no commands

Usage: blocks.py PROGRAM OUT   the built program, a directory"""

import json
import pathlib
import re
import shlex
import subprocess
import sys

import yaml
from markdown_it import MarkdownIt

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHY = {
    "kubectl": "there is no cluster; what it is given is rendered and judged elsewhere in scripts/validate",
    "helm": "there is no cluster; the chart is rendered elsewhere in scripts/validate",
    "docker": "there is no engine; the file is checked elsewhere in scripts/validate",
    "systemctl": "the machine is not ours to change; the units are verified elsewhere in scripts/validate",
    "install": "the same",
    "curl": "asks a host of the reader's, or a role that runs",
    "export": "names things of the reader's",
    "pg_dump": "a database of the reader's; the test of the restore dumps one",
    "jq": "reads what kubectl says",
    "kevra-scim": "needs a tenant with people; the tests of the program do the same with made ones",
    "scripts/demo": "runs until it is stopped; the tests of the demo start it",
    "scripts/test": "is what asks this",
    "scripts/bench": "takes many minutes and a quiet machine",
    "just": "takes many minutes",
    "cargo": "takes many minutes",
    "scripts/build": "needs Java; the listener's own tests are built by it",
    "scripts/verify": "needs Java, RabbitMQ and Keycloak; it is a test itself",
}
# Filters behind those.
FILTERS = {"grep", "tail", "head", "sort", "uniq", "base64", "cp", "openssl", "echo", "install", "cd"}
# What stands for the reader's own, as something the program takes.
PLACES = {"ROLE": "control", "USER": "00000000-0000-0000-0000-000000000001"}

program, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
problems, used, known, asked = [], set(), {}, 0
recipes = set(re.findall(r"^([a-z-]+)[^:\n]*:$", (ROOT / "justfile").read_text(), re.M))


def known_command(where, words):
    """`--help` at the end: the program says so of what it does not know on the way there."""
    global asked
    words = tuple(PLACES.get(word, word) for word in words)
    if words not in known:
        said = subprocess.run([program, *words, "--help"], capture_output=True, text=True, env={})
        known[words] = None if said.returncode == 0 else (said.stderr.strip().splitlines() or ["no"])[0]
    asked += 1
    if known[words]:
        problems.append(f"{where}: kevra-scim {' '.join(words)}: {known[words]}")


def commands(text):
    """Simple commands, as words: pipelines taken apart, continued lines put together."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.commenters, lexer.whitespace_split = "#", True
        words = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;"):
                if words:
                    yield words
                words = []
            else:
                words.append(word)


def shell(where, page, text):
    for words in commands(text):
        name = words[0]
        used.add(name)
        if name not in WHY and name not in FILTERS:
            problems.append(f"{where}: {name}: run it (```console), or say in WHY of deploy/tests/blocks.py why it cannot be")
        for word in words:
            # Not Kubernetes' way to name a Deployment.
            if re.match(r"(deploy|scripts|docs|keycloak|bench|console)/(?!kevra-scim-)", word):
                there = any(list(base.glob(word)) for base in (ROOT, page.parent))
                # What is ignored, the reader makes.
                if not there and not subprocess.run(["git", "check-ignore", word, f"{word}/"], cwd=ROOT, capture_output=True).stdout:
                    problems.append(f"{where}: there is no {word}")
        if name == "just" and words[1] not in recipes:
            problems.append(f"{where}: just has no {words[1]}")
        for at, word in enumerate(words):
            if word.rsplit("/", 1)[-1] == "kevra-scim" and words[at + 1:] and (at == 0 or words[at - 1] == "--"):
                known_command(where, words[at + 1:])


def judge(page, token):
    where = f"{page.relative_to(ROOT)}:{token.map[0] + 1}"
    kind, text = token.info, token.content
    if token.type == "code_block":
        problems.append(f"{where}: an indented block: fence it and say what it is")
    elif kind == "sh":
        shell(where, page, text)
    elif kind == "yaml":
        yaml.safe_load(text)
        (out / f"{page.stem}-{sum(1 for _ in out.glob(f'{page.stem}-*.yaml')) + 1}.yaml").write_text(text)
    elif kind == "json":
        json.loads(text)
    elif kind in ("text", "html", "js"):
        if lost := [line for line in text.splitlines() if line.split() and line.split()[0] in {*WHY, "$", "select"}]:
            problems.append(f"{where}: {kind} with a command: {lost[0].strip()}")
    elif kind not in ("console", "sql", "promql"):
        problems.append(f"{where}: {kind or 'no kind'}: blocks.py says which kinds there are")


pages = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), *ROOT.glob("deploy/*.md"), *ROOT.glob("bench/*.md"),
         *ROOT.glob("keycloak/*/*.md")]
for page in sorted(pages):
    for token in MarkdownIt().parse(page.read_text()):
        if token.type in ("code_block", "fence"):
            judge(page, token)
        for span in token.children or []:
            if span.type == "code_inline" and re.match(r"kevra-scim [a-z]", span.content):
                where = f"{page.relative_to(ROOT)}:{token.map[0] + 1 if token.map else 0}"
                known_command(where, shlex.split(span.content.split("<")[0].split("|")[0])[1:])
for name in sorted(set(WHY) - used):
    problems.append(f"WHY: no page has {name}")
if asked < 40:
    problems.append(f"{asked} commands: they are not found any more")
print("\n".join(problems))
sys.exit(bool(problems))
