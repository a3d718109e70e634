"""Checks of a network's behaviour: one a file, all in one table. Only the judge's child process imports this."""

from collections.abc import Callable, Mapping

from mlexpert_nb.verify.checks.batch_independence import batch_independence
from mlexpert_nb.verify.checks.causality import causality
from mlexpert_nb.verify.checks.determinism import determinism
from mlexpert_nb.verify.checks.forward_backward import forward_backward
from mlexpert_nb.verify.checks.gradients import gradients
from mlexpert_nb.verify.checks.invariances import invariances
from mlexpert_nb.verify.checks.latency import latency
from mlexpert_nb.verify.checks.memory import memory
from mlexpert_nb.verify.checks.network import Example, Network, Outcome, seeded
from mlexpert_nb.verify.checks.overfit import overfit
from mlexpert_nb.verify.checks.parameter_count import parameter_count
from mlexpert_nb.verify.checks.state_dict import state_dict
from mlexpert_nb.verify.checks.tensor_model import TensorModel
from mlexpert_nb.verify.checks.token_model import TokenModel, longest_context

Check = Callable[[Network], Outcome]

CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        parameter_count,
        forward_backward,
        gradients,
        causality,
        batch_independence,
        invariances,
        determinism,
        state_dict,
        overfit,
        latency,
        memory,
    )
}

__all__ = [
    "CHECKS",
    "Check",
    "Example",
    "Network",
    "Outcome",
    "TensorModel",
    "TokenModel",
    "longest_context",
    "seeded",
]
