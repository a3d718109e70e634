"""Neural ODE: a learned differential equation between two linear layers.

`build_model()` gives the delivered network; `odeint` solves an equation of yours.
"""

from mlexpert_nb.catalogue.families.neural_ode.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.neural_ode.model.neural_ode import NeuralODE, build_model
from mlexpert_nb.catalogue.families.neural_ode.model.solvers import Solver, odeint

__all__ = ["ModelConfig", "NeuralODE", "Solver", "build_model", "count_parameters", "odeint", "parameter_table"]
