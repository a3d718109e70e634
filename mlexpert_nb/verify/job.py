"""The slip of paper between the judge and its child process, and what the child writes back."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TextIO

from mlexpert_nb.verify.slip import leave, take
from mlexpert_nb.verify.spec import JudgeSpec

JOB, RESULTS = "job.json", "results.jsonl"
MODEL_CHECKS = (  # "import", the table CHECKS, and "planted_models"; here because that table loads torch
    "import",
    "parameter_count",
    "forward_backward",
    "gradients",
    "causality",
    "batch_independence",
    "invariances",
    "determinism",
    "state_dict",
    "overfit",
    "latency",
    "memory",
    "planted_models",
)


@dataclass(frozen=True, slots=True)
class Job:
    """What the child is to do.

    Attributes:
        root: Folder of the delivery.
        checks: Names of the checks, in order.
        spec: Limits and seed.
        nonce: Secret of this run; a line of the results without it is not the harness's.
    """

    root: str
    checks: tuple[str, ...]
    spec: JudgeSpec
    nonce: str

    def write(self, folder: Path) -> None:
        """Put the job where the child finds it."""
        leave(folder / JOB, asdict(self))

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Read the job and remove it, so that the code under judgement does not find it."""
        data = take(folder / JOB)
        tuples = {key: tuple(value) for key, value in data["spec"].items() if isinstance(value, list)}
        spec = JudgeSpec(**data["spec"] | tuples)
        return cls(data["root"], tuple(data["checks"]), spec, data["nonce"])


@dataclass(frozen=True, slots=True)
class Result:
    """One finished check, as the child wrote it."""

    check: str
    passed: bool
    measured: str
    limit: str
    fix: str
    figures: dict[str, Any] = field(default_factory=dict)


class Results:
    """Writes results as they come; made before the delivered code is imported."""

    def __init__(self, out: TextIO, nonce: str, ticks: TextIO) -> None:
        self._out, self._nonce, self._ticks = out, nonce, ticks

    def add(self, result: Result) -> None:
        """Write one result and tell the judge to read it."""
        self._out.write(json.dumps({"nonce": self._nonce, **asdict(result)}) + "\n")
        self._out.flush()
        self._ticks.write("\n" + self._nonce + "\n")  # on a line of its own, whatever the model printed
        self._ticks.flush()


def read_results(folder: Path, nonce: str, expected: Sequence[str]) -> tuple[Result, ...]:
    """Read what the child has written so far; what is not a result of this run, or is told twice, is left out."""
    try:
        lines = (folder / RESULTS).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    parsed = [result for line in lines if (result := _parse(line, nonce)) is not None]
    told = Counter(result.check for result in parsed)
    return tuple(result for result in parsed if result.check in expected and told[result.check] == 1)


def _parse(line: str, nonce: str) -> Result | None:
    try:
        data = json.loads(line, parse_constant=lambda _: None)  # NaN is no figure
        if data.pop("nonce") != nonce:
            return None
        result = Result(**data)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    texts = (result.check, result.measured, result.limit, result.fix)
    sound = isinstance(result.passed, bool) and isinstance(result.figures, dict)
    return result if sound and all(isinstance(text, str) for text in texts) else None
