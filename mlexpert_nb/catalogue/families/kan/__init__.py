"""Kolmogorov-Arnold network: a learned spline on every edge."""

from mlexpert_nb.catalogue.families.kan.entry import KAN

__all__ = ["KAN"]
