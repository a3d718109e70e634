"""The network against the papers' equations, and what follows from them."""

import pytest
import torch
from references import KINDS, SMALL, forecast, random_past, small_model

from model import DLinear, ModelConfig, PatchTST, build_model
from model.patchtst import TokenBatchNorm, moving_average, patches

VARIANTS = [
    {},
    {"norm": "layer"},
    {"pre_norm": True},
    {"pre_norm": True, "norm": "layer", "num_layers": 1},
    {"pad_end": False},
    {"instance_norm": False},
    {"patch_length": 2, "patch_stride": 4, "num_heads": 1},
    {"kind": "dlinear"},
    {"kind": "dlinear", "instance_norm": False},
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_forecast_is_that_of_the_equations(changes):
    model, past = small_model(**changes), random_past(3)
    expected = forecast(past, model)
    assert expected.shape == (3, 2, 5)
    torch.testing.assert_close(model(past), expected, rtol=1e-11, atol=1e-10)


def test_the_kind_chooses_the_network():
    assert isinstance(build_model(**{**SMALL, "kind": "patchtst"}).core, PatchTST)
    assert isinstance(build_model(**{**SMALL, "kind": "dlinear"}).core, DLinear)


@pytest.mark.parametrize(("pad_end", "last"), [(True, [12, 13, 13, 13]), (False, [10, 11, 12, 13])])
def test_patches_overlap_and_the_last_step_is_repeated(pad_end, last):
    config = ModelConfig(**{**SMALL, "pad_end": pad_end})
    cut = patches(torch.arange(28.0).reshape(1, 2, 14), config)
    assert cut.shape == (1, 2, config.num_patches, 4)
    assert cut[0, 0, 1].tolist() == [2, 3, 4, 5]
    assert cut[0, 0, -1].tolist() == last
    assert cut[0, 1, 0, 0] == 14


def test_the_moving_average_keeps_straight_middles_and_holds_the_ends():
    line = torch.arange(10.0)[None, None]
    average = moving_average(line, 3)
    assert average.shape == line.shape
    torch.testing.assert_close(average[0, 0, 1:-1], line[0, 0, 1:-1])
    torch.testing.assert_close(average[0, 0, [0, -1]], torch.tensor([1 / 3, 26 / 3]))
    assert torch.equal(moving_average(line, 1), line)


@pytest.mark.parametrize("kind", KINDS)
def test_level_and_size_of_a_series_pass_through_to_its_forecast(kind):
    model, past = small_model(kind=kind), random_past(2)
    torch.testing.assert_close(model(7 * past - 100), 7 * model(past) - 100, rtol=1e-4, atol=1e-3)
    plain = small_model(kind=kind, instance_norm=False)
    assert (plain(7 * past - 100) - (7 * plain(past) - 100)).abs().max() > 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_series_that_stands_still_has_a_finite_forecast_and_gradient(kind):
    past = torch.full((2, 2, 14), 5.0, dtype=torch.float64, requires_grad=True)
    future = small_model(kind=kind)(past)
    future.sum().backward()
    assert future.isfinite().all()
    assert past.grad.isfinite().all()
    assert (future - 5).abs().max() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_that_is_seen_reaches_every_forecast(kind):
    model, past = small_model(kind=kind), random_past(1).requires_grad_()
    for step in range(5):
        (gradient,) = torch.autograd.grad(model(past)[0, 1, step], past)
        assert (gradient[0, 1].abs() > 1e-9).all()
        assert not gradient[0, 0].any()


def test_batch_norm_runs_over_all_tokens():
    norm, x = TokenBatchNorm(3).double(), 5 + 2 * torch.randn(4, 6, 3, dtype=torch.float64)
    y = norm(x)
    torch.testing.assert_close(y.mean((0, 1)), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(y.var((0, 1), correction=0), torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-4)
    torch.testing.assert_close(norm.running_mean, 0.1 * x.mean((0, 1)))


def test_dropout_acts_in_training_alone_after_positions_and_every_part():
    model, past = small_model(dropout=0.5, norm="layer"), random_past(3)
    torch.testing.assert_close(model(past), forecast(past, model), rtol=1e-11, atol=1e-10)
    layer, x, given = model.core.layers[0].train(), torch.randn(40, 6, 12, dtype=torch.float64), []
    with torch.no_grad():
        layer.attention.out.weight.zero_()
        layer.attention.out.bias.fill_(10.0)
        layer.ffn[3].weight.zero_()
        layer.ffn[3].bias.fill_(1.0)
    for name in ("norm_attention", "norm_ffn"):
        setattr(layer, name, torch.nn.Identity())
    assert set((layer(x) - x).flatten().round(decimals=6).tolist()) == {0.0, 2.0, 20.0, 22.0}
    assert set(layer.ffn[2](torch.ones(500)).tolist()) == {0.0, 2.0}
    layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    model.train()(past)
    assert 0.4 < (given[0] == 0).double().mean() < 0.6


def test_head_dropout_falls_on_the_inputs_of_the_last_layer():
    model, past, given = small_model(head_dropout=0.5), random_past(3), []
    model.core.head.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    model(past)
    model.train()(past)
    assert not (given[0] == 0).any()
    assert 0.35 < (given[1] == 0).double().mean() < 0.65


def test_positions_start_narrow():
    positions = build_model(**SMALL).core.position_embedding
    assert positions.shape == (7, 12)
    assert 0.015 < positions.abs().max() <= 0.02
    assert positions.min() < 0 < positions.max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 2, 13), (3, 3, 14), (3, 14, 2)])
def test_series_of_another_shape_are_refused(kind, shape):
    with pytest.raises(ValueError, match=r"it must be \(batch, \*\(2, 14\)\): channels, steps"):
        build_model(**{**SMALL, "kind": kind})(torch.zeros(shape))
