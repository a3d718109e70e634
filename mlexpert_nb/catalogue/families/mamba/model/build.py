"""Mamba: a language model that remembers with a selective state space instead of attention.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.mamba.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.mamba.model.mamba import Mamba, build_model
from mlexpert_nb.catalogue.families.mamba.model.scan import selective_scan

__all__ = ["Mamba", "ModelConfig", "build_model", "count_parameters", "parameter_table", "selective_scan"]
