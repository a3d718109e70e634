"""The decoder learns what it must be able to learn.

Shapes: B batch, T time.
"""

import torch

from model import build_model
from model.functional import loss

TINY = {"vocab_size": 17, "dim": 24, "num_heads": 3, "num_layers": 2, "hidden_dim": 40}


def train(model, batches):
    """Take one AdamW step for each batch and give the losses."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    losses = []
    for ids_BT in batches:
        error = loss(model, ids_BT[:, :-1], ids_BT[:, 1:])
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        losses.append(error.item())
    return losses


def test_one_batch_is_learnt_by_heart():
    torch.manual_seed(0)
    ids_BT = torch.randint(17, (2, 12))
    losses = train(build_model(**TINY), [ids_BT] * 60)
    assert losses[-1] < 0.1 * losses[0]


def test_copying_is_learnt_which_takes_attention():
    torch.manual_seed(0)
    halves = (torch.randint(17, (32, 6)) for _ in range(200))
    model = build_model(**TINY)
    train(model, [torch.cat([half_BT, half_BT], 1) for half_BT in halves])
    fresh_BT = torch.randint(17, (64, 6))
    ids_BT = torch.cat([fresh_BT, fresh_BT], 1)
    right_BT = model(ids_BT)[:, 6:-1].argmax(-1) == ids_BT[:, 7:]
    assert right_BT.float().mean() > 0.5  # who cannot look back is right one time in 17
