"""Perceiver IO: a few latents read any number of inputs."""

from mlexpert_nb.catalogue.families.perceiver.entry import PERCEIVER

__all__ = ["PERCEIVER"]
