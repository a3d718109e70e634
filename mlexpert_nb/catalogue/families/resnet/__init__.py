"""ResNet: a convolutional network whose blocks learn residuals."""

from mlexpert_nb.catalogue.families.resnet.entry import RESNET

__all__ = ["RESNET"]
