"""A small GPT-style decoder for byte-level text."""

from typing import Any

from model.config import ModelConfig
from model.network import SmallGPT, count_parameters


def build_model(**config: Any) -> SmallGPT:
    """Build the decoder in its delivered configuration, changed where `config` says so.

    Raises:
        ValueError: The configuration cannot be built.
    """
    return SmallGPT(ModelConfig(**config))


__all__ = ["ModelConfig", "SmallGPT", "build_model", "count_parameters"]
