"""Neural ODE: a network whose depth is time."""

from mlexpert_nb.catalogue.families.neural_ode.entry import NEURAL_ODE

__all__ = ["NEURAL_ODE"]
