"""Determinism: the same seed gives the same network, the same inputs give the same outputs, a call leaves no trace."""

import torch

from mlexpert_nb.verify.checks.network import Network, Outcome, distance


def determinism(model: Network) -> Outcome:
    """Build twice from one seed and call thrice, with another batch in between: not one bit may differ."""
    first, second = model.fresh(), model.fresh()
    inputs, others = (model.example(model.batch_size, seed).inputs for seed in (0, 1))
    with torch.no_grad():
        outputs = model.outputs(first, inputs)
        twin = distance(outputs, model.outputs(second, inputs))
        again = distance(outputs, model.outputs(first, inputs))
        model.outputs(first, others)
        trace = distance(outputs, model.outputs(first, inputs))
    return Outcome(
        passed=twin == again == trace == 0.0,
        measured=f"{model.GIVES} differ by {twin:.1e} (second network from the same seed), {again:.1e} (same call "
        f"again), {trace:.1e} (after another call)",
        limit="not at all, in evaluation mode",
        fix="draw random numbers in training mode only; write no buffer and keep no state in forward",
    )
