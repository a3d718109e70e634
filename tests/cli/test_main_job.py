"""The main job as a user types it, judged for real, once for all tests of this file; the notebook has the full size."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlexpert_nb import api
from mlexpert_nb.packages import ResultPackage

REQUEST = "Implement the TRM × Titans-MAG architecture from these papers with 5M parameters"
OPTIONS = (
    "--params", "5M", "--vram", "6GB", "--features", "sliding_window_attention,long_term_memory,ACT",
    "--approve", "auto", "--llm", "offline", "--workspace", "W", "--json",
)  # fmt: skip
COMMAND = [sys.executable, "-m", "mlexpert_nb", "implement", REQUEST, *OPTIONS]
SMALL = [sys.executable, "-m", "mlexpert_nb", "implement", "Implement LoRA", *OPTIONS[-7:]]  # the same way, sooner done


def start(folder, command=COMMAND):
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def snapshot(root):
    return {
        str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    }


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """Give the folder of a finished run (`W` below it) and what it printed."""
    folder = tmp_path_factory.mktemp("main_job")
    with start(folder) as process:
        out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err[-3000:]
    return folder, out


@pytest.mark.parametrize("moment", ["propose_plan", "create_model_skeleton", "checking the network"])
def test_ctrl_c_leaves_no_workspace_behind_and_exits_130(tmp_path, moment):
    with start(tmp_path, SMALL) as process:
        for line in process.stderr:
            if moment in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_standard_output_is_one_result_package_that_follows_the_schema(delivered):
    result = ResultPackage.from_json(json.loads(delivered[1]))
    assert result.status == "implementation_complete"
    assert result.performance_metrics.parameter_count == "5.0M"
    passed, ran = map(int, result.validation.unit_tests.removesuffix(" passing").split("/"))
    assert passed == ran >= 48
    assert all(test.coverage >= 95 and test.all_passing for test in result.deliverables.tests)


def test_the_delivered_files_are_those_of_the_contract(delivered):
    work = delivered[0] / "W"
    names = {"__init__", "config", "titans_mag", "trm_wrapper", "act_head", "full_model", "functional"}
    assert {path.stem for path in (work / "src" / "model").glob("*.py")} == names
    for path in ("docs/architecture.md", "examples/train.py", "pyproject.toml", "README.md"):
        assert (work / path).is_file(), path
    assert not [path for path in (work / "src").rglob("*.py") if "mlexpert" in path.read_text()]


def test_the_delivered_code_passes_its_tests_without_the_toolkit(delivered, tmp_path):
    shutil.copytree(delivered[0] / "W", tmp_path / "W")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_config.py", "tests/test_causality.py"],
        cwd=tmp_path / "W", capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:]


def test_the_delivered_example_prints_a_falling_loss(delivered, tmp_path):
    shutil.copytree(delivered[0] / "W", tmp_path / "W")
    ran = subprocess.run(
        [sys.executable, "examples/train.py", "--steps", "30"],
        cwd=tmp_path / "W", capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    losses = [float(line.split("loss")[1].split()[0]) for line in ran.stdout.splitlines() if "loss" in line]
    assert losses[-1] < losses[0] - 0.5


def test_a_second_run_into_the_same_workspace_changes_no_byte(delivered):
    folder, first = delivered
    before = snapshot(folder / "W")
    ran = subprocess.run(COMMAND, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert snapshot(folder / "W") == before
    again, once = json.loads(ran.stdout), json.loads(first)
    assert {key: again[key] for key in ("deliverables", "performance_metrics", "validation")} == {
        key: once[key] for key in ("deliverables", "performance_metrics", "validation")
    }


def every_sealed_file(work):
    unsealed = {"journal", "notebook_cells.py"}  # the second is the user's to edit
    return sorted(path for path in work.rglob("*") if path.is_file() and not unsealed & set(path.parts))


def test_one_changed_byte_in_any_file_is_found_and_named(delivered, tmp_path, mlexpert):
    work = tmp_path / "W"
    shutil.copytree(delivered[0] / "W", work)
    assert mlexpert("verify", work).returncode == 0
    for path in every_sealed_file(work):
        original = path.read_bytes()
        middle = len(original) // 2
        path.write_bytes(original[:middle] + bytes([original[middle] ^ 1]) + original[middle + 1 :])
        found = api.verify(work)
        assert not found.passed, path
        assert any(path.relative_to(work).as_posix() in problem for problem in found.touched), found
        ran = mlexpert("verify", work) if path.name == "trm_wrapper.py" else None
        assert ran is None or (ran.returncode == 4 and "src/model/trm_wrapper.py" in ran.stdout)
        path.write_bytes(original)
    assert api.verify(work).passed


def test_undo_leaves_nothing_of_the_run(delivered, tmp_path, mlexpert):
    shutil.copytree(delivered[0] / "W", tmp_path / "W")
    assert mlexpert("undo", "W").returncode == 0
    assert not [path for path in Path(tmp_path / "W").rglob("*") if path.is_file()]
