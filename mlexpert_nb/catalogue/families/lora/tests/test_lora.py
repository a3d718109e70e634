"""The adapters against their formulas: start, change, merge, the frozen network, every kind of layer."""

import copy
import math

import pytest
import torch
from torch import nn

from model.lora import LowRank, adapter_state_dict, add_adapters, merge_adapters

LAYERS = {
    "linear": (lambda: nn.Linear(6, 5), (3, 6)),
    "linear_without_bias": (lambda: nn.Linear(6, 5, bias=False), (3, 6)),
    "sequence": (lambda: nn.Linear(6, 5), (2, 4, 6)),
    "convolution": (lambda: nn.Conv2d(3, 5, 3, stride=2, padding=1), (2, 3, 7, 7)),
    "convolution_without_bias": (lambda: nn.Conv2d(3, 5, (1, 3), dilation=2, bias=False), (2, 3, 7, 7)),
}


def adapted(build, **options):
    """Give a layer and its adapted copy in float64, with adapters that are no longer at their start."""
    base = build().double()
    layer = LowRank(copy.deepcopy(base), 2, alpha=6.0, **options)
    with torch.no_grad():
        layer.A.normal_()
        layer.B.normal_()
        if layer.magnitude is not None:
            layer.magnitude.mul_(torch.rand_like(layer.magnitude) + 0.5)
    return base, layer


def plain(base, weight, x):
    """Run the frozen layer with another weight."""
    other = copy.deepcopy(base)
    with torch.no_grad():
        other.weight.copy_(weight)
    return other(x)


def changed_weight(base, layer):
    """Write out LoRA eq. 3 and DoRA eq. 5, row by row."""
    change = sum(torch.outer(layer.B[:, r], layer.A[r]) for r in range(2))
    weight = base.weight.detach().flatten(1) + 6.0 / 2 * change.detach()
    if layer.magnitude is not None:
        rows = [
            m * row / math.sqrt(row.square().sum()) for m, row in zip(layer.magnitude.detach(), weight, strict=True)
        ]
        weight = torch.stack(rows)
    return weight.view_as(base.weight)


@pytest.mark.parametrize("is_dora", [False, True], ids=["lora", "dora"])
@pytest.mark.parametrize("name", LAYERS)
def test_an_adapted_layer_runs_with_the_changed_weight_of_the_paper(name, is_dora):
    build, shape = LAYERS[name]
    base, layer = adapted(build, is_dora=is_dora)
    x = torch.randn(*shape, dtype=torch.float64)
    expected = plain(base, changed_weight(base, layer), x)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.weight(), changed_weight(base, layer))


