"""Results of every status, as the judge renders them, for the card tests."""

from mlexpert_nb.packages import CodeFile, Deliverables, PerformanceMetrics, ResultPackage, TestFile, Validation

ASKED = "Implement the TRM × Titans-MAG architecture from these papers with 25M parameters"
CHECKS = ("import", "ruff", "pytest", "causality", "latency")
FACTS = {
    "request": ASKED,
    "llm": "the offline catalogue, not a language model",
    "isolation": "bubblewrap: no network, own process space, files outside the workspace read-only",
    "receipt": "sha256:" + "ab12" * 16,
    "plan_digest": "sha256:" + "9f" * 32,
    "planned_vs_done": ["done as planned: src/model/config.py", "planned, not done: docs/x.md"],
    "parameter_table": [["embedding", 2_000_000], ["long-term memory", 8_000_000]],
}
DELIVERED = Deliverables(
    (CodeFile("src/model/titans_mag.py", "attention with memory", 350, tested=True),),
    (TestFile("tests/test_model.py", 95, all_passing=True), TestFile("tests/test_memory.py", 95, all_passing=True)),
    {"architecture_diagram": "docs/architecture.md"},
)


def checks(failed=()):
    return [
        {
            "name": name,
            "passed": name not in failed,
            "measured": f"{name} measured",
            "limit": f"{name} limit",
            "fix": f"mend {name}" if name in failed else "",
            "command": f"check {name}",
        }
        for name in CHECKS
    ]


def complete(**facts):
    return ResultPackage(
        "implementation_complete",
        DELIVERED,
        PerformanceMetrics("24.9M", "45ms per token p50, 52ms p95 (CPU, 1 thread)", "5.2GB (estimate, no GPU)"),
        Validation("48/48 passing", "12/12 passing", "Forward/backward pass successful"),
        {**FACTS, "checks": checks(), **facts},
    )


def failed():
    message = "not proven: causality, latency; nothing was changed in the workspace"
    validation = Validation("46/48 passing", "12/12 passing", "")
    evidence = {**FACTS, "checks": checks(("causality", "latency")), "message": message}
    return ResultPackage("verification_failed", DELIVERED, PerformanceMetrics("24.9M", "", ""), validation, evidence)


def ended(status, message, **facts):
    return ResultPackage(status, evidence={"request": ASKED, "message": message, "llm": FACTS["llm"], **facts})
