"""Vision Transformer: an image as a sequence of patches, classified by a Transformer encoder.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.vit.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.vit.model.vit import VisionTransformer, build_model

__all__ = ["ModelConfig", "VisionTransformer", "build_model", "count_parameters", "parameter_table"]
