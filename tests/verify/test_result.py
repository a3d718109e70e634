"""The result for people, rendered from artefacts: what was not measured says so."""

import pytest

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify import Finding, JudgeSpec, read_result
from mlexpert_nb.verify.artefacts import Artefacts
from mlexpert_nb.verify.figures import short_bytes, short_count, short_ms
from mlexpert_nb.verify.receipt import Record
from mlexpert_nb.verify.result import render
from mlexpert_nb.workspace import STATE

BOTH = Finding("forward_backward", passed=True, measured="finite", limit="finite", fix="", command="c")


def rendered(bench, *, findings=(BOTH,), coverage=None, files=()):
    records = (
        Record("request", {"delivered": list(files)}),
        Record("files", {"sha256": dict.fromkeys(files, "")}),
    )
    return render(
        Artefacts((), coverage or {}, bench, findings, records, "head"), lambda _path: '"""Text."""\n\nx = 1\n'
    )


def test_what_was_not_measured_says_so():
    metrics = rendered({}).performance_metrics
    assert (metrics.parameter_count, metrics.inference_time, metrics.vram_usage) == ("not measured",) * 3
    assert rendered({}, findings=()).validation.manual_verification == "not run"
    assert rendered({}, findings=()).status == "verification_failed"


def test_times_say_what_was_timed_and_where():
    times = {"p50": 23.6, "p95": 31.2, "samples": 40}
    on_cpu = {"device": "CPU", "threads": 1, "context": 512, "token_ms": times, "forward_ms": times}
    on_gpu = {"device": "NVIDIA X", "threads": 8, "context": 512, "forward_ms": times}
    assert rendered({"latency": on_cpu}).performance_metrics.inference_time == (
        "24ms per token p50, 31ms p95 (CPU, 1 thread)"
    )
    assert rendered({"latency": on_gpu}).performance_metrics.inference_time == (
        "24ms per pass over 512 tokens p50, 31ms p95 (GPU)"
    )


@pytest.mark.parametrize(("size", "words"), [(1, "per example"), (4, "per batch of 4")])
def test_a_network_that_reads_no_tokens_is_timed_by_example(size, words):
    times = {"p50": 23.6, "p95": 31.2, "samples": 11}
    latency = {"device": "CPU", "threads": 1, "batch_size": size, "forward_ms": times}
    assert rendered({"latency": latency}).performance_metrics.inference_time == (
        f"24ms {words} p50, 31ms p95 (CPU, 1 thread)"
    )


def test_an_estimate_of_memory_says_so():
    estimate, measured = {"bytes": 5_200_000_000, "method": "estimate, no GPU"}, {"bytes": 10**9, "method": "measured"}
    assert rendered({"memory": estimate}).performance_metrics.vram_usage == "5.2GB (estimate, no GPU)"
    assert rendered({"memory": measured}).performance_metrics.vram_usage == "1.0GB (GPU)"


def test_a_file_no_line_of_which_ran_is_not_tested():
    lines = {"executed_lines": [], "missing_lines": [1], "summary": {"num_statements": 1}}
    (file,) = rendered({}, coverage={"files": {"src/a.py": lines}}, files=["src/a.py"]).deliverables.code_files
    assert not file.tested
    assert (file.description, file.loc) == ("Text.", 2)


def test_a_failed_check_carries_what_to_do():
    failed = Finding("causality", passed=False, measured="leaks", limit="none", fix="mask", command="c")
    result = rendered({}, findings=(BOTH, failed))
    assert result.status == "verification_failed"
    assert result.validation.manual_verification == "Forward/backward pass successful; 1/2 checks of the network passed"
    assert [check.get("fix") for check in result.evidence["checks"]] == [None, "mask"]


def test_a_failed_backward_pass_is_not_called_successful():
    failed = Finding("forward_backward", passed=False, measured="gradients are missing", limit="", fix="", command="")
    manual = rendered({}, findings=(failed,)).validation.manual_verification
    assert manual == "Forward/backward pass failed: gradients are missing; 0/1 checks of the network passed"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("checks.json", "{", "cannot be read"),
        ("checks.json", '[{"passed": true}]', "cannot be read"),
        ("bench.json", '{"latency": 5}', "make no sense"),
        ("coverage.json", '{"totals": 5}', "make no sense"),
    ],
)
def test_artefacts_that_cannot_be_read_are_refused(tmp_path, name, text, message):
    (tmp_path / STATE).mkdir()
    contents = {"junit.xml": "", "coverage.json": "{}", "bench.json": "{}", "checks.json": "[]", "receipt.jsonl": ""}
    for each, content in {**contents, name: text}.items():
        (tmp_path / STATE / each).write_text(content)
    with pytest.raises(UsageError, match=message):
        read_result(tmp_path)


def test_figures_are_short():
    assert [short_count(count) for count in (812, 82_100, 24_929_609, 7 * 10**9)] == ["812", "82.1K", "24.9M", "7.0B"]
    assert [short_bytes(count) for count in (12, 1500, 568_300, 5_200_000_000)] == ["12B", "1.5KB", "568.3KB", "5.2GB"]
    assert [short_ms(value) for value in (0.26, 9.94, 9.96, 24.4)] == ["0.3ms", "9.9ms", "10ms", "24ms"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../a.py", "a/../../b.py", "a\\b.py"])
def test_a_path_outside_the_workspace_cannot_be_announced(path):
    with pytest.raises(UsageError, match="was delivered outside the workspace"):
        JudgeSpec("k", delivered=(path,))
