"""The network against the paper's equations, and what follows from them."""

import pytest
import torch
from references import SMALL, embedded, logits, random_images, small_model

from model import build_model
from model.vit import patches

VARIANTS = [{}, {"pool": "mean"}, {"patch_size": 3}, {"num_heads": 1}, {"num_layers": 1}]


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_logits_are_those_of_the_equations(changes):
    model, images = small_model(**changes), random_images(3)
    expected = torch.stack([logits(image, model) for image in images])
    assert model(images).shape == (3, 5)
    torch.testing.assert_close(model(images), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_the_tokens_are_embedded_patches_with_positions(pool):
    model, images = small_model(pool=pool), random_images(2)
    expected = torch.stack([embedded(image, model) for image in images])
    torch.testing.assert_close(model.tokens(images), expected, rtol=0, atol=1e-12)


def test_patches_run_row_by_row_and_channel_by_channel():
    images = torch.arange(2 * 2 * 4 * 4).reshape(2, 2, 4, 4)
    cut = patches(images, 2)
    assert cut.shape == (2, 4, 8)
    assert cut[0, 1].tolist() == [2, 3, 6, 7, 18, 19, 22, 23]
    assert cut[1, 2, 0] == images[1, 0, 2, 0]


def test_without_positions_the_order_of_the_patches_does_not_matter():
    model, images = small_model(pool="mean"), random_images(1)
    moved = torch.cat([images[..., 2:], images[..., :2]], dim=-1)
    assert (model(moved) - model(images)).abs().max() > 1e-3
    torch.nn.init.zeros_(model.position_embedding)
    torch.testing.assert_close(model(moved), model(images), rtol=0, atol=1e-12)


def test_every_pixel_reaches_every_logit():
    model, images = small_model(), random_images(1).requires_grad_()
    for k in range(5):
        (gradient,) = torch.autograd.grad(model(images)[0, k], images)
        assert (gradient.abs() > 1e-9).all()


def test_dropout_acts_in_training_alone():
    model, images = small_model(dropout=0.5), random_images(2)
    assert torch.equal(model(images), model(images))
    torch.testing.assert_close(model(images)[0], logits(images[0], model), rtol=0, atol=1e-11)
    model.train()
    assert not torch.equal(model(images), model(images))


def test_dropout_follows_the_positions():
    model = small_model(dropout=0.5).train()
    tokens, kept = model.tokens(random_images(4)), model.eval().tokens
    dropped = tokens == 0
    assert 0.35 < dropped.double().mean() < 0.65
    assert (kept(random_images(4)) == 0).sum() == 0


def test_dropout_falls_on_attention_on_the_hidden_layer_and_on_the_output_of_the_mlp():
    layer = small_model(dropout=0.5).layers[0].train()
    x = torch.randn(4, 9, 12, dtype=torch.float64)
    silent = [torch.zeros_like(p) for p in layer.mlp.parameters()]
    for parameter, zero in zip(layer.mlp.parameters(), silent, strict=True):
        parameter.data = zero
    assert 0.3 < (layer(x) == x).double().mean() < 0.7  # the attention's own outputs
    layer.attention.out.weight.data.zero_()
    layer.attention.out.bias.data.zero_()
    layer.mlp[3].bias.data.fill_(1.0)
    assert set((layer(x) - x).round(decimals=6).unique().tolist()) == {0.0, 2.0}  # the MLP's outputs
    hidden = layer.mlp[2](torch.ones(1000, dtype=torch.float64))
    assert set(hidden.tolist()) == {0.0, 2.0}


def test_the_norms_keep_deep_networks_in_range():
    model = build_model(**{**SMALL, "num_layers": 24}).double().eval()
    images = 100 * random_images(2)
    assert model(images).abs().max() < 5


def test_the_weights_start_as_in_the_authors_code():
    model = build_model(**{**SMALL, "hidden_size": 96, "mlp_dim": 192})
    for name, parameter in model.named_parameters():
        if "norm" in name:
            assert torch.equal(parameter, torch.full_like(parameter, float(name.endswith("weight"))))
        elif name.endswith("bias"):
            assert not parameter.any()
        elif "head" in name or "position" in name or "class_token" in name:
            assert 0.016 < parameter.std() < 0.024
            assert parameter.mean().abs() < 0.01
        else:
            matrices = parameter.chunk(3) if "query_key_value" in name else [parameter]
            for matrix in matrices:
                bound = (6 / sum(matrix.shape)) ** 0.5
                assert 0.9 * bound < matrix.abs().max() <= bound


@pytest.mark.parametrize("shape", [(2, 3, 6, 6), (2, 2, 8, 6), (2, 2, 6, 8)])
def test_an_image_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"resize them to \(batch, \*\(2, 6, 6\)\)"):
        small_model()(torch.zeros(shape, dtype=torch.float64))
