#!/usr/bin/env python3
"""Makes docs/performance.md and its charts of what benchmarks printed.

    bench/results.py [--note TEXT] OUTPUT...

    each file holds what `scripts/bench SUITE` printed; its last JSON line is read
"""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
TITLES = {
    "gateway": "Gateway",
    "keycloak": "Beside Keycloak's own SCIM server",
    "peers": "Beside other SCIM servers",
    "scale": "A large installation",
    "latency": "Added to the realm's time",
    "neighbors": "A noisy neighbour",
    "replicas": "Replicas of the gateway",
    "dispatcher": "Pushes",
    "capture": "Capture",
}

# What a measure of pushes is to reach; a hung tenant is to be noticed less than twenty dead ones.
GOALS = {
    "drain": {"rate_ratio": ("≥", 0.5), "cpu_ratio": ("≤", 2)},
    "latency": {"p50_ratio": ("≤", 2), "p99_ratio": ("≤", 3)},
    "Hung": {"p99_ratio": ("≤", 1.25)},
    "Dead": {"p99_ratio": ("≤", 1.5)},
}


def machine():
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} virtual cores ({model}), {memory:.0f} GiB, {platform.system()}"


def read(path):
    lines = [line for line in Path(path).read_text().splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else None


def verdict(row):
    if row.get("goal") is None:
        return "–"
    return f"≤ {row['goal']} · {'met' if row['ratio'] <= row['goal'] else 'missed'}"


def table(rows):
    yield "| operation | CPU µs, ours | CPU µs, other | ratio | goal | ours/s | p50 ms | p99 ms | failed, ours and other |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        ours, theirs = row["ours"], row["theirs"]
        yield (
            f"| {row['operation'].replace('|', 'beside')} | {ours['cpu_micros']:,.0f} | {theirs['cpu_micros']:,.0f} | {row['ratio']:.3g} "
            f"| {verdict(row)} | {ours['per_second']:,.0f} | {ours['p50_ms']:.1f} | {ours['p99_ms']:.1f} "
            f"| {ours['failed']}, {theirs['failed']} |"
        )


def told(figures, measure=None):
    if not isinstance(figures, dict):
        return str(figures)
    for ratio, (way, goal) in GOALS.get(figures.get("manner", measure), {}).items():
        met = figures[ratio] <= goal if way == "≤" else figures[ratio] >= goal
        figures = figures | {ratio: f"{figures[ratio]:.3g} (goal {way} {goal} · {'met' if met else 'missed'})"}
    goal, reached = figures.get("goal"), figures.get("ratio", figures.get("count"))
    if goal is not None and reached is not None:
        figures = figures | {"goal": f"≤ {goal} · {'met' if reached <= goal else 'missed'}"}
    def number(value):
        if isinstance(value, dict):
            return f"({told(value)})"
        if isinstance(value, list):
            return " and ".join(str(number(one)) for one in value)
        return f"{value:,.3g}" if isinstance(value, float) and value < 1000 else f"{value:,.0f}" if isinstance(value, float) else value
    return ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name, value in figures.items() if name != "rounds")


def notes(rows):
    for row in rows:
        name, figures = row.get("name") or row["measure"], row["figures"]
        if isinstance(figures, list):
            yield f"- {name}"
            yield from (f"  - {told(each, name)}" for each in figures)
        else:
            yield f"- {name}: {told(figures, name)}"


def chart(rows, title):
    """Bars of both sides' CPU per operation, each row to its own scale: ratios are what is compared."""
    height, width, left, span = 34 * len(rows) + 40, 760, 230, 420
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{title}: CPU per request" font-family="sans-serif" font-size="12">'
    )
    yield '<style>text{fill:#555}.ours{fill:#2a7f62}.other{fill:#b9bec6}@media(prefers-color-scheme:dark){text{fill:#bbb}}</style>'
    yield '<rect class="ours" x="230" y="6" width="10" height="10"/><text x="245" y="15">ours</text>'
    yield '<rect class="other" x="290" y="6" width="10" height="10"/><text x="305" y="15">other side</text>'
    for place, row in enumerate(rows):
        ours, theirs = row["ours"]["cpu_micros"], row["theirs"]["cpu_micros"]
        most, top = max(ours, theirs, 1e-9), 30 + 34 * place
        yield f'<text x="{left - 8}" y="{top + 15}" text-anchor="end">{row["operation"].replace("|", "beside")}</text>'
        for offset, kind, value in ((0, "ours", ours), (12, "other", theirs)):
            long = max(1, round(span * value / most))
            yield f'<rect class="{kind}" x="{left}" y="{top + offset}" width="{long}" height="10"/>'
            yield f'<text x="{left + long + 6}" y="{top + offset + 9}">{value:,.0f} µs</text>'
    yield "</svg>"


def main(paths, note=None):
    suites = [suite for suite in map(read, paths) if suite]
    commit = subprocess.run(["git", "log", "-1", "--format=%cs"], capture_output=True, text=True).stdout.strip()
    page = [
        "# Performance",
        "",
        f"Measured on {machine()}, release build, {commit};",
        "servers, load and subject share the machine; PostgreSQL syncs to the disk, Keycloak runs as in production. CPU per operation is user and system time of the processes that do the",
        "work; a ratio is of two sides in one run, and below 1 ours is the cheaper. Absolute figures do not travel between machines. `bench/README.md` says how each is made and repeated.",
    ]
    if note:
        page += ["", note]
    for suite in suites:
        name, beside = suite["benchmark"], suite.get("beside", "")
        title = TITLES.get(name, name)
        users = re.match(r"([\d,]+) users", beside)
        # A suite may have been run with several numbers of users.
        place = f"{name}-{users[1]}" if users else name
        measured = [row for row in suite["rows"] if "operation" in row]
        noted = [row for row in suite["rows"] if "figures" in row]
        page += ["", f"## {title}" + (f", {int(users[1]):,} users" if users else ""), ""]
        if beside:
            page += [f"{beside[0].upper()}{beside[1:]}.", ""]
        if measured:
            file = f"performance-{place}.svg"
            (DOCS / file).write_text("\n".join(chart(measured, title)) + "\n")
            page += [f"![{title}: CPU per request]({file})", "", *table(measured)]
        if noted:
            page += [""] * bool(measured) + list(notes(noted))
    (DOCS / "performance.md").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    noted = sys.argv[1] == "--note"
    main(sys.argv[3 if noted else 1 :], sys.argv[2] if noted else None)
