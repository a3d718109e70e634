"""The network against its formula: bases by recursion, edges one at a time, grids that are refined."""

import pytest
import torch

from model import ModelConfig, build_model, functional, refine
from model.kan import NOISE, spline_bases

SMALL = {
    "in_features": 3,
    "out_features": 2,
    "hidden_size": 4,
    "num_layers": 2,
    "grid_size": 4,
    "spline_order": 3,
    "grid_limit": 1.0,
    "task": "classification",
}


def moved(**changes):
    """Build a small network in float64, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def basis(x, index, order, knots):
    """Evaluate one B-spline at one point by the recursion of Cox and de Boor on any knots."""
    if order == 0:
        return 1.0 if knots[index] <= x < knots[index + 1] else 0.0
    left = (x - knots[index]) / (knots[index + order] - knots[index])
    right = (knots[index + order + 1] - x) / (knots[index + order + 1] - knots[index + 1])
    return left * basis(x, index, order - 1, knots) + right * basis(x, index + 1, order - 1, knots)


def knots_of(grid_size, order, limit):
    step = 2 * limit / grid_size
    return [-limit + step * number for number in range(-order, grid_size + order + 1)]


def value(x, row, column, layer, config):
    """Evaluate the function of one edge at one point."""
    knots = knots_of(config.grid_size, config.spline_order, config.grid_limit)
    base = layer.base_weight[row, column].item() * x / (1 + torch.tensor(-x).exp().item())
    curve = layer.coefficients[row, column].tolist()
    return base + sum(c * basis(x, index, config.spline_order, knots) for index, c in enumerate(curve))


@pytest.mark.parametrize(("grid_size", "order", "limit"), [(4, 3, 1.0), (1, 1, 0.5), (5, 2, 2.0), (3, 5, 1.5)])
def test_the_bases_are_those_of_the_recursion(grid_size, order, limit):
    x = torch.linspace(-3.1, 3.1, 41, dtype=torch.float64)
    found = spline_bases(x, grid_size, order, limit)
    knots = knots_of(grid_size, order, limit)
    expected = [[basis(point, index, order, knots) for index in range(grid_size + order)] for point in x.tolist()]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_bases_add_up_to_one_on_the_grid_and_to_zero_far_from_it(order):
    inside = torch.linspace(-1.5, 1.5, 50, dtype=torch.float64)
    torch.testing.assert_close(spline_bases(inside, 6, order, 1.5).sum(-1), torch.ones_like(inside))
    outside = 1.5 + order * 0.5 + torch.tensor([0.001, 5.0, 1e6])
    assert not spline_bases(torch.cat([outside, -outside]), 6, order, 1.5).any()


@pytest.mark.parametrize("changes", [{}, {"num_layers": 1}, {"num_layers": 3, "spline_order": 2, "grid_limit": 1.7}])
@torch.no_grad()
def test_a_node_adds_the_functions_of_its_edges(changes):
    model = moved(**changes)
    x = 3 * torch.rand(3, 3, dtype=torch.float64) - 1.5
    rows = []
    for row_of_x in x.tolist():
        nodes = row_of_x
        for layer in model.layers:
            edges = [
                [value(node, row, column, layer, model.config) for column, node in enumerate(nodes)]
                for row in range(len(layer.base_weight))
            ]
            nodes = [sum(each) for each in edges]
        rows.append(nodes)
    torch.testing.assert_close(model(x), torch.tensor(rows, dtype=torch.float64))


@torch.no_grad()
def test_edges_are_the_parts_of_the_sum():
    model = moved()
    layer, x = model.layers[0], 2 * torch.rand(5, 3, dtype=torch.float64) - 1
    edges = layer.edges(x)
    assert edges.shape == (5, 4, 3)
    torch.testing.assert_close(edges.sum(-1), layer(x))
    assert edges[2, 3, 1].item() == pytest.approx(value(x[2, 1].item(), 3, 1, layer, model.config))


@torch.no_grad()
def test_a_grid_whose_intervals_divide_the_old_ones_changes_nothing():
    model = moved(num_layers=1)
    x = 2 * torch.rand(50, 3, dtype=torch.float64) - 1
    before = model(x)
    finer = refine(model, 12)
    assert finer.config == ModelConfig(**{**SMALL, "num_layers": 1, "grid_size": 12})
    assert finer.layers[0].coefficients.shape == (2, 3, 15)
    torch.testing.assert_close(finer(x), before, rtol=0, atol=1e-9)
    assert torch.equal(model(x), before)


@torch.no_grad()
def test_refining_keeps_the_number_type_and_every_layer():
    model = build_model(**{**SMALL, "num_layers": 3})
    x = 2 * torch.rand(50, 3) - 1
    finer = refine(model, 8)
    assert finer(x).dtype == torch.float32
    assert all(p.requires_grad for p in finer.parameters())
    torch.testing.assert_close(finer(x), model(x), rtol=0, atol=1e-5)
    assert (refine(model, 1)(x) - model(x)).abs().max() > 1e-4


def test_a_network_starts_with_small_splines_and_xaviers_weights():
    layer = build_model(**{**SMALL, "in_features": 100, "hidden_size": 60}).layers[0]
    bound = (6 / 160) ** 0.5
    assert 0.98 * bound < layer.base_weight.abs().max() <= bound
    assert layer.coefficients.std().item() == pytest.approx(NOISE / 10, rel=0.02)
    assert layer.coefficients.mean().abs() < NOISE / 1000


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_training_fits_a_small_batch(task):
    model = build_model(**{**SMALL, "task": task})
    inputs, targets = functional.example_batch(model.config, 4, 0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    first = functional.loss(model, inputs, targets).item()
    for _ in range(200):
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 * first
