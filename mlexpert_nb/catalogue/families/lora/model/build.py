"""LoRA and DoRA: low-rank adapters in a frozen network, for any module.

`add_adapters(module, targets)` adapts a network of yours; `build_model()` gives a small one that is adapted already.
"""

from mlexpert_nb.catalogue.families.lora.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.lora.model.lora import (
    AdaptedMLP,
    adapter_state_dict,
    add_adapters,
    build_model,
    merge_adapters,
)

__all__ = [
    "AdaptedMLP",
    "ModelConfig",
    "adapter_state_dict",
    "add_adapters",
    "build_model",
    "count_parameters",
    "merge_adapters",
    "parameter_table",
]
