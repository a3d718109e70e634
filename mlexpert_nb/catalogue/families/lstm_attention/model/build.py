"""LSTM encoder-decoder with attention: reads a sequence, and writes another while looking back at it.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.lstm_attention.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.lstm_attention.model.seq2seq import Seq2Seq, build_model

__all__ = ["ModelConfig", "Seq2Seq", "build_model", "count_parameters", "parameter_table"]
