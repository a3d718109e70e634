"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, C channels, H height, W width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.unet.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("batch_independent",)
NUM_STEPS = 1000  # of the diffusion process that example batches are drawn from (arXiv:2006.11239, sec. 4)
BETAS = (1e-4, 0.02)  # first and last variance of its noise


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random images and what is to be said about them: inputs of the network, and targets of its loss."""
    generator = torch.Generator().manual_seed(seed)
    size = 2 * config.stride  # a norm over one place would leave nothing of it
    images_BCHW = torch.randn((batch_size, config.num_channels, size, size), generator=generator)
    if config.task == "segmentation":
        labels_BHW = torch.randint(config.num_classes, (batch_size, size, size), generator=generator)
        return {"images_BCHW": images_BCHW}, {"labels_BHW": labels_BHW}
    noise_BCHW = torch.randn(images_BCHW.shape, generator=generator)
    steps_B = torch.randint(NUM_STEPS, (batch_size,), generator=generator)
    return {"images_BCHW": add_noise(images_BCHW, noise_BCHW, steps_B), "steps_B": steps_B}, {"noise_BCHW": noise_BCHW}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the pixels (label -100 is ignored), or the squared error of the noise, as a mean."""
    outputs = module(**inputs)
    if "labels_BHW" in targets:
        return F.cross_entropy(outputs, targets["labels_BHW"])
    return F.mse_loss(outputs, targets["noise_BCHW"])


def add_noise(images_BCHW: Tensor, noise_BCHW: Tensor, steps_B: Tensor) -> Tensor:
    """Give the images after their steps of the diffusion process (arXiv:2006.11239, eq. 4)."""
    kept = (1 - torch.linspace(*BETAS, NUM_STEPS, dtype=torch.float64, device=steps_B.device)).cumprod(0)
    share_B111 = kept[steps_B][:, None, None, None].to(images_BCHW.dtype)
    return share_B111.sqrt() * images_BCHW + (1 - share_B111).sqrt() * noise_BCHW
