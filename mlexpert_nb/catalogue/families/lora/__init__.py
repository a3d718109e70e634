"""LoRA and DoRA: low-rank adapters for any module."""

from mlexpert_nb.catalogue.families.lora.entry import LORA

__all__ = ["LORA"]
