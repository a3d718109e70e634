"""Forecaster of time series: PatchTST, which reads patches of a series as tokens, or DLinear, its linear baseline.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.patchtst.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.patchtst.model.patchtst import DLinear, Forecaster, PatchTST, build_model

__all__ = ["DLinear", "Forecaster", "ModelConfig", "PatchTST", "build_model", "count_parameters", "parameter_table"]
