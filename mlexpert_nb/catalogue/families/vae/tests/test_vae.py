"""Both autoencoders against their formulas: outputs, noise, codes, straight-through gradients and losses."""

import math

import pytest
import torch
from references import KINDS, decoded, encoded, nearest, random_images, small_model
from torch.nn import functional as F

from model import ModelConfig, VAEOutput, VQVAEOutput, build_model, functional
from model.vae import Codebook, kl_divergence, sample_latent, vae_loss, vqvae_loss

VAE, VQVAE = KINDS


def test_the_vae_is_its_formula():
    model, images = small_model(VAE), random_images(VAE)
    state, output = model.state_dict(), model(images)
    features = encoded(state, images).reshape(3, -1)
    both = features @ state["to_latent.weight"].T + state["to_latent.bias"]
    torch.testing.assert_close(output.mean, both[:, :3])
    torch.testing.assert_close(output.log_variance, both[:, 3:])
    grid = (both[:, :3] @ state["from_latent.weight"].T + state["from_latent.bias"]).reshape(3, 6, 2, 2)
    torch.testing.assert_close(output.reconstruction, decoded(state, grid))
    assert output.reconstruction.shape == images.shape


def test_training_adds_noise_to_the_mean_and_evaluation_does_not():
    model, images = small_model(VAE), random_images(VAE)
    assert torch.equal(model(images).reconstruction, model.decode(model.encode(images)[0]))
    model.train()
    torch.manual_seed(5)
    output = model(images)
    torch.manual_seed(5)
    noise = torch.randn(3, 3, dtype=torch.float64)
    latents = output.mean + output.log_variance.exp().sqrt() * noise
    torch.testing.assert_close(output.reconstruction, model.decode(latents))
    assert not torch.equal(model(images).reconstruction, output.reconstruction)


def test_gradients_pass_the_noise():
    mean = torch.zeros(1, 2, requires_grad=True)
    log_variance = torch.zeros(1, 2, requires_grad=True)
    drawn = sample_latent(mean, log_variance)
    drawn.sum().backward()
    assert torch.equal(mean.grad, torch.ones(1, 2))
    torch.testing.assert_close(log_variance.grad, drawn.detach() / 2)


