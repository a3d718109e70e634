"""LSTM encoder-decoder with attention, after Bahdanau or Luong."""

from mlexpert_nb.catalogue.families.lstm_attention.entry import LSTM_ATTENTION

__all__ = ["LSTM_ATTENTION"]
