"""Equivariance, gradients, determinism, saving and number types: what training code relies on."""

import pytest
import torch
from references import LAYERS, SMALL, small_graph, small_model

from model import ModelConfig, build_model, functional


def batch(seed=0, size=4):
    return functional.example_batch(ModelConfig(**SMALL), size, seed)


@pytest.mark.parametrize("layer", LAYERS)
def test_permuting_the_nodes_permutes_the_output(layer):
    model, (x, edges) = small_model(layer, residual=True), small_graph()
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    moved = order.argsort()[edges]  # node order[i] is called i now
    torch.testing.assert_close(model(x[order], moved), model(x, edges)[order], rtol=0, atol=1e-12)
    assert "node_equivariant" in functional.CLAIMS


@pytest.mark.parametrize("layer", LAYERS)
def test_the_order_of_the_edges_does_not_matter_but_their_direction_does(layer):
    model, (x, edges) = small_model(layer), small_graph()
    torch.testing.assert_close(model(x, edges.flip(1)), model(x, edges), rtol=0, atol=1e-12)
    assert (model(x, edges.flip(0)) - model(x, edges)).abs().max() > 1e-3


def test_an_example_batch_is_a_pure_function_of_its_seed():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    (inputs, targets), (again, _), (other, _) = batch(1), batch(1), batch(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert inputs["x"].shape == (32, 5)
    assert inputs["edge_index"].shape == (2, 64)
    assert targets["labels"].shape == (32,)
    assert all(torch.equal(inputs[name], again[name]) for name in inputs)
    assert not torch.equal(inputs["x"], other["x"])
    assert not torch.equal(inputs["edge_index"], other["edge_index"])
    assert not torch.equal(inputs["x"][0], inputs["x"][1])


def test_two_edges_arrive_at_every_node_and_every_class_occurs():
    inputs, targets = batch(size=30)
    sources, arrived = inputs["edge_index"]
    assert arrived.bincount().tolist() == [2] * 240
    assert sources.min() >= 0
    assert 200 < sources.max() < 240
    assert targets["labels"].unique().tolist() == [0, 1, 2, 3]


def test_the_loss_is_the_cross_entropy_averaged_over_the_nodes():
    model, (inputs, targets) = build_model(**SMALL), batch()
    chances = model(**inputs).softmax(1)
    expected = -sum(chances[row, label].log() for row, label in enumerate(targets["labels"])) / 32
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(layer):
    model, (inputs, targets) = build_model(**{**SMALL, "layer": layer}), batch()
    functional.loss(model, inputs, targets).backward()
    for parameter in model.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0


@pytest.mark.parametrize("layer", LAYERS)
def test_the_same_seed_gives_the_same_network(layer):
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(build_model(**{**SMALL, "layer": layer}).state_dict())
    same, again, other = (torch.cat([value.flatten() for value in state.values()]) for state in states)
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


@pytest.mark.parametrize("layer", LAYERS)
def test_saved_weights_give_the_same_network(layer, tmp_path):
    model, (x, edges) = small_model(layer), small_graph()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**{**SMALL, "layer": layer}).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(x, edges), model(x, edges))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_forward_pass_changes_nothing(layer):
    model, (x, edges) = small_model(layer, dropout=0.2), small_graph()
    kept, before = (x.clone(), edges.clone()), {name: value.clone() for name, value in model.state_dict().items()}
    model(x, edges)
    assert torch.equal(x, kept[0])
    assert torch.equal(edges, kept[1])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("layer", LAYERS)
def test_half_precision_gives_nearly_the_same_logits(layer):
    model, (x, edges) = small_model(layer), small_graph()
    exact, coarse = model(x, edges), model.bfloat16()(x.bfloat16(), edges)
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), exact, rtol=0.1, atol=0.2)


def test_many_neighbours_are_counted_right_in_half_precision():
    model = small_model("sage", num_layers=1).bfloat16()
    x = torch.ones(1001, 5, dtype=torch.bfloat16)
    star = torch.stack([torch.arange(1, 1001), torch.zeros(1000, dtype=torch.long)])
    pair = torch.tensor([[1], [0]])
    torch.testing.assert_close(model(x, star)[0], model(x, pair)[0], rtol=0.1, atol=0.1)
