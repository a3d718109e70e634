"""The decoder as a whole.

Shapes: B batch, T time, V vocabulary.
"""

import math

import pytest
import torch

from model import SmallGPT, build_model
from model.functional import loss
from model.network import INIT_STD

TINY = {"vocab_size": 17, "dim": 24, "num_heads": 3, "num_layers": 2, "hidden_dim": 40}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_model(**TINY)


@pytest.fixture
def ids_BT():
    return torch.randint(17, (2, 12), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (2, 7), (3, 33)])
def test_there_is_a_logit_for_every_token_at_every_position(model, batch, length):
    assert model(torch.zeros(batch, length, dtype=torch.long)).shape == (batch, length, 17)


def test_the_delivered_network_is_the_default():
    assert isinstance(build_model(), SmallGPT)
    assert build_model().config.vocab_size == 256


@pytest.mark.parametrize("start", [1, 6, 11])
def test_a_changed_token_moves_its_own_logits_and_no_earlier_ones(model, ids_BT, start):
    changed_BT = ids_BT.clone()
    changed_BT[:, start:] = (changed_BT[:, start:] + 1) % 17
    moved_BTV = (model(ids_BT) - model(changed_BT)).abs()
    assert moved_BTV[:, :start].max() < 1e-5 < moved_BTV[:, start].max()


def test_rows_do_not_see_each_other(model, ids_BT):
    torch.testing.assert_close(model(ids_BT)[:1], model(ids_BT[:1]))


def test_a_backward_pass_reaches_every_parameter(model, ids_BT):
    loss(model, ids_BT[:, :-1], ids_BT[:, 1:]).backward()
    assert [name for name, each in model.named_parameters() if not each.grad.any()] == []


def test_input_and_output_share_one_matrix(model):
    names = [name for name, each in model.named_parameters() if each.shape[0] == 17]
    assert names == ["embedding.weight"]


def test_an_untrained_network_knows_nothing(model, ids_BT):
    assert loss(model, ids_BT[:, :-1], ids_BT[:, 1:]).item() == pytest.approx(math.log(17), rel=0.05)


def test_residual_layers_start_smaller():
    model = build_model()
    wide = model.blocks[0].attention.qkv.weight.std().item()
    residual = model.blocks[0].attention.out.weight.std().item()
    assert wide == pytest.approx(INIT_STD, rel=0.05)
    assert residual == pytest.approx(INIT_STD / math.sqrt(6), rel=0.05)


def test_a_checkpoint_gives_the_same_network(model, ids_BT, tmp_path):
    torch.save(model.state_dict(), tmp_path / "model.pt")
    torch.manual_seed(2)
    other = build_model(**TINY)
    other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert torch.equal(model(ids_BT), other(ids_BT))
