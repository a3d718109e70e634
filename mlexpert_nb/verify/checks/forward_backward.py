"""Forward and backward: logits and gradients are finite for short, odd and long sequences.

Shapes: B batch, T time, V vocabulary.
"""

import torch

from mlexpert_nb.verify.checks.token_model import Outcome, TokenModel, seeded

SHAPES = ((1, 1), (2, 7), (3, 33))


def forward_backward(model: TokenModel) -> Outcome:
    """Run several shapes forward and the last backward; the tokens handed in stay as they are."""
    module = model.fresh()
    shapes = [(batch, length) for batch, length in SHAPES if length <= model.context] + [(1, model.context)]
    wrong: list[str] = []
    for shape in shapes:
        tokens_BT = model.tokens(*shape)
        kept_BT = tokens_BT.clone()
        with torch.no_grad():
            finite = bool(torch.isfinite(model.logits(module, tokens_BT)).all())
        wrong += [] if finite else [f"logits of shape {shape} are not finite"]
        wrong += [] if tokens_BT.equal(kept_BT) else [f"the tokens of shape {shape} were overwritten"]
    wrong = wrong or _backward(model)
    return Outcome(
        passed=not wrong,
        measured="; ".join(wrong) or f"finite for batch x tokens {', '.join(f'{b} x {t}' for b, t in shapes)}",
        limit="finite logits, loss and gradients for every shape, tokens left alone",
        fix="divide by no length, mask with -inf before exp, start a row from its own state",
    )


def _backward(model: TokenModel) -> list[str]:
    module = model.fresh().train()
    with seeded(model.spec.seed):
        loss = model.loss(module, model.tokens(2, 8))
    loss.backward()
    grads = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    wrong = [] if loss.ndim == 0 and bool(torch.isfinite(loss)) else ["the loss is not one finite number"]
    if not grads or not all(bool(torch.isfinite(grad).all()) for grad in grads):
        wrong.append("gradients are missing or not finite")
    return wrong
