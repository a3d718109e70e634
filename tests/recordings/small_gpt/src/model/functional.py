"""What training and generation call: the loss, token-by-token logits, and sampling.

Shapes: B batch, T time, V vocabulary.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from model.layers import Cache
from model.network import SmallGPT


def loss(model: SmallGPT, ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
    """Give the mean cross entropy of the labels, in nats a token."""
    return F.cross_entropy(model(ids_BT).flatten(0, 1).float(), labels_BT.flatten())


def stream(model: SmallGPT, ids_BT: Tensor, state: list[Cache] | None = None) -> tuple[Tensor, list[Cache]]:
    """Give the logits of new tokens and the state after them; any split of a text gives what the whole text gives.

    Args:
        model: The decoder.
        ids_BT: The new tokens, at least one.
        state: What an earlier call returned; None at the beginning. It is not written to.
    """
    return model.step(ids_BT, state)


@torch.no_grad()
def generate(
    model: SmallGPT,
    prompt_BT: Tensor,
    num_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Continue a prompt, and give the prompt with its continuation.

    Args:
        model: The decoder.
        prompt_BT: At least one token for each row.
        num_tokens: How many tokens are added.
        temperature: What the logits are divided by; at 0 the likeliest token is taken.
        top_k: How many of the likeliest tokens may be drawn; None for all.
        generator: Source of the random numbers.

    Raises:
        ValueError: An argument is out of its range.
    """
    if prompt_BT.shape[1] == 0:
        raise ValueError("the prompt is empty; give at least one token")
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}, must not be below zero")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is {top_k}, must be at least 1")
    parts, state, new_BT = [prompt_BT], None, prompt_BT
    for _ in range(num_tokens):
        logits_BTV, state = stream(model, new_BT, state)
        new_BT = _draw(logits_BTV[:, -1], temperature, top_k, generator)
        parts.append(new_BT)
    return torch.cat(parts, dim=1)


def _draw(logits_BV: Tensor, temperature: float, top_k: int | None, generator: torch.Generator | None) -> Tensor:
    """Draw one token a row, `(B, 1)`."""
    if temperature == 0:
        return logits_BV.argmax(-1, keepdim=True)
    logits_BV = logits_BV.float() / temperature
    if top_k is not None:
        best_BK = logits_BV.topk(min(top_k, logits_BV.shape[-1])).values
        logits_BV = logits_BV.masked_fill(logits_BV < best_BK[:, -1:], -torch.inf)
    return torch.multinomial(logits_BV.softmax(-1), 1, generator=generator)
