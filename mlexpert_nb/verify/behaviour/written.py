"""From a network to what is known of it and the tests that hold it to that: the one way that every front door takes."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.examine import examine, subject_of
from mlexpert_nb.verify.behaviour.rebuild import Recipe, builder, recipe_for
from mlexpert_nb.verify.behaviour.report import Examination
from mlexpert_nb.verify.behaviour.suite import Suite, suite_for


@dataclass(frozen=True, slots=True)
class Known:
    """What the makers of a network say of it.

    Attributes:
        recipe: How it is built; None where they do not say.
        loss: Its training loss on a random batch; None if the outputs alone are followed to the parameters.
    """

    recipe: Recipe | None = None
    loss: Callable[[nn.Module], Tensor] | None = None


def write_suite(
    module: nn.Module,
    example_inputs: Any = None,
    *,
    claims: Sequence[str] = (),
    folder: Path | None = None,
    known: Known | None = None,
) -> tuple[Examination, Suite]:
    """Measure how a network behaves, and write the tests of it.

    Args:
        module: Any network; copies of it are run, on the CPU, and it stays as it is.
        example_inputs: A tensor, a tuple of tensors, or tensors by argument; found out by trying if None.
        claims: What the network is to do beyond what every network must, as in `verify.CLAIMS`.
        folder: Where the test file will stand.
        known: What its makers say of it; found out if None.

    Raises:
        UsageError: What the network reads cannot be found out, or a claim cannot be read or measured.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a network warns of on inputs that are not its own is of no use
        subject = subject_of(module, example_inputs, claims)
        recipe = known.recipe if known else None
        if recipe is None:
            recipe = recipe_for(subject, module, folder)
            subject = replace(subject, build=builder(recipe, module))
        subject = replace(subject, loss=known.loss if known else None)
        found = examine(subject)
    return found, suite_for(subject, found, recipe)
