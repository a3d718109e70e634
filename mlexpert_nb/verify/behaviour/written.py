"""From a network to what is known of it and the tests that hold it to that: the one way that every front door takes."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.confirm import confirmed
from mlexpert_nb.verify.behaviour.examine import examine, subject_of
from mlexpert_nb.verify.behaviour.lazy import with_sizes
from mlexpert_nb.verify.behaviour.rebuild import Recipe, builder, recipe_for
from mlexpert_nb.verify.behaviour.report import Examination
from mlexpert_nb.verify.behaviour.suite import Suite, suite_for


@dataclass(frozen=True, slots=True)
class Known:
    """What the makers of a network say of it, and what goes with the question.

    Attributes:
        recipe: How it is built, as code; None where they do not say.
        build: Builds it; None where they do not say.
        loss: Its training loss on a random batch; None if the outputs alone are followed to the parameters.
        tell: Is told the name of each behaviour before it is measured.
    """

    recipe: Recipe | None = None
    build: Callable[[], nn.Module] | None = None
    loss: Callable[[nn.Module], Tensor] | None = None
    tell: Callable[[str], object] = str


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
    known = known or Known()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a network warns of on inputs that are not its own is of no use
        module = with_sizes(module, example_inputs)
        known.tell("what it reads")
        subject = subject_of(module, example_inputs, claims, build=known.build)
        recipe = known.recipe
        if recipe is None:
            known.tell("how it is built")
            recipe = recipe_for(subject, module, folder)
            subject = replace(subject, build=builder(recipe, module, subject.reading))
        subject = replace(subject, loss=known.loss)
        found = examine(subject, known.tell)
        suite = suite_for(subject, found, recipe)
        known.tell("the tests that were written")
        return (found if known.recipe else confirmed(found, suite)), suite
