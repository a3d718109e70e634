"""A decoder of the GPT and LLaMA kind: full, sliding or linear attention, dense layers or experts, with a cache."""

from mlexpert_nb.catalogue.families.decoder.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.decoder.model.decoder import Decoder, build_model

__all__ = ["Decoder", "ModelConfig", "build_model", "count_parameters", "parameter_table"]
