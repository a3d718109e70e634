"""Wasserstein GAN with gradient penalty: a generator of small images and the critic that it is trained against."""

from mlexpert_nb.catalogue.families.wgan_gp.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.wgan_gp.model.wgan_gp import WGAN, WGANOutput, build_model

__all__ = ["WGAN", "ModelConfig", "WGANOutput", "build_model", "count_parameters", "parameter_table"]
