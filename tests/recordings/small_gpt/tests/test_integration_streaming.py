"""Token by token with a cache: every split of a text gives what the whole text gives.

Shapes: B batch, T time, V vocabulary.
"""

import pytest
import torch

from model import build_model
from model.functional import stream


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_model(vocab_size=17, dim=24, num_heads=3, num_layers=2, hidden_dim=40).double()


@pytest.fixture
def ids_BT():
    return torch.randint(17, (2, 12), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("sizes", [[12], [1] * 12, [5, 1, 6], [1, 11], [10, 2]], ids=str)
def test_any_split_gives_the_logits_of_the_whole(model, ids_BT, sizes):
    parts, state = [], None
    for part_BT in ids_BT.split(sizes, dim=1):
        logits_BTV, state = stream(model, part_BT, state)
        parts.append(logits_BTV)
    torch.testing.assert_close(torch.cat(parts, dim=1), model(ids_BT))


def test_two_continuations_of_one_state_do_not_disturb_each_other(model, ids_BT):
    _, state = stream(model, ids_BT[:, :6])
    alone, _ = stream(model, ids_BT[:, 6:], state)
    stream(model, (ids_BT[:, 6:] + 1) % 17, state)
    again, _ = stream(model, ids_BT[:, 6:], state)
    assert torch.equal(alone, again)
