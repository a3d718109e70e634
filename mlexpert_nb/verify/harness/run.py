"""Runs the checks of one job; whatever the delivered code does, it becomes a finding."""

import dataclasses
import traceback
from collections.abc import Callable
from pathlib import Path

from mlexpert_nb.verify.checks import CHECKS, Network, Outcome, seeded
from mlexpert_nb.verify.harness.introduce import introduce
from mlexpert_nb.verify.harness.load import load
from mlexpert_nb.verify.harness.planted import planted_models
from mlexpert_nb.verify.job import Job, Result, Results

_OFFER = (
    "src/model/__init__.py offers build_model(**config) and the dataclass ModelConfig; model(ids) gives logits, or "
    "src/model/functional.py offers example_batch, loss and CLAIMS"
)
_FIRST_LINE = 300  # characters of an error message that are kept


def run(job: Job, results: Results) -> bool:
    """Import the network and check it; tell whether everything passed."""
    root = Path(job.root).resolve()
    loaded: list[Network] = []

    def importing() -> Outcome:
        model, said = introduce(load(root, job.spec))
        loaded.append(model)
        return Outcome(passed=True, measured=f"imports; {said}", limit=_OFFER, fix="")

    imported = _caught(importing, root)
    passed = [imported.passed]
    if "import" in job.checks or not loaded:
        results.add(_result("import", dataclasses.replace(imported, limit=_OFFER)))
    for name in job.checks:
        if name != "import":
            outcome = _check(name, loaded[0], root) if loaded else _not_run(name)
            passed.append(outcome.passed)
            results.add(_result(name, outcome))
    return all(passed)


def _check(name: str, model: Network, root: Path) -> Outcome:
    def checking() -> Outcome:
        with seeded(model.spec.seed):
            return planted_models() if name == "planted_models" else CHECKS[name](model)

    return _caught(checking, root)


def _caught(action: Callable[[], Outcome], root: Path) -> Outcome:
    try:
        return action()
    except BaseException as error:  # noqa: BLE001 - sys.exit() in a delivered file must fail a check, not end it
        text = f"{type(error).__name__}: {error}".split("\n")[0][:_FIRST_LINE]
        where = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(root))]
        place = f" ({Path(where[-1].filename).relative_to(root).as_posix()}:{where[-1].lineno})" if where else ""
        fix = f"mend what {where[-1].name if where else 'it'} raises"
        return Outcome(passed=False, measured=text + place, limit="runs without an error", fix=fix)


def _not_run(name: str) -> Outcome:
    measured = f"{name} was not run: the network cannot be imported"
    return Outcome(passed=False, measured=measured, limit="runs without an error", fix="mend the import first")


def _result(name: str, outcome: Outcome) -> Result:
    figures = dict(outcome.figures)
    return Result(name, outcome.passed, outcome.measured, outcome.limit, outcome.fix, figures)
