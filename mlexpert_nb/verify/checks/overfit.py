"""Overfitting: a network that can learn at all can learn one small batch by heart."""

import math
import time
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks.adamw import AdamW
from mlexpert_nb.verify.checks.network import WHOLE_BATCH, Example, Network, Outcome, distance, seeded, sees_its_batch
from mlexpert_nb.verify.checks.token_model import TokenModel

BATCH, LENGTH = 2, 17
SHARE = 0.2  # of the error at the start; what tokens tell without their context is above it
RATES = (3e-3, 1e-3, 1e-2)
STEPS, MOST_STEPS, CPU_S = 30, 300, 6.0  # a small network may take more steps within the time
EVERY = 3  # steps between two looks at the errors
MOVED = 1e-5

Errors = Mapping[str, float]


def overfit(model: Network) -> Outcome:
    """Train on one batch with AdamW; its loss must collapse, and so must the judge's own cross entropy of it."""
    example, limit = _lesson(model)
    tries = []
    for rate in RATES:
        share, measured = _learn(model, example, rate)
        tries.append((share, measured))
        if share <= SHARE:
            break
    share, measured = min(tries)
    return Outcome(
        passed=share <= SHARE,
        measured=measured,
        limit=limit,
        fix=f"let the {model.GIVES} depend on the {model.READS} and the loss on the {model.GIVES}; "
        "detach nothing between them",
        figures={"overfit": measured},
    )


def _lesson(model: Network) -> tuple[Example, str]:
    if isinstance(model, TokenModel):
        words = f"at most {SHARE:.0%} of the start, on one batch of {BATCH} x {LENGTH - 1} tokens"
        return model.example(BATCH, length=LENGTH), words
    size = WHOLE_BATCH if sees_its_batch(model.fresh()) else model.batch_size
    words = f"at most {SHARE:.0%} of the start, or below zero, on one batch of {size}, of which the outputs change"
    return model.example(size), words


def _learn(model: Network, example: Example, rate: float) -> tuple[float, str]:
    """Train, and give the share of the worst error that is left, with the words for it."""
    module = model.fresh()
    before = _outputs(model, module, example)
    start, end, steps = _train(model, module, example, rate)
    share = max(_share(start[name], end[name]) for name in start)
    told = ", ".join(f"{name} {start[name]:.2f} -> {end[name]:.2f}" for name in start)
    told += f" in {steps} AdamW steps (lr {rate:g})"
    if distance(before, _outputs(model, module, example)) > MOVED:
        return share, told
    return math.inf, f"{told}, though the {model.GIVES} did not change"


def _train(model: Network, module: nn.Module, example: Example, rate: float) -> tuple[Errors, Errors, int]:
    trained = [each for each in module.parameters() if each.requires_grad]
    optimizer = AdamW(trained, rate)
    start = end = model.errors(module, example)
    steps, began = 0, time.process_time()
    while steps < STEPS or (steps < MOST_STEPS and time.process_time() - began < CPU_S):
        module.zero_grad()
        _loss(model, module, example, steps).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        steps += 1
        if steps % EVERY == 0:
            end = model.errors(module, example)
            if all(_share(start[name], end[name]) <= SHARE for name in start):
                break
    return start, end, steps


def _loss(model: Network, module: nn.Module, example: Example, step: int) -> Tensor:
    """Give the loss of a step; a network without an error of the judge's learns the noise of its loss, too."""
    noise = step if isinstance(model, TokenModel) else 0
    with seeded(model.spec.seed + noise):
        return model.loss(module.train(), example)


def _share(start: float, end: float) -> float:
    """Give the share of an error that is left; an error that starts below zero must fall further."""
    if not math.isfinite(end):
        return math.inf
    return end / start if start > 0 else (0.0 if end < start else math.inf)


def _outputs(model: Network, module: nn.Module, example: Example) -> dict[str, Tensor]:
    with torch.no_grad(), seeded(model.spec.seed):
        return {name: each.clone() for name, each in model.outputs(module.eval(), example.inputs).items()}
