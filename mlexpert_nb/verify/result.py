"""Renders the ResultPackage from the artefacts; no figure in it comes from anywhere else."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import CodeFile, Deliverables, PerformanceMetrics, ResultPackage, TestFile, Validation
from mlexpert_nb.verify import artefacts, receipt
from mlexpert_nb.verify.artefacts import Artefacts
from mlexpert_nb.verify.cases import all_passed
from mlexpert_nb.verify.figures import short_bytes, short_count, short_ms
from mlexpert_nb.verify.job import MODEL_CHECKS
from mlexpert_nb.verify.scan import Source, is_test_code, is_test_file, summary
from mlexpert_nb.verify.suite import line_rate

_DOCUMENTS = {
    "architecture_diagram": "docs/architecture.md",
    "usage_examples": "examples/train.py",
    "readme": "README.md",
}


def read_result(root: Path) -> ResultPackage:
    """Render the result of a workspace from the artefacts that the judge left in it.

    Raises:
        UsageError: Nothing was judged here, or an artefact cannot be read any more.
    """
    left = artefacts.read(root)
    try:
        return render(left, lambda path: _text(root / path))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the artefacts in {root} make no sense: {error}; run the request again") from error


def render(left: Artefacts, text_of: Callable[[str], str]) -> ResultPackage:
    """Render a result from artefacts and the text of the delivered files."""
    request = receipt.one(left.records, "request")
    files = receipt.one(left.records, "files").get("sha256", {})
    delivered = [path for path in request.get("delivered", ()) if path in files]
    passed = bool(left.findings) and all(finding.passed for finding in left.findings)
    return ResultPackage(
        status="implementation_complete" if passed else "verification_failed",
        deliverables=Deliverables(
            code_files=tuple(_code_file(path, text_of(path), left.coverage) for path in delivered if _is_code(path)),
            tests=tuple(_test_file(path, left) for path in files if is_test_file(path)),
            documentation={name: path for name, path in _DOCUMENTS.items() if path in delivered},
        ),
        performance_metrics=_metrics(left.bench),
        validation=_validation(left),
        evidence=_evidence(left),
    )


def _is_code(path: str) -> bool:
    return path.endswith(".py") and not is_test_code(path) and path not in _DOCUMENTS.values()


def _code_file(path: str, text: str, coverage: Mapping[str, Any]) -> CodeFile:
    lines = coverage.get("files", {}).get(path, {})
    empty = lines.get("summary", {}).get("num_statements") == 0
    description = summary(Source.parse(path, text))
    loc = sum(bool(line.strip()) for line in text.splitlines())
    return CodeFile(path, description, loc, tested=empty or bool(lines.get("executed_lines")))


def _test_file(path: str, left: Artefacts) -> TestFile:
    own = [case for case in left.cases if case.path == path]
    passing = bool(own) and all(case.outcome == "passed" for case in own)
    return TestFile(path, math.floor(line_rate(left.coverage) or 0.0), passing)


def _metrics(bench: Mapping[str, Any]) -> PerformanceMetrics:
    parameters = bench.get("parameters")
    return PerformanceMetrics(
        parameter_count=short_count(parameters) if isinstance(parameters, int) else "not measured",
        inference_time=_inference_time(bench.get("latency")),
        vram_usage=_vram_usage(bench.get("memory")),
    )


def _inference_time(latency: Mapping[str, Any] | None) -> str:
    if not latency:
        return "not measured"
    per_token = "token_ms" in latency
    times = latency["token_ms" if per_token else "forward_ms"]
    what = "per token" if per_token else _pass(latency)
    threads = latency["threads"]
    where = f"CPU, {threads} thread{'s' if threads > 1 else ''}" if latency["device"] == "CPU" else "GPU"
    return f"{short_ms(times['p50'])} {what} p50, {short_ms(times['p95'])} p95 ({where})"


def _pass(latency: Mapping[str, Any]) -> str:
    if "context" in latency:
        return f"per pass over {latency['context']} tokens"
    size = latency["batch_size"]
    return "per example" if size == 1 else f"per batch of {size}"


def _vram_usage(memory: Mapping[str, Any] | None) -> str:
    if not memory:
        return "not measured"
    return f"{short_bytes(memory['bytes'])} ({'GPU' if memory['method'] == 'measured' else memory['method']})"


def _validation(left: Artefacts) -> Validation:
    return Validation(
        unit_tests=all_passed(case for case in left.cases if not case.is_integration),
        integration_tests=all_passed(case for case in left.cases if case.is_integration),
        manual_verification=_manual(left),
    )


def _manual(left: Artefacts) -> str:
    checks = [finding for finding in left.findings if finding.check in MODEL_CHECKS]
    passed = sum(finding.passed for finding in checks)
    both = next((finding for finding in checks if finding.check == "forward_backward"), None)
    if both is None:
        return "not run"
    first = "Forward/backward pass successful" if both.passed else f"Forward/backward pass failed: {both.measured}"
    return f"{first}; {passed}/{len(checks)} checks of the network passed"


def _evidence(left: Artefacts) -> dict[str, Any]:
    environment = receipt.one(left.records, "environment")
    return {
        "receipt": left.head,
        "checks": [_check(asdict(finding)) for finding in left.findings],
        "isolation": environment.get("isolation", ""),
        "environment": environment.get("versions", {}),
        "figures": dict(left.bench),
        "parameter_table": [list(row) for row in left.bench.get("parts", {}).items()],
        "line_coverage": line_rate(left.coverage),
    }


def _check(finding: dict[str, Any]) -> dict[str, Any]:
    named = {"name": finding.pop("check"), **finding}
    if named["passed"]:
        del named["fix"]
    return named


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else ""
