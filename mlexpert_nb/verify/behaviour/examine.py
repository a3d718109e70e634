"""All measures in order, on one network: what it reads, how it behaves, and which of it is a defect."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify.behaviour.measures import graphs, learning, positions, repeating, rows, storing
from mlexpert_nb.verify.behaviour.probing import find_reading
from mlexpert_nb.verify.behaviour.report import Behaviour, Examination
from mlexpert_nb.verify.behaviour.slots import Reading
from mlexpert_nb.verify.behaviour.subject import NOISE, Subject, clone, retyped
from mlexpert_nb.verify.checks.network import seeded
from mlexpert_nb.verify.claims import Claim

BUDGET_S = 200.0
MEASURES: tuple[Callable[[Subject], Behaviour | tuple[Behaviour, ...]], ...] = (
    repeating.determinism,
    repeating.no_state_leak,
    repeating.inputs_untouched,
    repeating.parameters_untouched,
    repeating.train_eval,
    rows.batch_independence,
    rows.batch_independence_in_training,
    positions.causality,
    positions.padding_invariance,
    positions.permutation,
    graphs.node_equivariance,
    learning.gradients,
    learning.parameters_registered,
    storing.save_load,
    storing.finite,
    storing.finite_when_large,
    storing.dtypes,
    storing.device,
    storing.export,
)
_MEASURED_BY = {  # kind of claim: beginning of the names of the behaviours that tell
    "batch_independent": ("batch_independence",),
    "causal": ("causality:",),
    "node_equivariant": ("node_equivariance",),
    "padding_invariant": ("padding_invariance:",),
    "permutation_equivariant": ("permutation_equivariance:",),
    "permutation_invariant": ("permutation_invariance:",),
}


def subject_of(
    module: nn.Module,
    example_inputs: Any = None,
    claims: Sequence[str] = (),
    *,
    build: Callable[[], nn.Module] | None = None,
) -> Subject:
    """Prepare a network for measuring: a copy in double precision where it runs in that, with no parameter at zero.

    Raises:
        UsageError: What it reads cannot be found out, or a claim cannot be read.
    """
    for claim in claims:
        Claim.parse(claim)
    reading = find_reading(module, example_inputs, claims)
    for dtype in (torch.float64, torch.float32):
        copied = _prepared(module, dtype)
        subject = Subject(copied, reading, tuple(claims), dtype, build)
        if dtype == torch.float32 or _runs(subject):
            return subject
    raise AssertionError("unreachable")


def examine(subject: Subject, tell: Callable[[str], object] = str) -> Examination:
    """Measure every behaviour, as far as the time goes.

    Args:
        subject: The network.
        tell: Is told the name of each behaviour before it is measured.

    Raises:
        UsageError: A claim is about something that this network does not have.
    """
    found: list[Behaviour] = []
    until = time.monotonic() + BUDGET_S
    for measure in MEASURES:
        tell(measure.__name__)
        if time.monotonic() < until:
            found += _measured(measure, subject)
        else:
            said = f"not measured: what came before took more than {BUDGET_S:g} s"
            found.append(Behaviour(measure.__name__, None, must=False, measured=said))
    _hold_to_claims(subject, found)
    given = subject.run(subject.fresh(), subject.draw(seed=0))
    return Examination(
        network=type(subject.module).__name__,
        inputs=tuple(_read(subject.reading)),
        outputs=tuple(
            f"{name} {_sizes(each)} {str(each.dtype).removeprefix('torch.')}" for name, each in given.items()
        ),
        num_parameters=sum(each.numel() for each in subject.module.parameters() if each.requires_grad),
        behaviours=tuple(found),
        precision=str(subject.dtype).removeprefix("torch."),
    )


def _prepared(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    copied = retyped(clone(module).to("cpu"), dtype).eval()
    with torch.no_grad(), seeded(0):
        for each in copied.parameters():
            if each.is_floating_point():
                each.add_(NOISE * torch.randn_like(each))
    return copied


def _runs(subject: Subject) -> bool:
    """Tell whether the network runs in its kind of number, and gives that kind."""
    try:
        given = subject.run(subject.fresh(), subject.draw())
    except Exception:  # noqa: BLE001 - the network is not ours, and a layer may know one kind of number only
        return False
    floats = [each for each in given.values() if each.is_floating_point()]
    return all(each.dtype == subject.dtype for each in floats)


def _measured(
    measure: Callable[[Subject], Behaviour | tuple[Behaviour, ...]], subject: Subject
) -> tuple[Behaviour, ...]:
    """Measure one behaviour; a network that raises there is told with what it raised."""
    try:
        found = measure(subject)
    except Exception as error:  # noqa: BLE001 - a network that runs once may still fail on a second call
        said = f"could not be measured: {storing.line(error)}"
        return (Behaviour(measure.__name__, None, must=False, measured=said),)
    return found if isinstance(found, tuple) else (found,)


def _hold_to_claims(subject: Subject, found: Sequence[Behaviour]) -> None:
    for text in subject.claims:
        claim = Claim.parse(text)
        kinds = _MEASURED_BY.get(claim.kind, ())
        told = [each for each in found if each.name.startswith(kinds)]
        named = [each for each in told if set(claim.names) <= set(each.name.split(":"))]
        if kinds and all(each.holds is None for each in named):
            why = (
                named[0].measured
                if named
                else (
                    f"{type(subject.module).__name__} has no input and output that it could be about (it reads "
                    f"{'; '.join(_read(subject.reading))})"
                )
            )
            raise UsageError(f"the claim {text!r} cannot be measured: {why}; take it out, or give other example_inputs")


def _read(reading: Reading) -> list[str]:
    said = [str(slot) for slot in reading.slots]
    if reading.length:
        said.append(f"T is {reading.length}{', or less' if reading.stretches else ''}")
    return said


def _sizes(tensor: torch.Tensor) -> str:
    return f"({', '.join(map(str, tensor.shape))})"
