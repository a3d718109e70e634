"""The network against the paper's equations, and what follows from them."""

import pytest
import torch
from references import SMALL, VARIANTS, block, logits, random_images, small_model, stem
from torch import nn

from model import build_model


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_logits_are_those_of_the_equations(changes):
    model, images = small_model(**changes), random_images(2)
    assert model(images).shape == (2, 5)
    torch.testing.assert_close(model(images), logits(images, model), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("changes", VARIANTS)
def test_in_training_the_norms_take_the_statistics_of_the_batch(changes):
    model, images = small_model(**changes).train(), random_images(3)
    torch.testing.assert_close(model(images), logits(images, model), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["imagenet", "small"])
def test_the_stem_keeps_the_size_of_small_images_alone(kind):
    model, images = small_model(stem=kind), random_images(2, size=18)
    size = {"imagenet": 5, "small": 18}[kind]
    assert model.stem(images).shape == (2, 4, size, size)
    torch.testing.assert_close(model.stem(images), stem(images, model), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_a_block_adds_its_branch_to_what_came_in(kind):
    model = small_model(block=kind, num_blocks=(2, 2))
    module, channels = model.stages[1][1], model.config.num_features
    x = random_images(2, channels, 6)
    assert isinstance(module.shortcut, nn.Identity)
    torch.testing.assert_close(module(x), block(x, module, 1, is_bottleneck=kind == "bottleneck"))
    for parameter in module.branch.parameters():
        parameter.data.zero_()
    torch.testing.assert_close(module(x), x * (x > 0))


@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_a_shortcut_changes_the_shape_only_where_it_must(kind):
    model = small_model(block=kind, num_blocks=(2, 2, 1))
    plain = [[isinstance(each.shortcut, nn.Identity) for each in stage] for stage in model.stages]
    assert plain == [[kind == "basic", True], [False, True], [False]]
    shapes = []
    x = model.stem(random_images(1))
    for stage in model.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    expansion = 4 if kind == "bottleneck" else 1
    assert shapes == [(4 * expansion, 16, 16), (8 * expansion, 8, 8), (16 * expansion, 4, 4)]
    assert model.features(random_images(1)).shape == x.shape


def test_images_of_every_size_are_classified():
    model = small_model()
    for height, width in ((16, 16), (7, 12), (1, 1), (33, 5)):
        images = torch.randn(2, 2, height, width, dtype=torch.float64)
        assert model.features(images).shape == (2, 8, (height + 1) // 2, (width + 1) // 2)
        torch.testing.assert_close(model(images), logits(images, model), rtol=1e-9, atol=1e-9)


def test_the_running_statistics_follow_the_batches():
    model, images = build_model(**SMALL).double().train(), random_images(4)
    read = model.stem[0](images)
    model(images)
    running = model.stem[1]
    torch.testing.assert_close(running.running_mean, 0.1 * read.mean((0, 2, 3)))
    torch.testing.assert_close(running.running_var, 0.9 + 0.1 * read.var((0, 2, 3), correction=1))


def test_the_weights_start_with_the_spread_that_keeps_activations_alive():
    model = build_model(**{**SMALL, "width": 32})
    convolutions = [each for each in model.modules() if isinstance(each, nn.Conv2d)]
    for each in convolutions[1:]:
        expected = (2 / (each.out_channels * each.kernel_size[0] ** 2)) ** 0.5
        assert each.weight.std().item() == pytest.approx(expected, rel=0.1)
        assert each.bias is None
    for each in model.modules():
        if isinstance(each, nn.BatchNorm2d):
            assert torch.equal(each.weight, torch.ones_like(each.weight))
            assert not each.bias.any()


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 8, 8)])
def test_images_of_another_kind_are_refused(shape):
    with pytest.raises(ValueError, match=r"give them as \(batch, 2, height, width\)"):
        small_model()(torch.zeros(shape, dtype=torch.float64))
