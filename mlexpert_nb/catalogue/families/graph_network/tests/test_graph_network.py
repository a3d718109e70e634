"""The layers and the network against the papers' equations, and what follows from them."""

import math

import pytest
import torch
from references import LAYERS, SMALL, adjacency, gat, gcn, logits, sage, small_graph, small_model

from model import build_model
from model.graph_network import GATLayer, averaged, read_out, summed, with_self_loops

REFERENCE = {"gcn": gcn, "gat": gat, "sage": sage}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("index", [0, 2])
def test_a_layer_is_the_equation(layer, index):
    model, (x, edges) = small_model(layer), small_graph()
    chosen, x = model.layers[index], x if index == 0 else torch.randn(7, 6, dtype=torch.float64)
    expected = REFERENCE[layer](x, edges, chosen)
    assert expected.shape == (7, 6 if index == 0 else 4)
    torch.testing.assert_close(chosen(x, edges), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("changes", [{}, {"residual": True}, {"residual": True, "in_features": 6}, {"num_layers": 1}])
def test_the_logits_are_those_of_the_equations(layer, changes):
    model, (x, edges) = small_model(layer, **changes), small_graph()
    if model.config.in_features == 6:
        x = torch.cat([x, x[:, :1]], dim=1)
        changed = {**SMALL, "layer": layer, **changes}
        assert changed["in_features"] == changed["hidden_size"]
        hidden = [model.activation(model.layers[0](x, edges)) + x]
        hidden.append(model.activation(model.layers[1](hidden[0], edges)) + hidden[0])
        expected = model.layers[2](hidden[1], edges)
    else:
        expected = logits(x, edges, model)
    assert expected.shape == (7, 4)
    torch.testing.assert_close(model(x, edges), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_network_of_one_layer_sees_one_step_and_along_the_arrows_alone(layer):
    model, (x, edges) = small_model(layer, num_layers=1), small_graph()
    x.requires_grad_()
    for target, row in enumerate(model(x, edges)):
        (gradient,) = torch.autograd.grad(row.sum(), x, retain_graph=True)
        seen = set(gradient.abs().sum(1).nonzero().flatten().tolist())
        heard = {source for source, node in edges.T.tolist() if node == target}
        assert seen == heard | {target}


@pytest.mark.parametrize("layer", LAYERS)
def test_two_layers_see_two_steps_and_no_more(layer):
    model = small_model(layer, num_layers=2)
    chain = torch.tensor([[0, 1, 2], [1, 2, 3]])
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x, chain)[3].square().sum(), x)
    reach = gradient.abs().sum(1) > 0
    assert reach.tolist() == [False, True, True, True]


def test_attention_weights_sum_to_one_and_follow_the_scores():
    layer, (x, edges) = small_model("gat").layers[0], small_graph()
    sources, targets = with_self_loops(edges, 7)
    h = layer.linear(x).unflatten(1, (3, 2))
    alpha = layer.attention(h, sources, targets)
    assert alpha.shape == (len(sources), 3)
    torch.testing.assert_close(summed(alpha, targets, 7), torch.ones(7, 3, dtype=torch.float64))
    scores = (h[sources] * layer.attention_source + h[targets] * layer.attention_target).sum(-1)
    into_three = targets == 3
    order = torch.where(scores > 0, scores, 0.2 * scores)[into_three].softmax(0)
    torch.testing.assert_close(alpha[into_three], order)


def test_scores_of_any_size_give_finite_attention():
    layer, (x, edges) = small_model("gat").layers[0], small_graph()
    y = layer(1e5 * x, edges)
    assert y.isfinite().all()
    torch.testing.assert_close(y[6], (layer.linear(1e5 * x[6]) + layer.bias))


def test_attention_weights_have_the_gradient_of_a_softmax():
    layer, (x, edges) = small_model("gat").layers[0], small_graph()
    assert torch.autograd.gradcheck(lambda x: layer(x, edges), x.requires_grad_())


def test_every_node_gets_exactly_one_edge_to_itself():
    edges = torch.tensor([[0, 1, 1, 2, 2], [1, 1, 1, 0, 2]])
    assert with_self_loops(edges, 4).tolist() == [[0, 2, 0, 1, 2, 3], [1, 0, 0, 1, 2, 3]]


def test_rows_are_summed_and_averaged_where_they_go():
    rows, index = torch.tensor([[1.0, 2.0], [3.0, 4.0], [8.0, 6.0]]), torch.tensor([2, 0, 2])
    assert summed(rows, index, 4).tolist() == [[3, 4], [0, 0], [9, 8], [0, 0]]
    assert averaged(rows, index, 4).tolist() == [[3, 4], [0, 0], [4.5, 4], [0, 0]]


