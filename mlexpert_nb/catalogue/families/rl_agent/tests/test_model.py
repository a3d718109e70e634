"""Configuration, counts, independence of rows, gradients, saving, precision."""

import io

import pytest
import torch

from model import ModelConfig, build_model, count_parameters, functional, parameter_table

SMALL = {
    "kind": "ppo",
    "num_observations": 3,
    "num_actions": 4,
    "hidden_size": 8,
    "num_layers": 2,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "value_weight": 0.5,
    "entropy_weight": 0.01,
    "double": True,
}
KINDS = ["ppo", "dqn"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes", [{}, {"num_layers": 1}, {"num_layers": 3, "hidden_size": 5}, {"num_actions": 2}], ids=str
)
def test_the_count_is_that_of_the_built_network(kind, changes):
    config = {**SMALL, **changes, "kind": kind}
    with torch.device("meta"):
        model = build_model(**config)
    assert count_parameters(ModelConfig(**config)) == sum(p.numel() for p in model.parameters())
    for name, count in parameter_table(ModelConfig(**config)):
        assert sum(p.numel() for p in model.get_submodule(name).parameters()) == count


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "sac"}, "kind='sac' must be one of ppo, dqn"),
        ({"num_observations": 0}, "num_observations=0 must be at least 1"),
        ({"num_actions": 1}, "num_actions=1 must be at least 2"),
        ({"hidden_size": 0}, "hidden_size=0 must be at least 1"),
        ({"num_layers": 0}, "num_layers=0 must be at least 1"),
        ({"gamma": 1.1}, "gamma=1.1 must be between 0 and 1"),
        ({"gae_lambda": -0.1}, "gae_lambda=-0.1 must be between 0 and 1"),
        ({"clip_range": 0.0}, "clip_range=0.0 must be above 0 and below 1"),
        ({"clip_range": 1.0}, "clip_range=1.0 must be above 0 and below 1"),
        ({"value_weight": -1.0}, "value_weight=-1.0 must not be negative"),
        ({"entropy_weight": -1.0}, "entropy_weight=-1.0 must not be negative"),
    ],
)
def test_an_impossible_configuration_is_refused_by_the_name_of_its_key(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})


def test_the_borders_of_the_configuration_are_allowed():
    config = ModelConfig(gamma=1.0, gae_lambda=0.0, value_weight=0.0, entropy_weight=0.0, num_layers=1, hidden_size=1)
    assert build_model(gamma=1.0, gae_lambda=0.0).config.gamma == config.gamma
    assert ModelConfig(gamma=0.0, gae_lambda=1.0).gae_lambda == 1.0


def tensors(output):
    return [output] if isinstance(output, torch.Tensor) else [output.logits, output.values]


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_state_does_not_see_the_other_states(kind):
    model = build_model(**{**SMALL, "kind": kind}).eval()
    x = torch.randn(4, 3)
    other = torch.cat([x[:1], torch.randn(3, 3)])
    for before, after in zip(tensors(model(x)), tensors(model(other)), strict=True):
        assert torch.equal(before[0], after[0])
        assert not torch.equal(before[1:], after[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_training_reaches_every_parameter_and_fits_a_batch(kind):
    model = build_model(**{**SMALL, "kind": kind})
    inputs, targets = functional.example_batch(ModelConfig(**{**SMALL, "kind": kind}), 4, 0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(150):
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.ne(0).any() for p in model.parameters()) or losses
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_batch_is_drawn_from_its_seed(kind):
    config = ModelConfig(**{**SMALL, "kind": kind})
    inputs, targets = functional.example_batch(config, 64, 1)
    assert inputs["observations"].shape == (64, 3)
    assert targets["actions"].unique().tolist() == [0, 1, 2, 3]
    assert torch.equal(functional.example_batch(config, 64, 1)[0]["observations"], inputs["observations"])
    assert not torch.equal(functional.example_batch(config, 64, 2)[0]["observations"], inputs["observations"])
    names = {"dqn": {"actions", "td_targets"}, "ppo": {"actions", "old_log_probs", "advantages", "returns"}}
    assert set(targets) == names[kind]
    if kind == "ppo":
        torch.testing.assert_close(targets["old_log_probs"].exp(), torch.full((64,), 0.25))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_saved_network_gives_the_same_after_loading_also_in_bfloat16(kind):
    model, file = build_model(**{**SMALL, "kind": kind}), io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    loaded = build_model(**{**SMALL, "kind": kind})
    loaded.load_state_dict(torch.load(file, weights_only=True))
    x = torch.randn(3, 3)
    for ours, theirs in zip(tensors(model(x)), tensors(loaded(x)), strict=True):
        assert torch.equal(ours, theirs)
    for exact, low in zip(tensors(model(x)), tensors(loaded.bfloat16()(x.bfloat16())), strict=True):
        torch.testing.assert_close(low.float(), exact, rtol=0.1, atol=0.1)
