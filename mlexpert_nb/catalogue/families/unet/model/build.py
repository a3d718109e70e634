"""U-Net: a convolutional network from pixels to pixels, with a skip across at every resolution.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from typing import Any

from mlexpert_nb.catalogue.families.unet.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.unet.model.diffusion_unet import DiffusionUNet
from mlexpert_nb.catalogue.families.unet.model.unet import UNet

__all__ = ["DiffusionUNet", "ModelConfig", "UNet", "build_model", "count_parameters", "parameter_table"]


def build_model(**config: Any) -> UNet | DiffusionUNet:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    checked = ModelConfig(**config)
    return UNet(checked) if checked.task == "segmentation" else DiffusionUNet(checked)
