"""The child process that checks a network: whatever the delivered code does to it, no result is no pass."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from tiny_delivery import CONFIG, FUNCTIONAL, INIT, NETWORK

from mlexpert_nb import verify
from mlexpert_nb.errors import UnknownNameError
from mlexpert_nb.packages import Event
from mlexpert_nb.verify import Finding, JudgeSpec, benchmark
from mlexpert_nb.verify.job import RESULTS, Job, read_results
from mlexpert_nb.verify.probe import probe
from mlexpert_nb.verify.trial import open_trial
from mlexpert_nb.workspace import ChildLimits, run_child

FORWARD = "        x_BTD, _ = self.gru"
ONE = ["parameter_count"]


def benchmarked(root: Path, checks: list[str]) -> dict[str, Finding]:
    return {finding.check: finding for finding in benchmark(root, checks, lambda _event: None)}


def test_named_checks_run_and_leave_nothing_behind(deliver):
    root, events = deliver(**{"src/model/functional.py": FUNCTIONAL}), list[Event]()
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    spec = JudgeSpec("test", num_parameters=4727, latency_ms=1000.0)
    findings = benchmark(root, ["parameter_count", "latency"], events.append, spec)
    assert [(finding.check, finding.passed) for finding in findings] == [("parameter_count", True), ("latency", True)]
    assert "a token behind 512 (p50)" in findings[1].measured
    assert [(event.kind, event.passed) for event in events] == [("check", True), ("check", True)]
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_the_command_of_a_finding_measures_it_again(deliver):
    root = deliver()
    command = [sys.executable, "-m", "mlexpert_nb.verify.harness", ".", "parameter_count"]
    result = run_child(command, cwd=root, env={"PYTHONPATH": str(Path(verify.__file__).parents[2])})
    assert result.exit_code == 0
    assert json.loads(result.stdout)["measured"] == "4,727 parameters"


def test_the_front_door_loads_no_torch():
    code = "import sys, mlexpert_nb.verify; sys.exit('torch' in sys.modules or 'jsonschema' in sys.modules)"
    assert run_child([sys.executable, "-c", code], cwd=Path(verify.__file__).parents[2]).exit_code == 0


def test_an_unknown_check_is_refused_with_the_nearest_name(deliver):
    with pytest.raises(UnknownNameError, match=r"no check named 'causalty'; did you mean 'causality'\?"):
        benchmark(deliver(), ["causalty"], lambda _event: None)


@pytest.mark.parametrize(
    ("change", "measured"),
    [
        ({"src/model/__init__.py": INIT + "\n\nimport sys\nsys.exit(0)\n"}, "SystemExit: 0 (src/model/__init__.py:16)"),
        ({"src/model/__init__.py": "import nonsense\n"}, "No module named 'nonsense' (src/model/__init__.py:1)"),
        ({"src/model/__init__.py": '"""Empty."""\n'}, "src/model/__init__.py has no build_model(**config)"),
        ({"src/model/network.py": NETWORK.replace(FORWARD, f"        raise OSError('disk full')\n{FORWARD}")},
         "OSError: disk full (src/model/network.py:22)"),
        ({"src/model/config.py": '"""None."""\n\n\nclass ModelConfig:\n    """No dataclass."""\n'},
         "has no dataclass ModelConfig"),
        ({"src/model/config.py": CONFIG.replace("int = 23", "str = '23'")},
         "vocab_size is '23', not a number of tokens"),
        ({"src/model/__init__.py": INIT.replace("return TinyLM(ModelConfig(**config))", "return 1")},
         "build_model() does not give a torch.nn.Module"),
    ],
)  # fmt: skip
def test_code_that_cannot_be_used_fails_every_check_and_says_where(deliver, change, measured):
    found = benchmarked(deliver(**change), ONE)
    assert not any(finding.passed for finding in found.values())
    assert measured in found["import"].measured
    assert "cannot be imported" in found["parameter_count"].measured


def test_a_process_that_ends_itself_with_success_is_no_pass(deliver):
    network = NETWORK.replace(FORWARD, f"        if ids_BT.shape == (2, 7):\n            os._exit(0)\n{FORWARD}")
    network = network.replace("from torch import", "import os\n\nfrom torch import", 1)
    found = benchmarked(deliver(**{"src/model/network.py": network}), ["parameter_count", "forward_backward", "memory"])
    assert {name: finding.passed for name, finding in found.items()} == {
        "parameter_count": True,
        "forward_backward": False,
        "memory": False,
    }
    assert found["memory"].measured.startswith("the harness wrote no result: exit code 0")


def test_a_network_that_never_ends_is_stopped(deliver):
    root = deliver(**{"src/model/__init__.py": INIT + "\nwhile True:\n    pass\n"})
    with open_trial(root, JudgeSpec("test")) as trial:
        (finding,) = probe(trial, ONE, lambda _event: None, limits=ChildLimits(timeout_s=4.0)).findings
    assert not finding.passed
    assert finding.measured.startswith("the harness wrote no result: stopped after 4 s")


PRINTS_RESULTS = """
import json
import sys
from pathlib import Path

LINE = {"nonce": "", "check": "parameter_count", "passed": True, "measured": "fine", "limit": "", "fix": ""}
print(json.dumps(LINE), flush=True)
with (Path(sys.argv[-1]) / "results.jsonl").open("a") as file:
    file.write(json.dumps(LINE) + "\\n[]\\nnot json\\n")
"""


def test_results_that_the_code_under_judgement_writes_are_not_believed(deliver):
    root = deliver(**{"src/model/__init__.py": PRINTS_RESULTS})
    found = benchmarked(root, ONE)
    assert not found["parameter_count"].passed
    assert found["parameter_count"].measured != "fine"


BENDS_THE_CHECKS = """
import sys

checks = sys.modules["mlexpert_nb.verify.checks.causality"]
checks.gap = lambda left, right: 0.0 if left.ndim == 3 else 1.0
"""


def test_checks_that_the_code_under_judgement_bends_are_found_out_by_planted_networks(deliver):
    found = benchmarked(deliver(**{"src/model/__init__.py": INIT + BENDS_THE_CHECKS}), ["causality", "planted_models"])
    assert not found["planted_models"].passed
    assert "causality passed a fault" in found["planted_models"].measured


def test_a_result_is_believed_only_once_complete_and_with_the_secret_of_the_run(tmp_path):
    job = Job(
        "root", ("memory", "latency", "overfit"), JudgeSpec("test", delivered=("a.py",), claims=("frozen",)), "secret"
    )
    job.write(tmp_path)
    assert Job.take(tmp_path) == job
    assert not list(tmp_path.iterdir())
    good = '{"nonce":"secret","check":"%s","passed":true,"measured":"","limit":"","fix":"","figures":{"x":NaN}}'
    lines = [good % "memory", good.replace("secret", "guess") % "latency", good % "overfit", good % "overfit"]
    lines += ["", "[", "null", '{"nonce":"secret"}', good.replace("true", "1") % "latency", good % "unknown"]
    (tmp_path / RESULTS).write_text("\n".join(lines))
    (result,) = read_results(tmp_path, "secret", job.checks)
    assert (result.check, result.figures) == ("memory", {"x": None})
    assert dataclasses.asdict(result)["passed"] is True
    assert read_results(tmp_path / "nowhere", "secret", job.checks) == ()
