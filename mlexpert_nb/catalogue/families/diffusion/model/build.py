"""Diffusion model: learns to take the noise out of images, and makes images out of noise.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.diffusion.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.diffusion.model.diffusion import DiffusionModel, NoiseProcess, build_model

__all__ = ["DiffusionModel", "ModelConfig", "NoiseProcess", "build_model", "count_parameters", "parameter_table"]
