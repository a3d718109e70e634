"""The autoencoders against torch.distributions (divergence, pixels) and diffusers (codebook): outputs and gradients."""

import pytest
import torch
from diffusers.models.autoencoders.vae import VectorQuantizer
from torch.distributions import Normal, kl_divergence

from mlexpert_nb.catalogue.families.vae.model import vae
from mlexpert_nb.catalogue.families.vae.model.config import ModelConfig

pytestmark = pytest.mark.oracle
NUM_EMBEDDINGS, LATENT_SIZE, COMMITMENT = 32, 5, 0.25


def largest(ours, theirs):
    """Give the largest absolute difference of two lists of tensors."""
    return max((mine - other).abs().max().item() for mine, other in zip(ours, theirs, strict=True))


def test_the_loss_of_the_vae_is_that_of_the_distributions(figures):
    beta = 0.7
    model = vae.VAE(ModelConfig(image_size=8, hidden_size=8, residual_size=4, latent_size=6)).double()
    images = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    output = model(images)
    kinds = [output.reconstruction, output.mean, output.log_variance]
    loss = vae.vae_loss(images, output, beta)
    mine = torch.autograd.grad(loss, kinds, retain_graph=True)
    latent = Normal(output.mean, output.log_variance.exp().sqrt())
    divergence = kl_divergence(latent, Normal(0.0, 1.0)).sum(1)
    pixels = Normal(output.reconstruction, beta**0.5)
    constant = Normal(0.0, torch.tensor(beta, dtype=torch.float64).sqrt()).log_prob(torch.zeros(())) * images[0].numel()
    bound = pixels.log_prob(images).flatten(1).sum(1) - constant - divergence
    expected = -beta * bound.mean()
    other = torch.autograd.grad(expected, kinds)
    ours = vae.kl_divergence(output.mean, output.log_variance)
    figures.add(
        "vae",
        "torch.distributions Normal",
        output=largest([ours, loss], [divergence, expected]),
        gradient=largest(mine, other),
    )


def test_drawn_latents_are_those_of_the_distribution(figures):
    mean, log_variance = (torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    drawn = []
    for draw in (vae.sample_latent, lambda m, v: Normal(m, (v / 2).exp()).rsample()):
        torch.manual_seed(1)
        noise = draw(mean, log_variance)
        drawn.append((noise, torch.autograd.grad(noise.square().sum(), [mean, log_variance])))
    (mine, gradients), (other, expected) = drawn
    figures.add(
        "vae",
        "torch.distributions rsample",
        output=largest([mine], [other]),
        gradient=largest(gradients, expected),
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_the_codebook_is_that_of_diffusers(figures, dtype):
    settings = {"num_embeddings": NUM_EMBEDDINGS, "latent_size": LATENT_SIZE, "commitment_cost": COMMITMENT}
    model = vae.VQVAE(ModelConfig(kind="vqvae", image_size=16, hidden_size=8, residual_size=4, **settings)).to(dtype)
    theirs = VectorQuantizer(NUM_EMBEDDINGS, LATENT_SIZE, COMMITMENT, legacy=False, sane_index_shape=True).to(dtype)
    with torch.no_grad():
        theirs.embedding.weight.copy_(model.codebook.weight)
    images = torch.randn(3, 1, 16, 16, dtype=dtype)
    output = model(images)
    loss = vae.vqvae_loss(images, output, COMMITMENT)
    mine = torch.autograd.grad(loss, [output.latents, model.codebook.weight], retain_graph=True)
    latents = output.latents.detach().requires_grad_()
    codes, quantised, (_, _, indices) = theirs(latents)
    again = model.decoder(model.from_latent(codes))
    expected = (again - images).square().mean() + quantised
    other = torch.autograd.grad(expected, [latents, theirs.embedding.weight])
    assert torch.equal(output.indices, indices)
    assert indices.unique().numel() > 1
    difference = largest([output.codes, output.reconstruction, loss], [codes, again, expected])
    counted = tuple(sum(p.numel() for p in each.parameters()) for each in (model.codebook, theirs))
    kinds = {"output": difference} if dtype == torch.float64 else {"output_float32": difference}
    if dtype == torch.float64:
        kinds["gradient"] = largest(mine, other)
    figures.add("vae", f"diffusers VectorQuantizer ({dtype})", parameters=counted, **kinds)
