"""The segmentation network against the figure of its paper, and what follows from it."""

import pytest
import torch
from references import SEGMENTATION, SEGMENTATIONS, random_inputs, segment, small_model
from torch import nn

from model import build_model


@pytest.mark.parametrize("config", SEGMENTATIONS)
def test_the_logits_are_those_of_the_figure(config):
    model, inputs = small_model(config), random_inputs(config, 2)
    assert model(**inputs).shape == (2, 3, 8, 8)
    torch.testing.assert_close(model(**inputs), segment(model, **inputs), rtol=1e-10, atol=1e-10)


def test_in_training_the_norms_take_the_statistics_of_the_batch():
    model, inputs = small_model(SEGMENTATION).train(), random_inputs(SEGMENTATION, 3)
    torch.testing.assert_close(model(**inputs), segment(model, **inputs), rtol=1e-9, atol=1e-9)


def test_images_need_not_be_square():
    model = small_model(SEGMENTATION)
    images = torch.randn(2, 2, 4, 12, dtype=torch.float64)
    assert model(images).shape == (2, 3, 4, 12)
    torch.testing.assert_close(model(images), segment(model, images), rtol=1e-10, atol=1e-10)


def test_the_skips_carry_what_the_way_down_loses():
    model, inputs = small_model(SEGMENTATION), random_inputs(SEGMENTATION, 1)
    for level in model.up:
        level.up_convolution.weight.data.zero_()
        level.up_convolution.bias.data.zero_()
    far = inputs["images_BCHW"].clone()
    far[..., -1] += 5.0
    moved = (model(far) - model(**inputs)).abs()
    assert moved[..., :3].max() == 0  # four convolutions at full resolution see four pixels each way
    assert moved[..., 3].max() > 1e-6


def test_dropout_falls_on_the_lowest_resolution_in_training_alone():
    model, inputs = small_model(SEGMENTATION, dropout=0.5, norm="none"), random_inputs(SEGMENTATION, 2)
    torch.testing.assert_close(model(**inputs), segment(model, **inputs), rtol=1e-10, atol=1e-10)
    assert not torch.equal(model.train()(**inputs), model(**inputs))
    lowest = []
    model.up[0].up_convolution.register_forward_pre_hook(lambda _, given: lowest.append(given[0]))
    model.down[-1][-2].bias.data.add_(100.0)  # nothing is zero by itself
    model(**random_inputs(SEGMENTATION, 40))
    assert 0.4 < (lowest[0] == 0).double().mean() < 0.6


def test_the_weights_start_with_the_spread_that_keeps_activations_alive():
    model = build_model(**{**SEGMENTATION, "width": 24, "norm": "none"})
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.in_channels * module.kernel_size[0] ** 2
            assert module.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.2)
            assert not module.bias.any()


def test_a_convolution_has_a_norm_or_a_bias():
    for norm, has_bias in (("batch", False), ("none", True)):
        model = build_model(**{**SEGMENTATION, "norm": norm})
        convolutions = [
            each for each in (*model.down, model.up[0].convolutions) for each in each if "Conv" in repr(each)
        ]
        assert len(convolutions) == 8
        assert all((each.bias is not None) == has_bias for each in convolutions)


@pytest.mark.parametrize("shape", [(1, 2, 6, 8), (1, 2, 8, 6)])
def test_a_size_that_cannot_be_halved_is_refused(shape):
    with pytest.raises(ValueError, match="pad height and width to multiples of 4"):
        small_model(SEGMENTATION)(torch.zeros(shape, dtype=torch.float64))
