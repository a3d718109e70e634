"""A whole judgement of a small delivery, and what can be told from what it leaves."""

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest
from tiny_delivery import FILES, NETWORK

from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import Event, ResultPackage, schema
from mlexpert_nb.verify import MODEL_CHECKS, JudgeSpec, Verdict, delivered_files, judge, read_result, verify
from mlexpert_nb.workspace import STATE

from .conftest import TORCHLESS

TEXT_CHECKS = ("delivered", "honest_code", "dependencies", "ruff", "tests", "test_count", "planted_tests", "coverage")
ARTEFACTS = ("bench.json", "checks.json", "coverage.json", "junit.xml", "ruff.json")


class Judged:
    """One judged delivery; `copy` gives another folder with the same bytes to do things to."""

    def __init__(self, root: Path) -> None:
        self.root, self.events = root, list[Event]()
        for path, text in FILES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        (root / STATE / "journal").mkdir(parents=True)
        (root / STATE / "journal" / "1.json").write_text("{}")
        (root / STATE / "run.json").write_text("{}")
        spec = JudgeSpec("sha256:request", num_parameters=4700, vram_bytes=10**9, delivered=tuple(FILES))
        self.verdict: Verdict = judge(root, spec, self.events.append)

    def copy(self, to: Path) -> Path:
        """Copy the delivery with everything that the judge left."""
        return shutil.copytree(self.root, to / "copy")


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Judged:
    """Judge the good delivery once."""
    return Judged(tmp_path_factory.mktemp("judged") / "workspace")


@pytest.fixture
def copy(judged, tmp_path) -> Path:
    """Give a copy of the judged delivery."""
    return judged.copy(tmp_path)


def test_a_good_delivery_passes_every_check(judged):
    assert [finding.check for finding in judged.verdict.findings if not finding.passed] == []
    assert judged.verdict.passed
    every = [*TEXT_CHECKS, *MODEL_CHECKS, "mutation", "unchanged"]
    assert [finding.check for finding in judged.verdict.findings] == every
    assert all(finding.measured and finding.limit and finding.command for finding in judged.verdict.findings)


def test_progress_is_told_phase_by_phase_test_by_test_check_by_check(judged):
    phases = [event.text for event in judged.events if event.kind == "phase"]
    assert phases == ["verify: reading the files", "verify: running the tests", "verify: checking the network"]
    tests = [(event.done, event.total, event.passed) for event in judged.events if event.kind == "test"]
    assert tests == [(1, 4, True), (2, 4, True), (3, 4, True), (4, 4, True)]
    checks = [event.text.split(":")[0] for event in judged.events if event.kind == "check"]
    assert checks == [finding.check for finding in judged.verdict.findings]


def test_every_figure_of_the_result_is_one_of_the_artefacts(judged):
    result = read_result(judged.root)
    bench = json.loads((judged.root / STATE / "bench.json").read_text())
    junit = ET.parse(judged.root / STATE / "junit.xml").getroot()  # noqa: S314 - the judge wrote it
    assert result.status == "implementation_complete"
    assert result.validation.unit_tests == "3/3 passing"
    assert result.validation.integration_tests == "1/1 passing"
    assert len(list(junit.iter("testcase"))) == 4
    assert result.validation.manual_verification == (
        f"Forward/backward pass successful; {len(MODEL_CHECKS)}/{len(MODEL_CHECKS)} checks of the network passed"
    )
    assert result.performance_metrics.parameter_count == "4.7K"
    assert result.evidence["figures"]["parameters"] == bench["parameters"] == 4727
    assert result.performance_metrics.inference_time.endswith("p95 (CPU, 1 thread)")
    assert "per pass over 512 tokens p50" in result.performance_metrics.inference_time
    assert result.performance_metrics.vram_usage == "568.2KB (estimate, no GPU)"
    assert bench["threads"] == bench["latency"]["threads"] == 1
    assert result.evidence["figures"]["mutation"] == bench["mutation"]
    assert bench["mutation"]["possible"] == 2  # too few for a rate