def test_the_divergence_is_that_of_the_densities():
    mean, log_variance = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    grid = torch.linspace(-40, 40, 80_001, dtype=torch.float64)
    for row in range(2):
        expected = 0.0
        for m, v in zip(mean[row], log_variance[row].exp(), strict=True):
            log_density = -((grid - m) ** 2) / (2 * v) - (2 * math.pi * v).log() / 2
            log_prior = -(grid**2) / 2 - math.log(2 * math.pi) / 2
            expected += torch.trapezoid(log_density.exp() * (log_density - log_prior), grid)
        torch.testing.assert_close(kl_divergence(mean, log_variance)[row], expected)
    assert kl_divergence(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0


def test_new_images_are_decoded_draws_of_the_prior():
    model = small_model(VAE)
    torch.manual_seed(3)
    drawn = model.sample(4)
    torch.manual_seed(3)
    assert torch.equal(drawn, model.decode(torch.randn(4, 3, dtype=torch.float64)))
    assert drawn.shape == (4, 2, 8, 8)


def test_the_loss_of_the_vae_is_a_sum_of_pixels_and_a_mean_of_images():
    images, output = torch.randn(2, 1, 2, 2), VAEOutput(torch.randn(2, 1, 2, 2), torch.randn(2, 3), torch.randn(2, 3))
    expected = 0.0
    for row in range(2):
        expected += ((images[row] - output.reconstruction[row]) ** 2).sum() / 2
        mean, log_variance = output.mean[row], output.log_variance[row]
        expected += 0.3 * (mean**2 + log_variance.exp() - log_variance - 1).sum() / 2
    torch.testing.assert_close(vae_loss(images, output, 0.3), expected / 2)


def test_the_vqvae_is_its_formula():
    model, images = small_model(VQVAE), random_images(VQVAE)
    state, output = model.state_dict(), model(images)
    latents = F.conv2d(encoded(state, images), state["to_latent.weight"], state["to_latent.bias"])
    torch.testing.assert_close(output.latents, latents)
    indices = nearest(state["codebook.weight"], latents)
    assert torch.equal(output.indices, indices)
    assert indices.unique().numel() > 1
    codes = torch.stack([state["codebook.weight"][row].permute(2, 0, 1) for row in indices])
    torch.testing.assert_close(output.codes, codes)
    grid = F.conv2d(codes, state["from_latent.weight"], state["from_latent.bias"], padding=1)
    torch.testing.assert_close(output.reconstruction, decoded(state, grid))
    assert torch.equal(model.encode(images), indices)
    torch.testing.assert_close(model.decode(indices), output.reconstruction)


def test_the_nearest_code_is_found_whatever_the_lengths():
    codebook = Codebook(50, 3).double()
    with torch.no_grad():
        codebook.weight.normal_().mul_(torch.rand(50, 1) * 3)
    latents = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    assert torch.equal(codebook.nearest(latents), nearest(codebook.weight, latents))


def test_codes_start_evenly_spread():
    weight = Codebook(500, 8).weight
    assert 0.29 < weight.max() <= 0.3
    assert -0.3 <= weight.min() < -0.29
    assert weight.mean().abs() < 0.01


def test_gradients_pass_straight_through_the_codes():
    model, images = small_model(VQVAE), random_images(VQVAE)
    output = model(images)
    output.latents.retain_grad()
    output.reconstruction.square().sum().backward()
    codes = output.codes.detach().requires_grad_()
    model.decoder(model.from_latent(codes)).square().sum().backward()
    torch.testing.assert_close(output.latents.grad, codes.grad)
    assert model.codebook.weight.grad is None


def test_each_part_of_the_loss_of_the_vqvae_moves_its_own_side():
    images, reconstruction = torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2, requires_grad=True)
    latents, codes = (torch.randn(2, 3, 1, 1, requires_grad=True) for _ in range(2))
    output = VQVAEOutput(reconstruction, latents, codes, torch.zeros(2, 1, 1, dtype=torch.long))
    loss = vqvae_loss(images, output, 0.4)
    loss.backward()
    gap = (codes - latents).detach()
    torch.testing.assert_close(
        loss.detach(), (images - reconstruction.detach()).pow(2).mean() + 1.4 * gap.pow(2).mean()
    )
    torch.testing.assert_close(codes.grad, 2 * gap / 6)
    torch.testing.assert_close(latents.grad, -0.4 * 2 * gap / 6)
    torch.testing.assert_close(reconstruction.grad, 2 * (reconstruction.detach() - images) / 8)


@pytest.mark.parametrize("config", KINDS, ids=["vae", "vqvae"])
def test_the_loss_is_that_of_the_kind_with_its_weights(config):
    model, images = small_model(config), random_images(config)
    targets = {"images": random_images(config)}
    output = model(images)
    expected = {"vae": lambda: vae_loss(targets["images"], output, 0.3)}.get(
        config["kind"], lambda: vqvae_loss(targets["images"], output, 0.4)
    )()
    torch.testing.assert_close(functional.loss(model, {"images": images}, targets), expected)


@pytest.mark.parametrize("num_levels", [1, 2, 3])
@pytest.mark.parametrize("kind", ["vae", "vqvae"])
def test_the_grid_halves_with_every_level(kind, num_levels):
    config = {**VAE, "kind": kind, "num_levels": num_levels}
    model, images = small_model(config), random_images(config)
    side = ModelConfig(**config).grid_size
    assert side == 8 // 2**num_levels
    assert model.encoder(images).shape == (3, 6, side, side)
    assert model(images).reconstruction.shape == images.shape


def test_a_vae_has_one_mean_for_an_image():
    grey = {**VAE, "num_channels": 1, "image_size": 32, "latent_size": 64}
    output = build_model(**grey)(torch.randn(1, 1, 32, 32))
    assert isinstance(output, VAEOutput)
    assert output.mean.shape == (1, 64)


def test_the_delivered_network_rebuilds_images_of_its_size():
    config = ModelConfig()
    images = torch.randn(1, config.num_channels, config.image_size, config.image_size)
    output = build_model()(images)
    assert isinstance(output, VAEOutput) is (config.kind == "vae")
    assert output.reconstruction.shape == images.shape
