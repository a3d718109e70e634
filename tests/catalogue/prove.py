"""Sends entries of the catalogue through the whole gate: `make catalogue`, or `prove.py [NAME ...]`.

Each gets its plainest request, as a person would type it. What the judge measured is kept in the package's
`verified.json`, from which `%mlexpert catalogue` and docs/catalogue.md have it; the exit code is 0 if all are complete.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from mlexpert_nb.catalogue.entries import ENTRIES
from mlexpert_nb.catalogue.entry import Entry

ROOT = Path(__file__).parents[2]
WORKSPACES = ROOT / "build" / "catalogue"
RECORD = ROOT / "mlexpert_nb" / "catalogue" / "verified.json"
LEAST = 0.9  # of the planted faults that an entry's own tests find
COMMAND = Path(sys.executable).with_name("mlexpert")


def prove(entry: Entry) -> dict[str, object]:
    """Run the request of one entry in a new workspace; give what is kept about it."""
    workspace = WORKSPACES / entry.name
    shutil.rmtree(workspace, ignore_errors=True)
    words = ["implement", entry.request, "--llm", "offline", "--approve", "auto", "--json", "--workspace", workspace]
    began = time.perf_counter()
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    try:
        result = json.loads(done.stdout)
    except ValueError:
        result = {"status": "no result", "evidence": {"message": done.stderr[-2000:]}}
    return {**_facts(result), "seconds": round(seconds, 1)}


def _facts(result: dict) -> dict[str, object]:
    evidence, validation = result.get("evidence", {}), result.get("validation") or {}
    figures = evidence.get("figures", {})
    counts = [str(validation.get(kind, "0/0")).split("/")[0] for kind in ("unit_tests", "integration_tests")]
    failed = [each["name"] + ": " + each["measured"] for each in evidence.get("checks", []) if not each["passed"]]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "status": result["status"],
        "tests": sum(int(count) for count in counts if count.isdigit()),
        "coverage": round(evidence.get("line_coverage") or 0.0, 1),
        "kill_rate": (figures.get("mutation") or {}).get("rate"),
        "failed": failed or [evidence.get("message", "")],
    }


def tell(name: str, facts: dict[str, object]) -> bool:
    """Print one line about an entry; say whether it is complete."""
    complete = facts["status"] == "implementation_complete"
    failed = facts.pop("failed")
    rate = facts["kill_rate"]
    enough = isinstance(rate, float) and rate >= LEAST
    killed = f"{100 * rate:3.0f} % of planted faults" if isinstance(rate, float) else "no kill rate"
    word = "ok    " if complete and enough else "FAILED"
    sys.stdout.write(
        f"{word} {name:24}{facts['seconds']:7.1f} s  {facts['tests']:4} tests  "
        f"{facts['coverage']:5.1f} % of lines  {killed}\n"
    )
    if not complete:
        sys.stdout.write(f"       {facts['status']}: {'; '.join(map(str, failed))[:600]}\n")
    elif not enough:
        sys.stdout.write(f"       its tests find fewer than {LEAST:.0%} of the planted faults\n")
    sys.stdout.flush()
    return complete and enough


def keep(found: dict[str, dict[str, object]]) -> None:
    """Put what was measured beside what the oracles said."""
    record = json.loads(RECORD.read_text("utf-8"))
    for name, facts in found.items():
        record[name] = {**record.get(name, {}), **facts}
    ordered = {name: record[name] for name in ENTRIES if name in record}
    RECORD.write_text(json.dumps(ordered, indent=2) + "\n", "utf-8")


def main() -> int:
    """Prove the named entries, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=2, help="entries at once")
    args = parser.parse_args()
    chosen = [ENTRIES[name] for name in args.names or ENTRIES]
    began, complete = time.perf_counter(), 0
    with ThreadPoolExecutor(args.jobs) as pool:
        for entry, facts in zip(chosen, pool.map(prove, chosen), strict=True):
            complete += tell(entry.name, facts)
            if facts["status"] == "implementation_complete":  # kept at once: an interrupt loses nothing
                keep({entry.name: facts})
    sys.stdout.write(f"{complete} of {len(chosen)} complete, {time.perf_counter() - began:.0f} s in all\n")
    return 0 if complete == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
