"""Networks for tables of numbers and categories: FT-Transformer or ResNet, to classify or to predict numbers.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.tabular.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.tabular.model.tabular import FTTransformer, TabularResNet, build_model

__all__ = ["FTTransformer", "ModelConfig", "TabularResNet", "build_model", "count_parameters", "parameter_table"]
