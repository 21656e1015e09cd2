"""Lays out what the image's builder sees (what the ignore file lets through, then the Dockerfile's COPY lines), and asks
whether cargo can load the workspace there and every file the sources include is there. The features it builds are those
that scripts/test compiles.

Usage: image.py DIRECTORY   an empty one"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
place = pathlib.Path(sys.argv[1])
dockerfile = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
problems = []


def expression(pattern):
    """Docker's patterns: `**` is any number of directories, `*` is within one; what is below a match matches as well."""
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/"))
    return re.compile("".join(pieces.get(part, re.escape(part)) for part in parts) + "(?:/.*)?")


rules = []
for line in (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines():
    if line.strip() and not line.startswith("#"):
        rules.append((not line.startswith("!"), expression(line.strip().lstrip("!"))))


def let_in(name):
    ignored = False
    for ignores, pattern in rules:
        if pattern.fullmatch(name):
            ignored = ignores
    return not ignored


listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                        cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
context = [name for name in listed if (ROOT / name).is_file() and let_in(name)]

stages = re.split(r"^FROM .* AS (\w+)\n", dockerfile, flags=re.M)
builder = stages[stages.index("program") + 1].split("\nFROM ")[0]
for line in re.findall(r"^COPY (.*)$", builder, re.M):
    *sources, target = line.split()
    for source in sources:
        found = [name for name in context if name == source or name.startswith(source.rstrip("/") + "/")]
        if not found:
            problems.append(f"COPY {source}: the ignore file leaves nothing of it")
        for name in found:
            inner = name.removeprefix(source.rstrip("/")).lstrip("/")
            # A file goes under the target's name, unless that is a directory; a directory's files go below it.
            where = place / target / (inner or (pathlib.Path(name).name if target.endswith("/") else ""))
            where.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, where)

host = re.search(r"^host: (.*)$", subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout, re.M)[1]
loaded = subprocess.run(["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host],
                        cwd=place, capture_output=True, text=True)
if loaded.returncode:
    problems.append(loaded.stderr.strip())

for source in place.glob("**/src/**/*.rs"):
    for name in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', source.read_text()):
        if not (source.parent / name).is_file():
            problems.append(f"{source.relative_to(place)}: {name} is not in the image's builder")

features = re.search(r"cargo build .*--package kevra-scim (--no-default-features --features \w+)", builder)
compiled = re.search(r"cargo check .*--package kevra-scim (--no-default-features --features \w+)", (ROOT / "scripts/test").read_text())
if not features or not compiled or features[1] != compiled[1]:
    problems.append(f"the image is built {features and features[1]}, scripts/test compiles {compiled and compiled[1]}")
print("\n".join(problems))
sys.exit(bool(problems))
