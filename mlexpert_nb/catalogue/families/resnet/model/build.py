"""ResNet: a convolutional image classifier whose blocks learn what to add to their input.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.resnet.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.resnet.model.resnet import ResNet, build_model

__all__ = ["ModelConfig", "ResNet", "build_model", "count_parameters", "parameter_table"]
