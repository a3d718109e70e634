"""From end to end: the network learns a batch by heart, and to select what it remembers."""

import torch
from references import SMALL

from model import build_model, functional


def train(model, batches, lr):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for ids, labels in batches:
        loss = functional.loss(model, ids, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return loss.item()


def test_one_batch_is_learned_by_heart():
    model = build_model(**SMALL)
    ids = torch.randint(17, (2, 13))
    first = functional.loss(model, ids[:, :-1], ids[:, 1:]).item()
    assert train(model, [(ids[:, :-1], ids[:, 1:])] * 100, lr=1e-2) < 0.1 * first


def marked(rows, length=16):
    """One token of 1 to 4 among zeros; from there on the label is that token."""
    token, place = torch.randint(1, 5, (rows,)), torch.randint(length - 5, (rows,))
    ids = torch.zeros(rows, length).long()
    ids[torch.arange(rows), place] = token
    return ids, torch.where(torch.arange(length) >= place[:, None], token[:, None], -100)


def test_it_learns_to_remember_the_one_token_that_matters():
    model = build_model(**{**SMALL, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1})
    train(model, (marked(32) for _ in range(120)), lr=2e-2)
    ids, labels = marked(200)
    assert (model(ids)[:, -1].argmax(1) == labels[:, -1]).double().mean() > 0.95
