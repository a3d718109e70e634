"""From end to end: the network learns a batch by heart, and to write a sequence backwards."""

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, functional


def train(model, batches, lr):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for inputs, targets in batches:
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("changes", [{}, {"feed_forward": "gated-gelu", "tie_word_embeddings": False}])
def test_one_batch_is_learned_by_heart(changes):
    config = {**SMALL, **changes, "num_layers": 1}
    model = build_model(**config)
    fixed = functional.example_batch(ModelConfig(**config), 2, 0)
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 60, lr=1e-2) < 0.2 * first


def backwards(rows):
    """Three tokens, and the same from the last to the first; 0 starts."""
    source = torch.randint(1, 9, (rows, 3))
    labels = source.flip(1)
    read = torch.cat([torch.zeros(rows, 1).long(), labels[:, :-1]], dim=1)
    return {"input_ids_BS": source, "decoder_input_ids_BT": read}, {"labels_BT": labels}


def test_it_learns_to_write_a_sequence_backwards():
    model = build_model(**{**SMALL, "d_model": 24, "d_ff": 48, "num_layers": 1})
    train(model, (backwards(64) for _ in range(200)), lr=1e-2)
    inputs, targets = backwards(200)
    written = model.eval().generate(inputs["input_ids_BS"], start=0, length=3)
    assert (written == targets["labels_BT"]).all(1).double().mean() > 0.8
