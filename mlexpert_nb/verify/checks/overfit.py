"""Overfitting: a network that can learn at all can learn one small batch by heart."""

import time

import torch

from mlexpert_nb.verify.checks.token_model import Outcome, TokenModel, seeded

BATCH, LENGTH = 2, 17
SHARE = 0.2  # of the cross entropy at the start; what tokens tell without their context is above it
RATES = (3e-3, 1e-3, 1e-2)
STEPS, MOST_STEPS, CPU_S = 30, 300, 6.0  # a small network may take more steps within the time


def overfit(model: TokenModel) -> Outcome:
    """Train on one batch with AdamW; the judge's own cross entropy of that batch must collapse."""
    tries = []
    for rate in RATES:
        start, end, steps = _train(model, rate)
        tries.append((end / start, f"cross entropy {start:.2f} -> {end:.2f} in {steps} AdamW steps (lr {rate:g})"))
        if end <= SHARE * start:
            break
    share, measured = min(tries)
    return Outcome(
        passed=share <= SHARE,
        measured=measured,
        limit=f"at most {SHARE:.0%} of the start, on one batch of {BATCH} x {LENGTH - 1} tokens",
        fix="let the logits depend on the tokens and the loss on the logits; detach nothing between them",
        figures={"overfit": measured},
    )


def _train(model: TokenModel, rate: float) -> tuple[float, float, int]:
    module = model.fresh().train()
    tokens_BT = model.tokens(BATCH, min(LENGTH, model.context))
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=0.0, fused=True)
    start, steps, began = _error(model, module, tokens_BT), 0, time.process_time()
    end = start
    with seeded(model.spec.seed):
        while steps < STEPS or (steps < MOST_STEPS and time.process_time() - began < CPU_S):
            optimizer.zero_grad()
            model.loss(module, tokens_BT).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            steps += 1
            if steps % 3 == 0 and (end := _error(model, module, tokens_BT)) <= SHARE * start:
                break
    return start, end, steps


def _error(model: TokenModel, module: torch.nn.Module, tokens_BT: torch.Tensor) -> float:
    module.eval()
    with torch.no_grad():
        error = model.cross_entropy(module, tokens_BT).item()
    module.train()
    return error
