"""Checks of a network's behaviour: one a file, all in one table. Only the judge's child process imports this."""

from collections.abc import Mapping

from mlexpert_nb.verify.checks.batch_independence import batch_independence
from mlexpert_nb.verify.checks.causality import causality
from mlexpert_nb.verify.checks.determinism import determinism
from mlexpert_nb.verify.checks.forward_backward import forward_backward
from mlexpert_nb.verify.checks.gradients import gradients
from mlexpert_nb.verify.checks.latency import latency
from mlexpert_nb.verify.checks.memory import memory
from mlexpert_nb.verify.checks.overfit import overfit
from mlexpert_nb.verify.checks.parameter_count import parameter_count
from mlexpert_nb.verify.checks.state_dict import state_dict
from mlexpert_nb.verify.checks.token_model import Check, Outcome, TokenModel, longest_context, seeded

CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        parameter_count,
        forward_backward,
        gradients,
        causality,
        batch_independence,
        determinism,
        state_dict,
        overfit,
        latency,
        memory,
    )
}

__all__ = ["CHECKS", "Check", "Outcome", "TokenModel", "longest_context", "seeded"]
