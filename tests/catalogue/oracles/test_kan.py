"""The Kolmogorov-Arnold network against scipy's B-splines: the same curves and the same slopes."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from mlexpert_nb.catalogue.families.kan.model.kan import build_model, spline_bases

pytestmark = pytest.mark.oracle


def knots_of(grid_size, order, limit):
    step = 2 * limit / grid_size
    return -limit + step * np.arange(-order, grid_size + order + 1)


@pytest.mark.parametrize(("grid_size", "order", "limit"), [(5, 3, 1.0), (1, 1, 0.5), (8, 2, 3.0), (20, 5, 2.0)])
def test_the_bases_are_those_of_scipy(figures, grid_size, order, limit):
    points = np.linspace(-limit, limit, 500, endpoint=False)
    theirs = BSpline.design_matrix(points, knots_of(grid_size, order, limit), order).toarray()
    x = torch.from_numpy(points)
    figures.add(
        "kan",
        f"scipy BSpline.design_matrix (order {order})",
        output=np.abs(spline_bases(x, grid_size, order, limit).numpy() - theirs).max().item(),
        output_float32=np.abs(spline_bases(x.float(), grid_size, order, limit).numpy() - theirs).max().item(),
    )


def test_a_network_and_its_slope_are_sums_of_scipys_curves(figures):
    model = build_model(in_features=3, hidden_size=4, out_features=2, num_layers=1).double()
    layer, knots = model.layers[0], knots_of(5, 3, 1.0)
    x = (2 * torch.rand(50, 3, dtype=torch.float64) - 1).requires_grad_()
    output = model(x)
    (slope,) = torch.autograd.grad(output[:, 1].sum(), x)
    points, coefficients = x.detach().numpy(), layer.coefficients.detach().numpy()
    curves = [[BSpline(knots, coefficients[o, i], 3) for i in range(3)] for o in range(2)]
    sigmoid = 1 / (1 + np.exp(-points))
    weight = layer.base_weight.detach().numpy()
    expected = (points * sigmoid) @ weight.T + np.stack(
        [sum(curves[o][i](points[:, i]) for i in range(3)) for o in range(2)], axis=1
    )
    silu_slope = sigmoid * (1 + points * (1 - sigmoid))
    steepness = np.stack([curves[1][i].derivative()(points[:, i]) for i in range(3)], axis=1) + weight[1] * silu_slope
    figures.add(
        "kan",
        "scipy BSpline (curves and derivatives)",
        output=np.abs(output.detach().numpy() - expected).max().item(),
        gradient=np.abs(slope.numpy() - steepness).max().item(),
    )
