"""DETR: a transformer that detects objects as a set.

`build_model()` gives the delivered network; `set_loss` trains its detections, `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.detr.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.detr.model.detr import DETR, Detections, build_model
from mlexpert_nb.catalogue.families.detr.model.set_loss import assign, giou, set_loss

__all__ = [
    "DETR",
    "Detections",
    "ModelConfig",
    "assign",
    "build_model",
    "count_parameters",
    "giou",
    "parameter_table",
    "set_loss",
]
