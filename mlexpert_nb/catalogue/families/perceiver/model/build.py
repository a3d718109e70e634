"""Perceiver IO: a few latents read every pixel, and a query reads the class from them.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.perceiver.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.perceiver.model.perceiver import Perceiver, build_model

__all__ = ["ModelConfig", "Perceiver", "build_model", "count_parameters", "parameter_table"]