def test_deliverables_are_described_from_the_files(judged):
    delivered = read_result(judged.root).deliverables
    by_path = {each.path: each for each in delivered.code_files}
    assert list(by_path) == ["src/model/__init__.py", "src/model/config.py", "src/model/network.py"]
    network = by_path["src/model/network.py"]
    assert network.description == "GRU language model: reads tokens from left to right."
    assert network.loc == sum(bool(line.strip()) for line in NETWORK.splitlines())
    assert network.tested
    assert [(each.path, each.coverage, each.all_passing) for each in delivered.tests] == [
        ("tests/test_integration_training.py", 100, True),
        ("tests/test_network.py", 100, True),
    ]
    assert delivered.documentation["architecture_diagram"] == "docs/architecture.md"
    assert delivered.documentation["usage_examples"] == "examples/train.py"


def test_the_result_follows_the_published_schema_and_carries_its_receipt(judged):
    result = read_result(judged.root)
    jsonschema.validate(result.to_json(), dict(schema("result_package")))
    assert ResultPackage.from_json(result.to_json()).to_json() == result.to_json()
    assert result.to_json() == json.loads((judged.root / STATE / "result.json").read_text())
    assert result.evidence["receipt"] == judged.verdict.receipt
    assert result.evidence["isolation"]
    assert {check["name"] for check in result.evidence["checks"]} >= {"causality", "tests", "ruff"}


def test_artefacts_and_receipt_name_no_temporary_folder(judged):
    for name in (*ARTEFACTS, "receipt.jsonl", "result.json"):
        assert "mlexpert-judge" not in (judged.root / STATE / name).read_text()


def test_an_untouched_delivery_is_verified(judged):
    verification = verify(judged.root, judged.verdict.receipt)
    assert verification.passed
    assert verification.touched == ()
    assert verification.receipt == judged.verdict.receipt


SEALED = [*FILES, *(f"{STATE}/{name}" for name in (*ARTEFACTS, "run.json", "receipt.jsonl", "result.json"))]


@pytest.mark.parametrize("path", SEALED)
def test_one_changed_byte_is_found_and_its_file_is_named(copy, path):
    content = (copy / path).read_bytes()
    for position in {0, len(content) // 3, len(content) // 2, len(content) - 1}:
        flipped = bytes([content[position] ^ 1])
        (copy / path).write_bytes(content[:position] + flipped + content[position + 1 :])
        verification = verify(copy)
        assert not verification.passed
        assert any(line.startswith(path) for line in verification.touched), (position, verification.touched)
    (copy / path).write_bytes(content + b"\n")
    assert any(line.startswith(path) for line in verify(copy).touched)
    (copy / path).write_bytes(content)
    assert verify(copy).passed


@pytest.mark.parametrize("path", SEALED)
def test_a_missing_file_is_named(copy, path):
    (copy / path).unlink()
    verification = verify(copy)
    assert not verification.passed
    assert any(line.startswith(f"{path}: missing") for line in verification.touched)


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_more.py",
        "tests/conftest.py",
        "src/extra.py",
        "src/model/fast.so",
        "conftest.py",
        "pytest.ini",
        "torch.py",
    ],
)
def test_added_code_is_named(copy, path):
    (copy / path).write_text("x = 1\n")
    assert verify(copy).touched == (f"{path}: added after the verdict",)


@pytest.mark.parametrize("path", ["notes.md", "train_mine.py", "tests/__pycache__/a.pyc", f"{STATE}/journal/2.json"])
def test_what_does_not_bear_on_the_verdict_may_be_added(copy, path):
    (copy / path).parent.mkdir(exist_ok=True)
    (copy / path).write_text("x\n")
    assert verify(copy).passed


def test_a_file_replaced_by_a_link_is_named(copy):
    (copy / "elsewhere").mkdir()
    shutil.move(copy / "src" / "model", copy / "elsewhere" / "model")
    (copy / "src" / "model").symlink_to(copy / "elsewhere" / "model")
    assert "src/model: is a symbolic link" in verify(copy).touched


def test_a_changed_count_is_named_with_both_values(copy):
    path = copy / STATE / "result.json"
    path.write_text(path.read_text().replace("3/3 passing", "4/4 passing"))
    assert verify(copy).touched == (
        '.mlexpert/result.json: validation.unit_tests is "4/4 passing", the artefacts say "3/3 passing"',
    )


def test_a_raised_coverage_is_found_in_the_artefact_and_in_the_result(copy):
    path = copy / STATE / "coverage.json"
    path.write_text(path.read_text().replace('"covered_lines"', '"covered_Lines"'))
    lines = verify(copy).touched
    assert lines[0].startswith(".mlexpert/coverage.json: changed")
    assert any("deliverables.tests" in line for line in lines)


