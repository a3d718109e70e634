"""Kolmogorov-Arnold network: a learned spline on every edge, sums at the nodes.

`build_model()` gives the delivered network; `refine` gives the same function on a finer grid.
"""

from mlexpert_nb.catalogue.families.kan.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.kan.model.kan import KolmogorovArnoldNetwork, build_model, refine

__all__ = [
    "KolmogorovArnoldNetwork",
    "ModelConfig",
    "build_model",
    "count_parameters",
    "parameter_table",
    "refine",
]
