"""From end to end: the network learns a batch by heart, and to write a sequence backwards."""

import pytest
import torch
from references import SMALL, VARIANTS

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


@pytest.mark.parametrize("changes", [VARIANTS[0], VARIANTS[2], VARIANTS[4]])
def test_one_batch_is_learned_by_heart(changes):
    config = {**SMALL, **changes, "hidden_size": 32, "num_layers": 1}
    model = build_model(**config)
    fixed = functional.example_batch(ModelConfig(**config), 2, 0)
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 100, lr=2e-2) < 0.2 * first


def backwards(rows):
    """Two to four tokens, and the same from the last to the first; 0 starts, and fills up."""
    lengths = torch.randint(2, 5, (rows, 1))
    source, mask = torch.randint(1, 9, (rows, 4)), torch.arange(4) < lengths
    labels = source.gather(1, (lengths - 1 - torch.arange(4)).clamp_min(0)).masked_fill(~mask, 0)
    read = torch.cat([torch.zeros(rows, 1).long(), labels[:, :-1]], dim=1)
    return {"input_ids_BS": source, "decoder_input_ids_BT": read, "attention_mask_BS": mask}, {"labels_BT": labels}


def test_it_learns_to_write_a_sequence_backwards():
    model = build_model(**{**SMALL, "hidden_size": 48, "embedding_size": 16, "num_layers": 1, "attention": "luong"})
    train(model, (backwards(64) for _ in range(150)), lr=1e-2)
    inputs, targets = backwards(200)
    written = model.eval().generate(inputs["input_ids_BS"], inputs["attention_mask_BS"], start=0, length=4)
    assert (written == targets["labels_BT"]).all(1).double().mean() > 0.8
