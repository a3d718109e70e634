"""Batch independence, gradients, determinism, saving and number types: what training code relies on."""

import pytest
import torch
from references import KINDS, random_inputs, small_model, tensors

from model import ModelConfig, build_model, functional

pytestmark = pytest.mark.parametrize("config", KINDS, ids=["none", "layer"])


def test_an_example_is_seen_alone(config):
    model, inputs, other = small_model(config), random_inputs(config), random_inputs(config)
    mixed = {name: torch.cat([inputs[name][:1], other[name][1:]]) for name in inputs}
    for ours, theirs in zip(tensors(model(**mixed)), tensors(model(**inputs)), strict=True):
        torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=1e-11)
        assert not torch.equal(ours[1:], theirs[1:])
    assert functional.CLAIMS == ("batch_independent",)


def test_an_example_batch_is_a_pure_function_of_its_seed(config):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    batches = [functional.example_batch(ModelConfig(**config), 4, seed) for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), before)
    (first, targets), (again, _), (other, _) = batches
    assert first["images"].shape == (4, 2, 8, 8)
    assert first["latents"].shape == (4, 3)
    for name, each in first.items():
        assert torch.equal(each, again[name])
        assert not torch.equal(each, other[name])
        assert not torch.equal(each[0], each[1])
    assert torch.equal(targets["images"], first["images"])
    generator = torch.Generator().manual_seed(1)
    assert torch.equal(first["latents"], torch.randn(4, 3, generator=generator))
    noise = torch.randn(4, 2, 4, 4, generator=generator)
    weights = torch.tensor([0.75, 0.25])  # pixel 1 of 8 lies a quarter of the way from noise 0 to noise 1
    torch.testing.assert_close(first["images"][:, :, 1, 1], (noise[:, :, :2, :2] @ weights @ weights).tanh())


def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(config):
    model = build_model(**config)
    functional.loss(model, *functional.example_batch(model.config, 4, 0)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_the_same_seed_gives_the_same_network(config):
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(torch.cat([p.flatten() for p in build_model(**config).parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_saved_weights_give_the_same_network(config, tmp_path):
    model, inputs = small_model(config), random_inputs(config)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**config).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    for ours, theirs in zip(tensors(fresh(**inputs)), tensors(model(**inputs)), strict=True):
        assert torch.equal(ours, theirs)


def test_a_forward_pass_changes_nothing_in_eval_mode_and_is_repeated_exactly(config):
    model, inputs = small_model(config), random_inputs(config)
    kept = {name: value.clone() for name, value in {**model.state_dict(), **inputs}.items()}
    once, again = model(**inputs), model(**inputs)
    assert all(torch.equal(value, kept[name]) for name, value in {**model.state_dict(), **inputs}.items())
    assert all(torch.equal(a, b) for a, b in zip(tensors(once), tensors(again), strict=True))


def test_half_precision_gives_nearly_the_same_outputs(config):
    model, inputs = small_model(config), random_inputs(config)
    exact = tensors(model(**inputs))
    output = tensors(model.bfloat16()(**{name: each.bfloat16() for name, each in inputs.items()}))
    for ours, theirs in zip(output, exact, strict=True):
        assert ours.dtype == torch.bfloat16
        assert (ours.double() - theirs).abs().mean() < 0.05 * theirs.abs().mean() + 0.01


def test_one_batch_is_learned_by_heart(config):
    model = build_model(**config)
    batch = functional.example_batch(model.config, 4, 0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    while len(losses) < 150 and not (losses and losses[-1] < 0.2 * losses[0]):
        torch.manual_seed(0)
        losses.append(functional.loss(model, *batch))
        optimizer.zero_grad()
        losses[-1].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert losses[0] > 0
    assert losses[-1] < 0.2 * losses[0]
