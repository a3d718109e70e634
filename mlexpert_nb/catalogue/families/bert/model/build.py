"""BERT: a Transformer encoder that fills in masked tokens from both sides.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.bert.model.bert import Bert, build_model, mask_tokens
from mlexpert_nb.catalogue.families.bert.model.config import ModelConfig, count_parameters, parameter_table

__all__ = ["Bert", "ModelConfig", "build_model", "count_parameters", "mask_tokens", "parameter_table"]
