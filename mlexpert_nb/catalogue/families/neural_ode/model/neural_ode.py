"""Neural ODE: between its first and its last layer, a learned differential equation moves the state.

Paper: Chen et al. 2018, "Neural Ordinary Differential Equations", arXiv:1806.07366.

    eq. 2      dz/dt = f(z(t), t, theta)                                       `Dynamics`
    eq. 3      z(T) = z(0) + integral of f from 0 to T                         `NeuralODE.forward`, `solvers.odeint`
    eq. 4-5    da/dt = -a^T df/dz, dL/dtheta = integral of a^T df/dtheta       `Adjoint`

Shapes: B batch, I inputs, D state, C classes.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from mlexpert_nb.catalogue.families.neural_ode.model.config import ModelConfig
from mlexpert_nb.catalogue.families.neural_ode.model.solvers import Solver, Time, odeint


class NeuralODE(nn.Module):
    """Classifier, `(B, I) -> (B, C)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.solver = Solver(config.method, config.num_steps, config.rtol, config.atol)
        self.stem = nn.Linear(config.in_features, config.hidden_size)
        self.dynamics = Dynamics(config)
        self.head = nn.Linear(config.hidden_size, config.num_classes)

    def forward(self, x_BI: Tensor) -> Tensor:
        """Give the logits of the classes."""
        z_BD = self.stem(x_BI)
        if self.config.gradient == "adjoint":
            solve: Any = Adjoint.apply
            z_BD = solve(self.dynamics, self.solver, self.config.end_time, z_BD, *self.dynamics.parameters())
        else:
            z_BD = odeint(self.dynamics, z_BD, 0.0, self.config.end_time, self.solver)
        return self.head(z_BD)


class Dynamics(nn.Module):
    """The slope of the state at a time: layers that see the time too, `(t, (B, D)) -> (B, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        widths = [config.hidden_size, *[config.mlp_dim] * (config.num_layers - 1), config.hidden_size]
        self.layers = nn.ModuleList(TimeLinear(*pair) for pair in pairwise(widths))

    def forward(self, t: Time, z_BD: Tensor) -> Tensor:
        """Give the slope."""
        for layer in self.layers[:-1]:
            z_BD = torch.tanh(layer(t, z_BD))
        return self.layers[-1](t, z_BD)


class TimeLinear(nn.Module):
    """A linear layer of the input with the time beside it, one weight for each."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(num_inputs, num_outputs)
        self.time_weight = nn.Parameter(torch.empty(num_outputs))
        nn.init.uniform_(self.time_weight, -((num_inputs + 1) ** -0.5), (num_inputs + 1) ** -0.5)

    def forward(self, t: Time, x: Tensor) -> Tensor:
        """Add what the time does to what the input does."""
        return self.linear(x) + t * self.time_weight


class Adjoint(torch.autograd.Function):
    """Solve forward keeping nothing but the end; for the gradient, solve state, adjoint and gradient backward."""

    @staticmethod
    def forward(ctx: FunctionCtx, *inputs: Any) -> Tensor:
        """Give the state at the end; inputs are dynamics, solver, end time, first state, and the parameters."""
        dynamics, solver, end_time, z_BD = inputs[:4]
        end_BD = odeint(dynamics, z_BD, 0.0, end_time, solver)  # autograd records nothing within a Function
        ctx.settings = inputs[:3]  # type: ignore[attr-defined] # autograd's contexts take any attribute
        ctx.save_for_backward(end_BD)
        return end_BD

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Give the gradients of the first state and of the parameters."""
        dynamics, solver, end_time = ctx.settings
        (end_BD,) = ctx.saved_tensors
        parameters = list(dynamics.parameters())
        size = end_BD.numel()

        def slope(t: Time, all_N: Tensor) -> Tensor:
            state_BD, adjoint_BD = (all_N[i * size : (i + 1) * size].view_as(end_BD) for i in (0, 1))
            with torch.enable_grad():
                state_BD = state_BD.requires_grad_()
                slope_BD = dynamics(t, state_BD)
                products = torch.autograd.grad(slope_BD, [state_BD, *parameters], -adjoint_BD)
            return torch.cat([slope_BD.flatten(), *(each.flatten() for each in products)])

        zeros = [torch.zeros_like(parameter).flatten() for parameter in parameters]
        all_N = torch.cat([end_BD.flatten(), gradients[0].flatten(), *zeros])
        found = odeint(slope, all_N, end_time, 0.0, solver)[size:]
        parts = found.split([size, *(parameter.numel() for parameter in parameters)])
        shaped = [part.view_as(like) for part, like in zip(parts, [end_BD, *parameters], strict=True)]
        return (None, None, None, *shaped)


def build_model(**config: Any) -> NeuralODE:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return NeuralODE(ModelConfig(**config))
