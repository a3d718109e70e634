"""The adapted network: formula, independence of rows, gradients, precision, saving."""

import io

import pytest
import torch
from torch.nn import functional as F

from model import ModelConfig, adapter_state_dict, build_model, functional
from model.lora import adapt, base_model

SMALL = {
    "in_features": 6,
    "hidden_size": 8,
    "num_layers": 2,
    "num_classes": 3,
    "kind": "lora",
    "rank": 2,
    "alpha": 16.0,
    "dropout": 0.0,
    "targets": ("fc1", "fc2"),
}
KINDS = ["lora", "dora"]


def moved(**changes):
    """Build a network whose adapters are no longer at their start."""
    model = build_model(**{**SMALL, **changes}).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_network_is_its_formula(kind):
    model = moved(kind=kind).double()
    x = torch.randn(4, 6, dtype=torch.float64)
    h = F.linear(x, model.stem.weight, model.stem.bias)
    for block in model.blocks:
        u = F.layer_norm(h, (8,), block.norm.weight, block.norm.bias)
        u = F.linear(u, block.fc1.weight(), block.fc1.base.bias)
        u = 0.5 * u * (1 + torch.erf(u / 2**0.5))
        h = h + F.linear(u, block.fc2.weight(), block.fc2.base.bias)
    h = F.layer_norm(h, (8,), model.norm.weight, model.norm.bias)
    torch.testing.assert_close(model(x), F.linear(h, model.head.weight, model.head.bias))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_row_does_not_see_the_other_rows(kind):
    model = moved(kind=kind)
    inputs, _ = functional.example_batch(ModelConfig(**SMALL), 4, 0)
    together = model(**inputs)
    inputs["x"][1:] = torch.randn(3, 6)
    assert torch.equal(model(**inputs)[0], together[0])
    assert not torch.allclose(model(**inputs)[1:], together[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_adapters_and_nothing_else(kind):
    model = moved(kind=kind).train()
    inputs, targets = functional.example_batch(ModelConfig(**SMALL), 4, 0)
    functional.loss(model, inputs, targets).backward()
    for name, parameter in model.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.ne(0).any())
        assert reached is parameter.requires_grad, name


def test_the_loss_is_the_mean_cross_entropy():
    model, config = moved(), ModelConfig(**SMALL)
    inputs, targets = functional.example_batch(config, 5, 3)
    chances = model(inputs["x"]).softmax(1)
    expected = -sum(chances[i, label].log() for i, label in enumerate(targets["labels"])) / 5
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


def test_an_example_batch_is_drawn_from_its_seed():
    config = ModelConfig(**SMALL)
    inputs, targets = functional.example_batch(config, 64, 1)
    assert inputs["x"].shape == (64, 6)
    assert targets["labels"].unique().tolist() == [0, 1, 2]
    assert torch.equal(functional.example_batch(config, 64, 1)[0]["x"], inputs["x"])
    assert not torch.equal(functional.example_batch(config, 64, 2)[0]["x"], inputs["x"])


@torch.no_grad()
def test_a_saved_network_gives_the_same_after_loading():
    model, file = moved(kind="dora"), io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    loaded = build_model(**{**SMALL, "kind": "dora"}).eval()
    loaded.load_state_dict(torch.load(file, weights_only=True))
    x = torch.randn(3, 6)
    assert torch.equal(loaded(x), model(x))


@torch.no_grad()
def test_adapters_alone_bring_a_pretrained_network_to_its_task():
    config = ModelConfig(**SMALL)
    pretrained = base_model(config)
    state = {name: value.clone() for name, value in pretrained.state_dict().items()}
    tuned = adapt(pretrained).eval()
    for name, parameter in tuned.named_parameters():
        if parameter.requires_grad:
            parameter.add_(torch.randn_like(parameter), alpha=0.1 + len(name) / 100)
    again = base_model(config)
    again.load_state_dict(state)
    adapt(again).eval().load_state_dict(adapter_state_dict(tuned), strict=False)
    x = torch.randn(3, 6)
    assert torch.equal(again(x), tuned(x))


@torch.no_grad()
def test_bfloat16_stays_close_to_float32():
    model = moved(kind="dora")
    x = torch.randn(8, 6)
    exact = model(x)
    low = model.bfloat16()(x.bfloat16())
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.float(), exact, rtol=0.1, atol=0.1)


def test_training_fits_a_small_batch_through_the_adapters_alone():
    torch.manual_seed(0)
    changes = {**SMALL, "hidden_size": 16, "rank": 3, "targets": ("stem", "fc1", "fc2", "head")}
    model = build_model(**changes)
    inputs, targets = functional.example_batch(ModelConfig(**changes), 4, 0)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.0)
    first = functional.loss(model, inputs, targets).item()
    for _ in range(120):
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 * first