def test_a_receipt_that_ends_early_is_found(copy):
    path = copy / STATE / "receipt.jsonl"
    path.write_text("".join(line + "\n" for line in path.read_text().split("\n")[:-2]))
    assert ".mlexpert/receipt.jsonl: the record 'verdict' is gone" in verify(copy).touched


def test_another_receipt_than_the_one_that_was_kept_is_found(copy, judged):
    kept = "sha256:" + 64 * "a"
    (line,) = verify(copy, kept).touched
    assert line.startswith(
        f".mlexpert/receipt.jsonl: is another receipt ({judged.verdict.receipt[:19]}, expected {kept[:19]}"
    )


def test_a_folder_without_a_receipt_is_not_verified(tmp_path):
    verification = verify(tmp_path)
    assert not verification.passed
    assert verification.touched[0].startswith(".mlexpert/receipt.jsonl: missing")
    with pytest.raises(UsageError, match="holds no receipt"):
        read_result(tmp_path)


@pytest.mark.parametrize("text", ["", "null\n", "[]\n", "\x00\n", '{"kind":"files","sha256":{"../x":"y"}}\n', "\ud83d"])
def test_a_receipt_of_nonsense_is_not_believed(copy, text):
    (copy / STATE / "receipt.jsonl").write_bytes(text.encode("utf-8", errors="surrogatepass"))
    assert not verify(copy).passed
    assert delivered_files(copy) == ()


def test_a_receipt_in_which_the_types_are_wrong_is_not_believed(copy):
    path = copy / STATE / "receipt.jsonl"
    lines = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    for facts in (
        {"delivered": 5},
        {"sha256": 5},
        {"sha256": {"/etc/passwd": "x", "../x": "y", "a\0b": "z"}},
        {"kind": 5},
    ):
        path.write_text("".join(json.dumps({**line, **facts}) + "\n" for line in lines))
        assert not verify(copy).passed
        assert delivered_files(copy) == ()


INFINITE = '{"memory": {"bytes": 1e999}, "totals": {"num_statements": 1, "covered_lines": 1e999}, "files": {}}'


@pytest.mark.parametrize("name", ARTEFACTS)
@pytest.mark.parametrize("text", ["", "null", "[1]", "{", '{"a": 1}', "<a/>", INFINITE])
def test_an_artefact_of_nonsense_is_named(copy, name, text):
    (copy / STATE / name).write_text(text)
    assert any(line.startswith(f".mlexpert/{name}: changed") for line in verify(copy).touched)


def test_files_that_were_delivered_and_not_touched_since_are_known(copy):
    (copy / "README.md").write_text("mine now\n")
    (copy / "src" / "model" / "config.py").unlink()
    assert delivered_files(copy) == tuple(sorted(set(FILES) - {"README.md", "src/model/config.py"}))
    assert delivered_files(copy / "src") == ()


def test_a_bad_delivery_is_told_for_what_it_is(deliver):
    leaky = NETWORK.replace("self.gru(self.embed(ids_BT))", "self.gru(self.embed(ids_BT).flip(1))")
    writes = "\n\ndef test_it_writes():\n    open('src/model/config.py', 'a').write('# more')\n"
    root = deliver(**{"src/model/network.py": leaky, "tests/test_network.py": FILES["tests/test_network.py"] + writes})
    verdict = judge(root, JudgeSpec("k", num_parameters=9000, delivered=tuple(FILES)), lambda _event: None)
    failed = {finding.check: finding.measured for finding in verdict.findings if not finding.passed}
    assert set(failed) == {"causality", "parameter_count", "unchanged"}
    assert failed["unchanged"].startswith("src/model/config.py: changed")
    assert not verdict.passed
    result = read_result(root)
    assert result.status == "verification_failed"
    assert result.exit_code == 4
    assert verify(root).passed
    assert (root / "src/model/config.py").read_text() == FILES["src/model/config.py"]


def test_an_interrupt_goes_through_at_once_and_leaves_no_verdict(deliver):
    root = deliver(TORCHLESS)

    def interrupt(event: Event) -> None:
        if event.kind == "test":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(root, JudgeSpec("k", delivered=tuple(TORCHLESS)), interrupt)
    assert not (root / STATE).exists()
    assert delivered_files(root) == ()
