"""Every relative link of the Markdown files leads to a file, and every fragment to a heading."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
problems = 0


def anchors(path):
    """Headings as GitHub and mdBook name them."""
    names = set()
    for heading in re.findall(r"^#+ (.*)$", path.read_text(), re.M):
        names.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return names


for page in [*sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("deploy/*.md"))]:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists():
            problems += 1
            print(f"{page.relative_to(ROOT)}: {target} leads nowhere")
        elif fragment and file.suffix == ".md" and fragment not in anchors(file):
            problems += 1
            print(f"{page.relative_to(ROOT)}: {file.name} has no heading #{fragment}")
sys.exit(problems > 0)
