"""Imported by the kernels of the browser tests: a specialist that answers at once, in real workspaces.

The request says what comes of it: a line `cells: [[type, source, role], …]` in JSON, and `wait: SECONDS`. Only the
judge and the language model are left out; the magic, progress, card, workspace, receipts and undo are the real ones.
"""

import json
import re
import time
from hashlib import sha256
from pathlib import Path

from mlexpert_nb import commands
from mlexpert_nb.api.mirror import MIRROR, render
from mlexpert_nb.packages import (
    Cell,
    CodeFile,
    Deliverables,
    Event,
    PerformanceMetrics,
    Proposal,
    ResultPackage,
    TestFile,
    Validation,
)
from mlexpert_nb.workspace import Workspace

PARTS = [["embedding", 8_000_000], ["memory", 4_000_000], ["attention", 2_000_000], ["feed_forward", 6_000_000]]
CHECKS = ("tests", "coverage", "causality", "gradients", "latency")


def implement(text, *, on_event, ask, namespace, **options):
    """Answer a request by what it says."""
    del namespace
    root = Path(options.get("workspace") or "W")
    wait = float((re.search(r"^wait: (.+)$", text, re.MULTILINE) or [0, 0])[1])
    on_event(Event("phase", "plan"))
    if options.get("approve", "ask") == "ask" and not ask(Proposal("# Plan\n\n1. write it", "sha256:1", "A  a.py")):
        return ResultPackage("plan_ready", evidence={"message": "not approved"})
    on_event(Event("phase", "verify"))
    _work(wait, on_event)
    cells = tuple(Cell(*each) for each in json.loads((re.search(r"^cells: (.+)$", text, re.MULTILINE) or [0, "[]"])[1]))
    return _deliver(Workspace.open(root), text, cells)


def generated_cells(workspace):
    """Give the cells of the workspace's last run."""
    return tuple(Cell(**each) for each in json.loads((Path(workspace) / ".mlexpert" / "cells.json").read_text()))


def _work(wait, on_event):
    for step in range(int(wait * 20)):
        on_event(Event("test", f"tests/test_model.py::test_{step % 7}", done=step + 1, total=int(wait * 20)))
        if step % 20 == 5:
            on_event(Event("check", f"{CHECKS[step // 20 % len(CHECKS)]}: as it should be", passed=True))
        time.sleep(0.05)


def _deliver(workspace, text, cells):
    receipt = "sha256:" + sha256(text.encode()).hexdigest()
    repeated = [each.receipt for each in workspace.history()][-1:] == [receipt]
    if not repeated:
        with workspace.stage() as stage:
            stage.write("src/model.py", f'"""The network."""\n\nREQUEST = {receipt!r}\n')
            _write_cells(stage, cells)
            stage.write(MIRROR, render(cells))
            workspace.commit(
                stage, label=f"implement: {text.splitlines()[0]}", replaces={"src/model.py", MIRROR}, receipt=receipt
            )
    return _result(text, receipt, repeated=repeated)


def _write_cells(stage, cells):
    stage.state.mkdir(parents=True, exist_ok=True)
    rows = [{"cell_type": cell.cell_type, "source": cell.source, "role": cell.role} for cell in cells]
    (stage.state / "cells.json").write_text(json.dumps(rows))


def _result(text, receipt, *, repeated):
    checks = [{"name": name, "passed": True, "measured": "as it should be", "limit": "that"} for name in CHECKS]
    evidence = {
        "request": text,
        "llm": "a stand-in of the tests",
        "receipt": receipt,
        "checks": checks,
        "parameter_table": PARTS,
        "planned_vs_done": ["done as planned: src/model.py"],
        **({"unchanged": True} if repeated else {}),
    }
    delivered = Deliverables(
        (CodeFile("src/model.py", "the network", 3, tested=True),),
        (TestFile("tests/test_model.py", 97, all_passing=True),),
        {"architecture_diagram": "docs/architecture.md"},
    )
    return ResultPackage(
        "implementation_complete",
        delivered,
        PerformanceMetrics("20M", "23ms per token p50, 27ms p95 (CPU, 1 thread)", "1.0GB (estimate, no GPU)"),
        Validation("48/48 passing", "12/12 passing", ""),
        evidence,
    )


commands.api.implement = implement
commands.api.generated_cells = generated_cells
