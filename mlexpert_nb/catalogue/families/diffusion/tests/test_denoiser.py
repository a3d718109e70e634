"""The U-Net against its equations, and what follows from them."""

import pytest
import torch
from references import SMALL, conv, predicted, random_images, small_model, time_vector

from model import build_model
from model.diffusion import sinusoids

VARIANTS = [
    {},
    {"layers_per_block": 2},
    {"channel_mults": (1, 2, 1), "attention_resolutions": (8, 2)},
    {"channel_mults": (2,), "num_groups": 4},
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_prediction_is_that_of_the_equations(changes):
    model, images = small_model(**changes), random_images(2)
    expected = torch.stack([predicted(image, time, model) for image, time in zip(images, (3, 17), strict=True)])
    found = model(images, torch.tensor([3, 17]))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)  # sines and cosines are made in float32


def test_the_reference_itself_slides_kernels_as_torch_does():
    layer = torch.nn.Conv2d(2, 3, 3, stride=2, padding=1, dtype=torch.float64)
    image = random_images(1)[0]
    torch.testing.assert_close(conv(image, layer, stride=2), layer(image[None])[0])


def test_the_time_reaches_the_network_through_sines_and_then_cosines():
    waves = sinusoids(torch.tensor([0.0, 2.0]), 6)
    assert waves[0].tolist() == [0, 0, 0, 1, 1, 1]
    expected = [2.0, 0.02, 0.0002]
    torch.testing.assert_close(waves[1], torch.cat([torch.tensor(expected).sin(), torch.tensor(expected).cos()]))
    assert waves.dtype == torch.float32
    model, images = small_model(), random_images(1)
    vectors = [time_vector(time, model) for time in (3, 17)]
    assert (vectors[0] - vectors[1]).abs().max() > 1e-2
    moved = model(images, torch.tensor([3])) - model(images, torch.tensor([17]))
    assert moved.abs().max() > 1e-3


def test_every_pixel_reaches_every_pixel():
    model, images = small_model(), random_images(1).requires_grad_()
    out = model(images, torch.tensor([5]))
    for row, column in ((0, 0), (3, 5), (7, 7)):
        (gradient,) = torch.autograd.grad(out[0, 1, row, column], images, retain_graph=True)
        assert (gradient.abs() > 1e-12).all()


def test_a_fresh_network_predicts_nothing():
    assert not build_model(**SMALL)(random_images(2).float(), torch.tensor([0, 5])).any()


def test_the_norms_keep_large_images_in_range():
    model = small_model(attention_resolutions=())
    small, large = (model(factor * random_images(2), torch.tensor([4, 9])).std() for factor in (1, 1000))
    assert large < 3 * small


def test_dropout_acts_in_training_alone():
    model, images, times = small_model(dropout=0.5), random_images(2), torch.tensor([3, 17])
    torch.testing.assert_close(model(images, times)[0], predicted(images[0], 3, model), rtol=0, atol=1e-5)
    assert torch.equal(model(images, times), model(images, times))
    model.train()
    assert not torch.equal(model(images, times), model(images, times))


def test_dropout_falls_between_the_second_norm_and_the_second_convolution():
    block = small_model(dropout=0.5).denoiser.middle[0].train()
    torch.nn.init.dirac_(block.conv_out.weight)
    torch.nn.init.zeros_(block.conv_out.bias)
    x, time = torch.randn(4, 16, 6, 6, dtype=torch.float64), torch.randn(4, 12, dtype=torch.float64)
    untouched = (block(x, time) == x).double().mean()
    assert 0.4 < untouched < 0.6


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 2, 6, 8), (2, 2, 8, 6)])
def test_an_image_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"resize them to \(batch, \*\(2, 8, 8\)\)"):
        small_model()(torch.zeros(shape, dtype=torch.float64), torch.tensor([0, 0]))