@pytest.mark.parametrize(
    ("readout", "expected"),
    [("mean", [[2.0, -3.0], [7.0, 8.0]]), ("sum", [[4.0, -6.0], [7.0, 8.0]]), ("max", [[3.0, -2.0], [7.0, 8.0]])],
)
def test_the_nodes_of_a_graph_become_one_row(readout, expected):
    rows, index = torch.tensor([[1.0, -2.0], [7.0, 8.0], [3.0, -4.0]]), torch.tensor([0, 1, 0])
    assert read_out(rows, index, readout).tolist() == expected


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("readout", ["mean", "sum", "max"])
def test_graphs_are_classified_from_their_own_nodes(layer, readout):
    model, (x, edges) = small_model(layer, readout=readout), small_graph()
    both_x, both_edges = torch.cat([x, 2 * x]), torch.cat([edges, edges + 7], dim=1)
    graph_index = torch.arange(2).repeat_interleave(7)
    together = model(both_x, both_edges, graph_index)
    reduce = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax}[readout]
    apart = torch.stack([reduce(model(part, edges), 0) for part in (x, 2 * x)])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-12)


def test_dropout_acts_in_training_alone_on_the_inputs_of_every_layer_and_on_attention():
    model, (x, edges) = small_model("gcn", dropout=0.5, num_layers=1), small_graph()
    assert torch.equal(model(x, edges), model(x, edges))
    torch.nn.init.zeros_(model.layers[0].bias)
    alone = torch.zeros(2, 0, dtype=torch.long)
    torch.nn.init.ones_(model.layers[0].linear.weight)
    values = {round(value, 6) for value in model.train()(torch.ones(200, 5).double(), alone)[:, 0].tolist()}
    assert values == {0.0, 2.0, 4.0, 6.0, 8.0, 10.0}
    layer = GATLayer(5, 6, 3, dropout=0.5, average=False).double()
    one = torch.stack([layer(x, alone) for _ in range(20)]).unflatten(2, (3, 2))
    share = (one == 0).all(-1).double().mean()
    assert 0.4 < share < 0.6
    layer.eval()
    assert torch.equal(layer(x, edges), layer(x, edges))


def test_the_inputs_of_every_layer_are_dropped():
    model, given = small_model("gat", dropout=0.5).train(), []
    for layer in model.layers:
        layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    x, edges = small_graph()
    model(x.repeat(20, 1), edges)
    assert len(given) == 3
    for rows in given:
        assert 0.4 < (rows == 0).double().mean() < 0.6
    kept = given[0] != 0
    assert torch.equal(given[0][kept], 2 * x.repeat(20, 1)[kept])


@pytest.mark.parametrize("layer", LAYERS)
def test_weights_start_in_glorots_range_and_biases_at_zero(layer):
    wide = {"layer": layer, "in_features": 200, "hidden_size": 64, "num_layers": 2, "num_classes": 40, "num_heads": 4}
    model = build_model(**{**SMALL, **wide, "num_output_heads": 1})
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            limit = math.sqrt(6 / sum(parameter.shape))
            assert 0.8 * limit < parameter.abs().max() <= limit
            assert parameter.mean().abs() < 0.3 * limit


@pytest.mark.parametrize("layer", LAYERS)
def test_a_residual_network_of_many_layers_still_tells_the_nodes_apart(layer):
    plain, residual = (small_model(layer, num_layers=20, residual=residual) for residual in (False, True))
    x, edges = small_graph(6)
    spread = [(y - y.mean(0)).norm() / y.norm() for y in (plain(x, edges), residual(x, edges))]
    assert spread[1] > 1e-2
    assert spread[1] > spread[0] or spread[0] > 0.1


def test_degrees_count_the_edges_that_arrive():
    edges = small_graph()[1]
    degrees = adjacency(edges, 7, loops=True).sum(1)
    model = small_model("gcn", num_layers=1, in_features=5)
    torch.nn.init.zeros_(model.layers[0].bias)
    x = torch.ones(7, 5, dtype=torch.float64) * degrees[:, None].sqrt()
    rows = model(x, edges) / degrees[:, None].sqrt()
    torch.testing.assert_close(rows, rows[:1].expand(7, -1))


@pytest.mark.parametrize(
    ("x", "edge_index", "message"),
    [
        (torch.zeros(4, 3), torch.zeros(2, 1).long(), r"x has shape \(4, 3\); it must be \(nodes, 5\)"),
        (torch.zeros(5), torch.zeros(2, 1).long(), r"x has shape \(5,\); it must be \(nodes, 5\)"),
        (torch.zeros(4, 5), torch.zeros(3, 2).long(), r"edge_index has shape \(3, 2\); it must be \(2, edges\)"),
        (torch.zeros(4, 5), torch.zeros(2).long(), r"edge_index has shape \(2,\); it must be \(2, edges\)"),
    ],
)
def test_inputs_of_another_shape_are_refused(x, edge_index, message):
    with pytest.raises(ValueError, match=message):
        build_model(**SMALL)(x, edge_index)
