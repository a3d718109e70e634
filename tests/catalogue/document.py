"""Writes docs/catalogue.md from the entries and from what was measured: `python tests/catalogue/document.py`.

Figures of the oracle tests are taken over from build/oracles, where the last run of `make oracles` left them.
"""

import json
import sys
from pathlib import Path

from mlexpert_nb.catalogue.entries import ENTRIES
from mlexpert_nb.catalogue.entry import Entry
from mlexpert_nb.catalogue.verified import Oracle, Verified, verified

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "mlexpert_nb" / "catalogue" / "verified.json"
FIGURES = ROOT / "build" / "oracles"
DOCUMENT = ROOT / "docs" / "catalogue.md"

_HEAD = """\
# The catalogue

{count} networks in plain PyTorch that are copied into your project and that you own. Each is written from its paper
and is delivered with its own tests; the table says when it last went through the whole gate of the judge. Where a
library is trusted by everybody, the weights of its network are copied and both must agree.

This page is written by `tests/catalogue/document.py` from `make catalogue` and `make oracles`; no figure is typed.

## Entries

| entry | what it is | parameters | own tests | lines reached | planted faults found | gate | proven |
|---|---|---:|---:|---:|---:|---:|---|
"""
_ORACLES = """
## Equal to the reference

Largest absolute differences after a copy of the weights, random weights, no network: outputs and gradients in float64,
outputs in float32; parameters where both count the same thing.

| entry | reference | outputs | gradients | outputs, float32 | parameters |
|---|---|---:|---:|---:|---:|
"""


def document() -> str:
    """Give the text of the page."""
    rows = [_row(entry, verified(entry.name)) for entry in ENTRIES.values()]
    compared = [_oracle(name, each) for name in ENTRIES for each in verified(name).oracles]
    details = [_details(entry) for entry in ENTRIES.values()]
    return "".join([_HEAD.format(count=len(ENTRIES)), *rows, _ORACLES, *compared, "\n## What each takes\n", *details])


def take_over() -> None:
    """Put the figures of the last run of the oracle tests into the record."""
    record = json.loads(RECORD.read_text("utf-8"))
    found: dict[str, list[dict[str, object]]] = {}
    for path in sorted(FIGURES.glob("*.json")):
        for each in json.loads(path.read_text("utf-8")):
            kept = {"name": each.pop("oracle"), **{key: value for key, value in each.items() if key != "entry"}}
            found.setdefault(each["entry"], []).append(kept)
    for name, oracles in found.items():
        record[name] = {**record.get(name, {}), "oracles": _worst(oracles)}
    ordered = {name: record[name] for name in ENTRIES if name in record}
    RECORD.write_text(json.dumps(ordered, indent=2) + "\n", "utf-8")


def _worst(oracles: list[dict[str, object]]) -> list[dict[str, object]]:
    """Keep one row for each reference: the largest difference of each kind, over every test that has it."""
    rows: dict[str, dict[str, object]] = {}
    for each in oracles:
        row = rows.setdefault(str(each["name"]), {"name": each["name"]})
        for key, value in each.items():
            if isinstance(value, int | float):
                row[key] = max(value, row.get(key, value))
    return [rows[name] for name in sorted(rows)]


def _row(entry: Entry, facts: Verified) -> str:
    count = entry.count_parameters(entry.solve(None))
    if not facts.date:
        return f"| [`{entry.name}`](#{entry.name}) | {entry.title} | {count:,} | | | | | not yet in this table |\n"
    rate = "" if facts.kill_rate is None else f"{100 * facts.kill_rate:.0f} %"
    suite = f"{facts.tests} | {facts.coverage:.0f} % | {rate}"
    name = f"[`{entry.name}`](#{entry.name})"
    return f"| {name} | {entry.title} | {count:,} | {suite} | {facts.seconds:.0f} s | {facts.date} |\n"


def _oracle(name: str, facts: Oracle) -> str:
    shown = [_small(each) for each in (facts.output, facts.gradient, facts.output_float32)]
    count = "" if facts.parameters is None else f"{facts.parameters:,}"
    return f"| `{name}` | {facts.name} | {' | '.join(shown)} | {count} |\n"


def _small(difference: float | None) -> str:
    return "" if difference is None else f"{difference:.1e}" if difference else "0"


def _details(entry: Entry) -> str:
    lines = [f"\n### {entry.name}\n\n{entry.summary}.\n"]
    lines += [f"- Ask for it: “{entry.request}”\n"] if entry.request else []
    lines += [f"- Sources: {'; '.join(entry.papers)}\n"]
    choices = [f"`{key}`: {', '.join(values)}" for key, values in entry.options.items()]
    lines += [f"- Options that a request may name: {'; '.join(choices)}\n"] if choices else []
    numbers = [f"`{key}`" for key in entry.numbers]
    lines += [f"- Numbers that a request may name: {', '.join(numbers)}\n"] if numbers else []
    lines += [f"- Published sizes: {', '.join(entry.presets)}\n"] if entry.presets else []
    return "".join(lines)


def main() -> None:
    """Take the figures over and write the page."""
    take_over()
    DOCUMENT.write_text(document(), "utf-8")
    sys.stdout.write(f"wrote {DOCUMENT.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
