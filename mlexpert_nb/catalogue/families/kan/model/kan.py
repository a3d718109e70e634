"""Kolmogorov-Arnold network: every edge is a learned function of one variable, every node adds what arrives.

Paper: Liu et al. 2024, "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756.

    eq. 2.5   x_{l+1, j} = sum_i phi_{l, j, i}(x_{l, i})                     `SplineLayer.forward`
    eq. 2.10  phi(x) = w_b silu(x) + spline(x), spline(x) = sum_i c_i B_i(x)   `SplineLayer.edges`
    eq. 2.16  grid extension: the coefficients that fit a finer grid          `refine`

The scale w_s of a spline is redundant (section 2.2) and is part of its coefficients c here.
Shapes: B batch, I inputs and O outputs of a layer, K splines of the basis (grid intervals + order), P points.
"""

from dataclasses import asdict
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.kan.model.config import ModelConfig

NOISE = 0.1  # standard deviation of a new spline's coefficients, in units of 1 / sqrt(I)


class KolmogorovArnoldNetwork(nn.Module):
    """Layers of learned functions, `(B, in_features) -> (B, out_features)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        pairs = pairwise(config.widths)
        self.layers = nn.ModuleList(SplineLayer(num_in, num_out, config) for num_in, num_out in pairs)

    def forward(self, x_BI: Tensor) -> Tensor:
        """Give the logits or the values."""
        for layer in self.layers:
            x_BI = layer(x_BI)
        return x_BI


class SplineLayer(nn.Module):
    """A function of one variable on each edge between I inputs and O outputs, `(B, I) -> (B, O)`."""

    def __init__(self, num_inputs: int, num_outputs: int, config: ModelConfig) -> None:
        super().__init__()
        self.grid = (config.grid_size, config.spline_order, config.grid_limit)
        self.base_weight = nn.Parameter(torch.empty(num_outputs, num_inputs))
        self.coefficients = nn.Parameter(torch.empty(num_outputs, num_inputs, config.num_bases))
        nn.init.xavier_uniform_(self.base_weight)
        nn.init.normal_(self.coefficients, std=NOISE / num_inputs**0.5)

    def forward(self, x_BI: Tensor) -> Tensor:
        """Add up the edges that arrive at each node; two matrix products, no edge is computed by itself."""
        bases_BIK = spline_bases(x_BI, *self.grid)
        return F.linear(F.silu(x_BI), self.base_weight) + F.linear(bases_BIK.flatten(1), self.coefficients.flatten(1))

    def edges(self, x_BI: Tensor) -> Tensor:
        """Give what each edge contributes, (B, O, I), to draw its function or to find edges that do nothing."""
        splines_BOI = torch.einsum("bik,oik->boi", spline_bases(x_BI, *self.grid), self.coefficients)
        return self.base_weight * F.silu(x_BI)[:, None] + splines_BOI


def spline_bases(x: Tensor, grid_size: int, order: int, limit: float) -> Tensor:
    """Give every B-spline of a uniform grid at every point, with one axis K more than the points.

    The Cox-de Boor recursion, with the position measured in intervals: the knots then are the whole numbers from 0 to
    `grid_size + 2 * order`, `order` of them beyond either end of the grid. Between the ends the splines add up to one;
    beyond the outermost knots all of them are zero.
    """
    position = (x[..., None] + limit) * (grid_size / (2 * limit)) + order
    knots = torch.arange(grid_size + 2 * order, device=x.device)  # left ends of the intervals
    bases = ((position >= knots) & (position < knots + 1)).to(x.dtype)
    for degree in range(1, order + 1):
        knots = knots[:-1]
        rising, falling = position - knots, knots + (degree + 1) - position
        bases = (rising * bases[..., :-1] + falling * bases[..., 1:]) / degree
    return bases


@torch.no_grad()
def refine(model: KolmogorovArnoldNetwork, grid_size: int) -> KolmogorovArnoldNetwork:
    """Give a network with another grid that computes the same function as nearly as it can (eq. 2.16).

    On a grid whose intervals divide the old ones it is the same function, as long as nodes stay within the grid.

    Args:
        model: Network to start from; it is left as it is.
        grid_size: Intervals of the new grid.
    """
    config = ModelConfig(**{**asdict(model.config), "grid_size": grid_size})
    finer = KolmogorovArnoldNetwork(config).to(next(model.parameters()))
    num_points = 2 * (config.num_bases + model.config.num_bases)
    points_P = torch.linspace(-config.grid_limit, config.grid_limit, num_points, dtype=torch.float64)
    pairs: Any = zip(model.layers, finer.layers, strict=True)
    for old, new in pairs:
        curves_PE = spline_bases(points_P, *old.grid) @ old.coefficients.double().cpu().flatten(0, 1).T
        fitted_KE = torch.linalg.lstsq(spline_bases(points_P, *new.grid), curves_PE).solution
        new.coefficients.copy_(fitted_KE.T.reshape(new.coefficients.shape))
        new.base_weight.copy_(old.base_weight)
    return finer


def build_model(**config: Any) -> KolmogorovArnoldNetwork:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return KolmogorovArnoldNetwork(ModelConfig(**config))
