"""T5: an encoder-decoder Transformer with relative positions, for every task that turns text into text.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.t5.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.t5.model.t5 import T5Model, build_model

__all__ = ["ModelConfig", "T5Model", "build_model", "count_parameters", "parameter_table"]
