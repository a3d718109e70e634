"""What the parts are for: the memory recalls beyond every window, and halting follows difficulty."""

import pytest
import torch
from references import SMALL

from model import functional

NUM_KEYS, NUM_VALUES, PAIRS, GAP = 8, 8, 4, 8


def recall_batch(rows):
    """Pairs of key and value, a gap longer than the reach of attention, then the keys again in another order."""
    keys = torch.rand(rows, NUM_KEYS).argsort(1)[:, :PAIRS]
    values = torch.randint(NUM_VALUES, (rows, PAIRS)) + NUM_KEYS
    order = torch.rand(rows, PAIRS).argsort(1)
    gap = torch.full((rows, GAP), NUM_KEYS + NUM_VALUES)
    ids = torch.cat([torch.stack([keys, values], 2).flatten(1), gap, keys.gather(1, order)], 1)
    labels = torch.full_like(ids, -100)
    labels[:, -PAIRS:] = values.gather(1, order)
    return ids, labels


def train(model, batches, lr, **weights):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.0)
    for ids, labels in batches:
        loss = functional.loss(model, ids, labels, **weights)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


@torch.no_grad()
def recall_accuracy(model):
    ids, labels = recall_batch(256)
    right = functional.logits(model, ids).argmax(-1) == labels
    return right[:, -PAIRS:].double().mean().item()


def recall_model(gate):
    sizes = {"d_model": 32, "n_heads": 2, "n_kv_heads": 1, "d_ff": 32, "core_d_ff": 32, "window": 3, "mem_head_dim": 16}
    recursion = {"core_layers": 1, "n_latent": 1, "n_cycles": 1, "n_sup": 2, "mem_chunk": 32}
    model = functional.build(**{**SMALL, **sizes, **recursion, "vocab_size": NUM_KEYS + NUM_VALUES + 1})
    functional.set_gate(model, gate)
    return model


def test_the_memory_learns_to_recall_what_attention_cannot_see():
    model = recall_model(None)
    for _ in range(8):
        train(model, (recall_batch(32) for _ in range(50)), 5e-3)
        if recall_accuracy(model) > 0.97:
            break
    assert recall_accuracy(model) > 0.9


def test_without_the_memory_recall_stays_at_chance():
    model = recall_model(1.0)
    train(model, (recall_batch(32) for _ in range(120)), 5e-3)
    assert recall_accuracy(model) < 1 / NUM_VALUES + 0.08


def halting_batch(rows, tokens=12):
    """Every second token is always 0, and easy to foretell; the others are random, and hard."""
    ids = torch.randint(8, (rows, tokens + 1))
    ids[:, 0::2] = 0
    return ids[:, :-1], ids[:, 1:]


def trained_steps(**weights):
    sizes = {"vocab_size": 8, "n_sup": 4, "n_layers": 1, "n_latent": 1, "n_cycles": 1, "core_layers": 1}
    model = functional.build(**{**SMALL, **sizes})
    train(model, (halting_batch(16) for _ in range(90)), 1e-2, **weights)
    ids, labels = halting_batch(64)
    return model, functional.adaptive(model, ids)[1], ids, labels


def test_easy_tokens_halt_early_and_hard_ones_think_on():
    model, steps, ids, labels = trained_steps()
    easy, hard = steps[:, 1::2].double().mean().item(), steps[:, 0::2].double().mean().item()
    assert easy < 2
    assert hard > 3
    assert steps.double().var(correction=0) > 1
    answers = functional.adaptive(model, ids)[0].argmax(-1)
    assert (answers == labels)[:, 1::2].double().mean() > 0.9


def test_without_the_halting_losses_every_token_takes_the_same_steps():
    _, steps, _, _ = trained_steps(lambda_halt=0.0, lambda_div=0.0)
    assert steps.double().var(correction=0) == pytest.approx(0)
