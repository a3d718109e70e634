"""Asks a child process about the network in a file or a folder: that code never runs in this process."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlexpert_nb.errors import EnvironmentProblem, UsageError
from mlexpert_nb.verify import tree
from mlexpert_nb.verify.behaviour.figures import Benchmark
from mlexpert_nb.verify.behaviour.report import Examination
from mlexpert_nb.workspace import ChildLimits, run_child, temporary_folder

QUESTION, ANSWER = "question.json", "answer.json"
_LIMITS = ChildLimits(timeout_s=300.0, cpu_s=300)
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": str(_PACKAGE_ROOT)}
_NOTHING_RAN = 5  # pytest's exit code where it found no test


@dataclass(frozen=True, slots=True)
class Written:
    """A test file as text: the tests in it, and what the user has to fill in."""

    text: str
    tests: tuple[str, ...]
    to_do: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of tests ended: whether all passed, and what pytest said last."""

    passed: bool
    said: str
    failed: tuple[str, ...] = ()


def examine_path(
    path: Path, name: str = "", *, claims: Sequence[str] = (), folder: Path | None = None
) -> tuple[Examination, Written]:
    """Examine the network of a Python file or a delivered folder, and write the tests of it.

    Raises:
        UsageError: There is no network, or it cannot be examined; one line says why.
        EnvironmentProblem: The child gave no answer.
    """
    found = _asked(path, name, "behaviour", {"claims": list(claims), "folder": str(folder) if folder else ""})
    suite = found["suite"]
    written = Written(str(suite["text"]), tuple(map(str, suite["tests"])), str(suite["to_do"]))
    return Examination.from_json(found["examination"]), written


def benchmark_path(path: Path, name: str = "", *, target_ms: float | None = None) -> Benchmark:
    """Measure the network of a Python file or a delivered folder.

    Raises:
        UsageError: There is no network, or it does not run.
        EnvironmentProblem: The child gave no answer.
    """
    return Benchmark.from_json(_asked(path, name, "figures", {"target_ms": target_ms})["figures"])


def run_tests(root: Path, paths: Sequence[str]) -> Ran:
    """Run test files of a folder in a child process; `src` is on the path, and nothing is written beside them."""
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "--color=no", "--tb=line", "-p", "no:cacheprovider", *paths]
    source = f"{root / 'src'}:{root}"
    env = {**_ENVIRONMENT, "PYTHONPATH": source, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ended = run_child([*argv, "-rfE", f"--rootdir={root}", "-c", "/dev/null"], cwd=root, env=env, limits=_LIMITS)
    lines = [each.strip() for each in ended.stdout.splitlines() if each.strip()]
    failed = tuple(each.split()[1] for each in lines if each.startswith(("FAILED ", "ERROR ")) and " " in each)
    if len(paths) == 1:
        failed = tuple(each.rpartition("::")[2] for each in failed)
    last = (lines or ended.stderr.splitlines() or ["no output"])[-1]
    passed = ended.exit_code == 0
    said = "no test was found" if ended.exit_code == _NOTHING_RAN else last
    return Ran(passed, said, failed)


def _asked(path: Path, name: str, want: Literal["behaviour", "figures"], more: Mapping[str, Any]) -> dict[str, Any]:
    place = path.expanduser().resolve()
    if not place.exists() or (place.is_file() and place.suffix != ".py"):
        raise UsageError(f"{path} is no Python file and no folder; name FILE.py, FILE.py:CLASS, or a workspace")
    if place.is_dir() and not (place / "src" / "model" / "__init__.py").is_file():
        raise UsageError(f"{path} has no src/model/__init__.py; name a Python file, or a folder with src/model")
    with temporary_folder("mlexpert-examine-") as room:
        results, root = room / "results", room / "delivery"
        results.mkdir()
        if place.is_dir():
            root.mkdir()
            tree.copy(place, root)
        question = {"path": str(root if place.is_dir() else place), "name": name, "want": want, **more}
        (results / QUESTION).write_text(json.dumps(question), encoding="utf-8")
        argv = [sys.executable, "-B", "-P", "-m", "mlexpert_nb.verify.behaviour", str(results)]
        cwd = root if place.is_dir() else place.parent
        ended = run_child(argv, cwd=cwd, writable=(results,), env=_ENVIRONMENT, limits=_LIMITS)
        answer = results / ANSWER
        if not answer.is_file():
            how = "took too long" if ended.timed_out else f"ended with exit code {ended.exit_code}"
            last = (ended.stderr.strip().splitlines() or ["no output"])[-1]
            raise EnvironmentProblem(f"examining {path} {how}: {last}; look at what the file does when imported")
        found: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    if "error" in found:
        said = str(found["error"])
        raise UsageError(said if said.startswith(path.name) else f"{path.name}: {said}")
    return found
