"""The losses of generator and critic, a step of their training, and example images, as plain functions.

Papers: WGAN, arXiv:1701.07875, eq. 2-3 (the difference of two scores estimates the Wasserstein distance);
WGAN-GP, arXiv:1704.00028, eq. 3 (`critic_loss`, `gradient_penalty`) and algorithm 1 (`train_step`).
Shapes: B batch, C channels, H height, W width, Z latent size.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.wgan_gp.model.config import ModelConfig
from mlexpert_nb.catalogue.families.wgan_gp.model.wgan_gp import WGAN

CLAIMS = ("batch_independent",)
DETAIL = 4  # side of the noise that smooth images are made of


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw `latents` (B, Z) and smooth `images` (B, C, H, W) between -1 and 1, which are the target, too."""
    generator = torch.Generator().manual_seed(seed)
    latents_BZ = torch.randn(batch_size, config.latent_size, generator=generator)
    noise = torch.randn(batch_size, config.num_channels, DETAIL, DETAIL, generator=generator)
    images_BCHW = F.interpolate(noise, size=config.image_size, mode="bilinear").tanh()
    return {"latents": latents_BZ, "images": images_BCHW}, {"images": images_BCHW.clone()}


def loss(module: WGAN, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the critic's loss with the gradients of both players: the generator's loss adds nothing to its value."""
    generated_BCHW = module.generator(inputs["latents"])
    critics = critic_loss(module.critic, targets["images"], generated_BCHW, module.config.penalty_weight)
    generators = generator_loss(module.critic, generated_BCHW)
    return critics + (generators - generators.detach())


def critic_loss(critic: nn.Module, real: Tensor, generated: Tensor, penalty_weight: float) -> Tensor:
    """Give E[D(generated)] - E[D(real)] plus the weighted penalty; no gradient reaches the generator."""
    difference = critic(generated.detach()).mean() - critic(real).mean()
    return difference + penalty_weight * gradient_penalty(critic, real, generated)


def generator_loss(critic: nn.Module, generated: Tensor) -> Tensor:
    """Give -E[D(generated)]; no gradient reaches the critic's parameters."""
    frozen = {name: each.detach() for name, each in critic.named_parameters()}
    scores_B: Tensor = functional_call(critic, frozen, (generated,))
    return -scores_B.mean()


def gradient_penalty(critic: nn.Module, real: Tensor, generated: Tensor) -> Tensor:
    """Give E[(|gradient of D| - 1)^2] at points drawn evenly between pairs of a real and a generated image.

    The noise comes from the global generator. Also where gradients are switched off, the value is right.
    """
    shape = (len(real), *[1] * (real.ndim - 1))
    share = torch.rand(shape, device=real.device, dtype=real.dtype)
    is_training = torch.is_grad_enabled()
    with torch.enable_grad():
        points = (real + share * (generated - real)).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=is_training)
    slopes_B = gradient.flatten(1).norm(dim=1)
    return (slopes_B - 1).square().mean()


def train_step(
    module: WGAN,
    draw: Callable[[], Tensor],
    critic_optimizer: torch.optim.Optimizer,
    generator_optimizer: torch.optim.Optimizer,
) -> Tensor:
    """Train the critic on fresh batches of real images, then the generator once (algorithm 1).

    Args:
        module: Both players, in training mode.
        draw: Gives the next batch of real images (B, C, H, W).
        critic_optimizer: Optimiser of `module.critic`.
        generator_optimizer: Optimiser of `module.generator`.

    Returns:
        The last loss of the critic; its negative estimates the Wasserstein distance.
    """
    for _ in range(module.config.num_critic_steps):
        images_BCHW = draw()
        with torch.no_grad():
            generated_BCHW = module.sample(len(images_BCHW))
        critics = critic_loss(module.critic, images_BCHW, generated_BCHW, module.config.penalty_weight)
        _update(critic_optimizer, critics)
    _update(generator_optimizer, generator_loss(module.critic, module.sample(len(images_BCHW))))
    return critics.detach()


def _update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
