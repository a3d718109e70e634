"""WGAN-GP against closed forms of its penalty, and against layers put together once more with its losses.

The libraries at hand hold no WGAN-GP: for the penalty the oracle is calculus, for the rest a network of plain layers.
"""

import pytest
import torch
from torch import nn

from mlexpert_nb.catalogue.families.wgan_gp.model import functional
from mlexpert_nb.catalogue.families.wgan_gp.model.config import ModelConfig
from mlexpert_nb.catalogue.families.wgan_gp.model.wgan_gp import WGAN

pytestmark = pytest.mark.oracle
SIZES = {"image_size": 16, "num_levels": 2, "latent_size": 6, "generator_hidden_size": 16, "critic_hidden_size": 16}


class Linear(nn.Module):
    """The critic w x: its slope is |w| everywhere."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(12, dtype=torch.float64))

    def forward(self, x):
        return x.flatten(1) @ self.weight

    def penalty(self, _points):
        slope = self.weight.detach().norm()
        return (slope - 1) ** 2, 2 * (slope - 1) * self.weight.detach() / slope


class Quadratic(nn.Module):
    """The critic sum w x^2 / 2: its gradient at x is w x."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(12, dtype=torch.float64))

    def forward(self, x):
        return (self.weight * x.flatten(1) ** 2).sum(1) / 2

    def penalty(self, points):
        gradient = self.weight.detach() * points
        slope = gradient.norm(dim=1, keepdim=True)
        return ((slope - 1) ** 2).mean(), (2 * (slope - 1) * gradient * points / slope).mean(0)


@pytest.mark.parametrize("kind", [Linear, Quadratic])
def test_the_penalty_is_its_closed_form(figures, kind):
    critic = kind()
    real, generated = (torch.randn(7, 3, 2, 2, dtype=torch.float64) for _ in range(2))
    torch.manual_seed(1)
    penalty = functional.gradient_penalty(critic, real, generated)
    (mine,) = torch.autograd.grad(penalty, critic.weight)
    torch.manual_seed(1)
    share = torch.rand(7, 1, 1, 1, dtype=torch.float64)
    value, gradient = critic.penalty((real + share * (generated - real)).flatten(1))
    figures.add(
        "wgan-gp",
        f"closed form, {kind.__name__.lower()} critic",
        output=(penalty - value).abs().item(),
        gradient=(mine - gradient).abs().max().item(),
    )


def plain_generator():
    """Put the generator together from layers of torch."""
    return nn.Sequential(
        *(nn.Linear(6, 256, bias=False), nn.Unflatten(1, (16, 4, 4)), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.ConvTranspose2d(16, 8, 5, 2, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.ConvTranspose2d(8, 3, 5, 2, 2, 1), nn.Tanh()),
    )


def plain_critic(norm):
    """Put the critic together from layers of torch."""
    inner = [nn.GroupNorm(1, 16)] if norm == "layer" else []
    first, second = nn.Conv2d(3, 8, 5, 2, 2), nn.Conv2d(8, 16, 5, 2, 2)
    last = nn.Linear(256, 1, bias=False)
    return nn.Sequential(first, nn.LeakyReLU(0.2), second, *inner, nn.LeakyReLU(0.2), nn.Flatten(), last)


def plain_losses(generator, critic, latents, images):
    """Give images, scores, and the losses of both players as the paper writes them."""
    generated = generator(latents)
    scores = [critic(images).squeeze(1), critic(generated).squeeze(1)]
    torch.manual_seed(2)
    points = torch.lerp(images, generated.detach(), torch.rand(len(images), 1, 1, 1, dtype=images.dtype))
    points.requires_grad_()
    ones = torch.ones(len(images), 1, dtype=images.dtype)
    _, gradient = torch.autograd.functional.vjp(critic, points, ones, create_graph=True)
    penalty = ((gradient.pow(2).sum((1, 2, 3)).sqrt() - 1) ** 2).mean()
    return generated, *scores, scores[1].mean() - scores[0].mean() + 10 * penalty, -scores[1].mean()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("norm", ["none", "layer"])
def test_network_and_losses_are_those_of_plain_layers(figures, norm, dtype):
    model = WGAN(ModelConfig(critic_norm=norm, **SIZES)).to(dtype)
    parts = [model.generator, model.critic]
    plain = [plain_generator().to(dtype), plain_critic(norm).to(dtype)]
    for ours, theirs in zip(parts, plain, strict=True):
        theirs.load_state_dict(ours.state_dict())
    inputs = {"latents": torch.randn(4, 6, dtype=dtype), "images": torch.randn(4, 3, 16, 16, dtype=dtype)}
    output = model(**inputs)
    torch.manual_seed(2)
    loss = functional.loss(model, inputs, inputs)
    mine = torch.autograd.grad(loss, [*model.generator.parameters(), *model.critic.parameters()])
    generated, real_scores, generated_scores, critics, generators = plain_losses(*plain, *inputs.values())
    theirs = [
        *torch.autograd.grad(generators, list(plain[0].parameters()), retain_graph=True),
        *torch.autograd.grad(critics, list(plain[1].parameters())),
    ]
    ours = [output.generated, output.real_scores, output.generated_scores, loss]
    difference = largest(ours, [generated, real_scores, generated_scores, critics])
    kinds = {"output": difference, "gradient": largest(mine, theirs)}
    counted = tuple(sum(p.numel() for part in each for p in part.parameters()) for each in (parts, plain))
    figures.add(
        "wgan-gp",
        f"torch.nn layers, critic norm {norm} ({dtype})",
        parameters=counted,
        **(kinds if dtype == torch.float64 else {"output_float32": difference}),
    )


def largest(ours, theirs):
    """Give the largest absolute difference of two lists of tensors."""
    return max((mine - other).abs().max().item() for mine, other in zip(ours, theirs, strict=True))
