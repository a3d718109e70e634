"""The same for a network that lives in this process, of the user's own code; torch is loaded by the first call."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexpert_nb.verify.behaviour.asked import Written
from mlexpert_nb.verify.behaviour.figures import Benchmark
from mlexpert_nb.verify.behaviour.report import Examination

if TYPE_CHECKING:
    from torch import nn


def examine_live(
    module: "nn.Module",
    example_inputs: Any = None,
    *,
    claims: Sequence[str] = (),
    folder: Path | None = None,
    tell: Callable[[str], object] = str,
) -> tuple[Examination, Written]:
    """Examine a network and write the tests of it.

    Args:
        module: The network.
        example_inputs: What it reads; found out if None.
        claims: What it is to do.
        folder: Where the test file will stand.
        tell: Is told what is being measured.

    Raises:
        UsageError: What it reads cannot be found out, or a claim cannot be read or measured.
    """
    from mlexpert_nb.verify.behaviour.written import Known, write_suite  # noqa: PLC0415 - brings torch

    found, suite = write_suite(module, example_inputs, claims=claims, folder=folder, known=Known(tell=tell))
    return found, Written(suite.text, suite.tests, suite.to_do)


def benchmark_live(module: "nn.Module", example_inputs: Any = None, *, target_ms: float | None = None) -> Benchmark:
    """Measure a network.

    Raises:
        UsageError: What it reads cannot be found out.
    """
    from mlexpert_nb.verify.behaviour.speed import benchmark_module  # noqa: PLC0415 - brings torch

    return benchmark_module(module, example_inputs, target_ms)
