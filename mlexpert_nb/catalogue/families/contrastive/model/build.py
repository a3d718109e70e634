"""Contrastive learning: embeddings in which what belongs together lies together.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from mlexpert_nb.catalogue.families.contrastive.model.clip import CLIP, CLIPOutput, clip_loss  # only objective=clip
from mlexpert_nb.catalogue.families.contrastive.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.contrastive.model.simclr import SimCLR, TwoViews, nt_xent  # only objective=simclr
from mlexpert_nb.catalogue.families.contrastive.model.tower import ImageTower

__all__ = [
    "CLIP",  # only objective=clip
    "CLIPOutput",  # only objective=clip
    "ImageTower",
    "ModelConfig",
    "SimCLR",  # only objective=simclr
    "TwoViews",  # only objective=simclr
    "build_model",
    "clip_loss",  # only objective=clip
    "count_parameters",
    "nt_xent",  # only objective=simclr
    "parameter_table",
]

NETWORKS: Mapping[str, Callable[[ModelConfig], nn.Module]] = {
    "simclr": SimCLR,  # only objective=simclr
    "clip": CLIP,  # only objective=clip
}


def build_model(**config: Any) -> nn.Module:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    checked = ModelConfig(**config)
    return NETWORKS[checked.objective](checked)
