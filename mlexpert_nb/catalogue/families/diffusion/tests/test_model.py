"""The loss and the sampler: the network, the noise process and the steps in one."""

import itertools

import pytest
import torch
from references import FLOW, SMALL, mean_square, random_images, small_model

from model import build_model

KINDS = [
    {},
    {"prediction_type": "v_prediction", "beta_schedule": "cosine", "sampler": "ddim"},
    {"prediction_type": "sample"},
    FLOW,
]


@pytest.mark.parametrize("changes", KINDS)
def test_the_loss_is_the_mean_squared_error_of_the_prediction(changes):
    model, images = small_model(**changes), random_images(3)
    torch.manual_seed(5)
    found = model.loss(images)
    torch.manual_seed(5)
    times = model.process.random_times(images)
    noise = torch.randn_like(images)
    x = model.process.add_noise(images, noise, times)
    expected = mean_square(model(x, times), model.process.target(images, noise, times))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("changes", KINDS)
def test_sampling_takes_the_steps_of_its_sampler(changes):
    model = small_model(**changes)
    found = model.sample(2, 4, generator=torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)

    def draw():
        return torch.randn(2, 2, 8, 8, generator=generator, dtype=torch.float64)

    x = draw()
    for time, before in itertools.pairwise(model.process.times(4)):
        predicted = model(x, torch.tensor([time, time]))
        if model.config.sampler == "euler":
            x = model.process.euler_step(predicted, x, (time, before))
        elif model.config.sampler == "ddim":
            x = model.process.ddim_step(predicted, x, (time, before), noise=draw())
        else:
            x = model.process.ddpm_step(predicted, x, (time, before), noise=draw())
    torch.testing.assert_close(found, x, rtol=0, atol=1e-12)
    assert not found.requires_grad


def test_ddpm_samples_stay_in_range_and_differ_with_the_noise():
    model = small_model()
    made = model.sample(3)
    assert made.shape == (3, 2, 8, 8)
    assert made.abs().max() <= 1 + 1e-9
    assert not torch.equal(made[0], made[1])
    assert not torch.equal(made, model.sample(3))


def test_ddim_draws_noise_at_the_start_alone_unless_it_is_told_to():
    model = small_model(sampler="ddim", prediction_type="v_prediction")
    plain, same, noisy = (
        model.sample(1, 5, eta=eta, generator=torch.Generator().manual_seed(1)) for eta in (0.0, 0.0, 1.0)
    )
    assert torch.equal(plain, same)
    assert (plain - noisy).abs().max() > 1e-2


@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_a_perfect_network_samples_the_one_image_that_there_is(sampler):
    image = random_images(1).clamp(-1, 1)
    model = small_model(sampler=sampler, prediction_type="sample")
    model.denoiser.forward = lambda x, _times: image.expand_as(x)
    torch.testing.assert_close(model.sample(2), image.expand(2, -1, -1, -1), rtol=0, atol=1e-9)


def test_a_perfect_flow_ends_at_the_one_image_that_there_is():
    image = random_images(1)
    model = small_model(**FLOW)
    model.denoiser.forward = lambda x, times: (x - image) / (times / 20).view(-1, 1, 1, 1)
    torch.testing.assert_close(model.sample(2, 3), image.expand(2, -1, -1, -1), rtol=0, atol=1e-6)


def test_the_global_generator_is_used_where_none_is_given():
    model = build_model(**SMALL).eval()
    torch.manual_seed(1)
    first = model.sample(1, 2)
    torch.manual_seed(1)
    assert torch.equal(model.sample(1, 2), first)
