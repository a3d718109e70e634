"""Batch independence, gradients, determinism, saving and number types: what training code relies on."""

import pytest
import torch
from references import KINDS, random_images, small_model, tensors

from model import ModelConfig, build_model, functional

pytestmark = pytest.mark.parametrize("config", KINDS, ids=["vae", "vqvae"])


def test_an_image_is_seen_alone(config):
    model, images, other = small_model(config), random_images(config), random_images(config)
    mixed = torch.cat([images[:1], other[1:]])
    for ours, theirs in zip(tensors(model(mixed)), tensors(model(images)), strict=True):
        torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=1e-11)
        assert not torch.equal(ours[1:], theirs[1:])
    assert functional.CLAIMS == ("batch_independent",)


def test_an_example_batch_is_a_pure_function_of_its_seed(config):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    batches = [functional.example_batch(ModelConfig(**config), 4, seed) for seed in (1, 1, 2)]
    images, again, other = (inputs["images"] for inputs, _ in batches)
    assert torch.equal(torch.get_rng_state(), before)
    assert images.shape == (4, 2, 8, 8)
    assert torch.equal(images, again)
    assert not torch.equal(images, other)
    assert not torch.equal(images[0], images[1])
    assert torch.equal(batches[0][1]["images"], images)
    noise = torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    weights = torch.tensor([0.75, 0.25])  # pixel 1 of 8 lies a quarter of the way from noise 0 to noise 1
    torch.testing.assert_close(images[:, :, 1, 1], noise[:, :, :2, :2] @ weights @ weights)


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
    model, images = small_model(config), random_images(config)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**config).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    for ours, theirs in zip(tensors(fresh(images)), tensors(model(images)), strict=True):
        assert torch.equal(ours, theirs)


def test_a_forward_pass_changes_nothing(config):
    model, images = small_model(config), random_images(config)
    kept = {name: value.clone() for name, value in {**model.state_dict(), "images": images}.items()}
    model(images)
    assert all(torch.equal(value, kept[name]) for name, value in {**model.state_dict(), "images": images}.items())


def test_half_precision_gives_nearly_the_same_outputs(config):
    model, images = small_model(config), random_images(config)
    exact = tensors(model(images))[1]
    output = model.bfloat16()(images.bfloat16())
    assert output.reconstruction.dtype == torch.bfloat16
    assert (tensors(output)[1].double() - exact).abs().mean() < 0.05 * exact.abs().mean() + 0.01


def test_one_batch_is_learned_by_heart(config):
    model = build_model(**{**config, "hidden_size": 32, "beta": 0.1})
    batch = functional.example_batch(model.config, 2, 0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(100):
        losses.append(functional.loss(model, *batch))
        optimizer.zero_grad()
        losses[-1].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert losses[-1] < 0.2 * losses[0]