@pytest.mark.parametrize("is_dora", [False, True], ids=["lora", "dora"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_new_adapter_changes_nothing(name, is_dora):
    build, shape = LAYERS[name]
    base = build().double()
    layer = LowRank(copy.deepcopy(base), 2, is_dora=is_dora)
    x = torch.randn(*shape, dtype=torch.float64)
    torch.testing.assert_close(layer(x), base(x))
    assert layer.B.eq(0).all()
    bound = 1 / math.sqrt(layer.A.shape[1])
    assert 0.4 * bound < layer.A.abs().max() <= bound


def test_an_adapted_embedding_looks_up_the_changed_rows():
    base = nn.Embedding(7, 4).double()
    layer = LowRank(copy.deepcopy(base), 2, alpha=6.0)
    ids = torch.tensor([[0, 6, 6], [3, 1, 2]])
    torch.testing.assert_close(layer(ids), base(ids))
    assert layer.B.std() > 0.5
    with torch.no_grad():
        layer.A.normal_()
    torch.testing.assert_close(layer(ids), nn.functional.embedding(ids, base.weight + 3.0 * layer.B @ layer.A))
    torch.testing.assert_close(layer.weight(), base.weight + 3.0 * layer.B @ layer.A)


def test_the_length_of_a_row_is_a_constant_for_gradients():
    base, layer = adapted(lambda: nn.Linear(6, 5, bias=False), is_dora=True)
    x = torch.randn(3, 6, dtype=torch.float64)
    layer(x).square().sum().backward()
    A, B, m = (each.detach().clone().requires_grad_() for each in (layer.A, layer.B, layer.magnitude))
    weight = base.weight.detach() + 3.0 * B @ A
    length = weight.detach().norm(dim=1)
    ((m / length)[:, None] * weight @ x.T).square().sum().backward()
    for ours, theirs in ((layer.A, A), (layer.B, B), (layer.magnitude, m)):
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("is_dora", [False, True], ids=["lora", "dora"])
def test_dropout_acts_on_the_change_in_training_only(is_dora):
    _, layer = adapted(lambda: nn.Linear(64, 5), dropout=0.5, is_dora=is_dora)
    x = torch.randn(3, 64, dtype=torch.float64)
    assert torch.equal(layer.eval()(x), layer(x))
    layer.train()
    assert not torch.equal(layer(x), layer(x))
    with torch.no_grad():
        layer.B.zero_()
        if layer.magnitude is None:
            assert torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_adapters_go_into_any_module_and_only_they_are_trained(kind):
    network = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    given = {name: value.clone() for name, value in network.state_dict().items()}
    assert add_adapters(network, ["linear1", "linear2"], rank=4, kind=kind) is network
    trained = {name for name, each in network.named_parameters() if each.requires_grad}
    names = {"A", "B", "magnitude"} if kind == "dora" else {"A", "B"}
    assert trained == {f"{layer}.{name}" for layer in ("linear1", "linear2") for name in names}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        network(torch.randn(2, 3, 16)).square().sum().backward()
        optimizer.step()
    now = network.state_dict()
    for name, value in given.items():
        key = name if name in now else name.replace("linear1.", "linear1.base.").replace("linear2.", "linear2.base.")
        assert torch.equal(now[key], value), name
    assert set(adapter_state_dict(network)) == trained
    assert not adapter_state_dict(network)["linear1.B"].eq(0).all()


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_merging_gives_the_same_function_without_adapters(kind):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(100, 5)).double()
    add_adapters(network, ["0", "2"], rank=2, alpha=4.0, kind=kind)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(2, 3, 7, 7, dtype=torch.float64)
    before = network(x)
    assert merge_adapters(network) is network
    assert [type(each) for each in network] == [nn.Conv2d, nn.Flatten, nn.Linear]
    torch.testing.assert_close(network(x), before)
    assert all(parameter.is_leaf for parameter in network.parameters())


def test_gradients_pass_through_the_weight_of_the_plain_layer():
    _, layer = adapted(lambda: nn.Linear(6, 5), is_dora=True)
    layer.weight().sum().backward()
    assert all(each.grad is not None and each.grad.ne(0).all() for each in (layer.A, layer.B, layer.magnitude))


def test_a_name_that_no_layer_has_is_refused_with_those_that_there_are():
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 2), nn.ReLU()))
    with pytest.raises(ValueError, match=r"no layer is named q_proj; there are 0, 1, 2$"):
        add_adapters(network, ["q_proj"])


@pytest.mark.parametrize(
    ("layer", "is_dora", "said"),
    [
        (nn.LayerNorm(4), False, "LayerNorm takes no adapter"),
        (nn.Conv2d(4, 4, 1, groups=2), False, "a Conv2d of 2 groups takes no adapter"),
        (nn.Embedding(4, 4), True, "DoRA takes no Embedding"),
    ],
)
def test_a_layer_that_cannot_be_adapted_is_refused(layer, is_dora, said):
    with pytest.raises(TypeError, match=said):
        LowRank(layer, 2, is_dora=is_dora)


def test_adapting_twice_leaves_the_frozen_layer_inside_alone():
    network = add_adapters(nn.Sequential(nn.Linear(4, 4)), ["0"])
    with pytest.raises(ValueError, match="no layer is named base"):
        add_adapters(network, ["base"])
