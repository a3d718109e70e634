"""The noise process and its way back, against closed forms."""

import itertools
import math

import pytest
import torch
from references import FLOW, SMALL, random_images, shares_left

from model import ModelConfig, NoiseProcess
from model.diffusion import alphas_cumprod

KINDS = ["epsilon", "sample", "v_prediction"]


def process(**changes):
    return NoiseProcess(ModelConfig(**{**SMALL, "clip_sample": False, **changes}))


def column(numbers):
    return torch.tensor(numbers, dtype=torch.float64).view(-1, 1, 1, 1)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [2, 20, 1000])
def test_the_schedule_is_that_of_the_papers(schedule, steps):
    found = alphas_cumprod(ModelConfig(**{**SMALL, "beta_schedule": schedule, "num_train_timesteps": steps}))
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx(shares_left(steps, schedule), rel=1e-9, abs=1e-15)
    assert all(later < earlier for earlier, later in itertools.pairwise(found.tolist()))


def test_the_usual_schedules_end_in_noise():
    assert process(num_train_timesteps=1000).abar(999) == pytest.approx(4.0358e-5, rel=1e-3)  # Ho et al., section 4
    assert process(num_train_timesteps=1000, beta_schedule="cosine").abar(999) < 1e-8


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_images_and_noise_are_mixed_so_that_their_variances_add_up_to_one(schedule):
    images, noise, times = random_images(3), random_images(3), torch.tensor([0, 7, 19])
    left = column([shares_left(20, schedule)[time] for time in times])
    mixed = process(beta_schedule=schedule).add_noise(images, noise, times)
    torch.testing.assert_close(mixed, left.sqrt() * images + (1 - left).sqrt() * noise, rtol=0, atol=1e-12)


def test_a_flow_is_a_straight_line_from_image_to_noise():
    images, noise, times = random_images(3), random_images(3), torch.tensor([0.0, 5.0, 20.0])
    mixed = process(**FLOW).add_noise(images, noise, times)
    torch.testing.assert_close(mixed[0], images[0])
    torch.testing.assert_close(mixed[1], 0.75 * images[1] + 0.25 * noise[1])
    torch.testing.assert_close(mixed[2], noise[2])
    torch.testing.assert_close(process(**FLOW).target(images, noise, times), noise - images)


def test_the_network_learns_noise_or_image_or_the_mixture_v():
    images, noise, times = random_images(2), random_images(2), torch.tensor([3, 15])
    left = column([shares_left(20, "linear")[time] for time in (3, 15)])
    wanted = {"epsilon": noise, "sample": images, "v_prediction": left.sqrt() * noise - (1 - left).sqrt() * images}
    for kind, expected in wanted.items():
        found = process(prediction_type=kind).target(images, noise, times)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_perfect_prediction_gives_image_and_noise_back(kind):
    images, noise, times = random_images(2), random_images(2), torch.tensor([12, 12])
    made = process(prediction_type=kind)
    mixed, predicted = made.add_noise(images, noise, times), made.target(images, noise, times)
    image, found = made.image_and_noise(predicted, mixed, 12)
    torch.testing.assert_close(image, images, rtol=0, atol=1e-10)
    torch.testing.assert_close(found, noise, rtol=0, atol=1e-10)


def test_the_predicted_image_is_kept_in_range_where_that_is_wanted():
    x, predicted = 10 * random_images(2), random_images(2)
    image, noise = process(clip_sample=True).image_and_noise(predicted, x, 4)
    free, same = process(clip_sample=False).image_and_noise(predicted, x, 4)
    torch.testing.assert_close(image, free.clamp(-1, 1))
    assert (image.min(), image.max()) == (-1, 1)
    assert torch.equal(noise, same)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("span", [(19, 18), (12, 3), (1, 0), (0, -1)])
def test_a_ddpm_step_is_bayes_rule_for_normal_distributions(kind, span):
    made, shares = process(prediction_type=kind), [*shares_left(20, "linear"), 1.0]
    now, before = shares[span[0]], shares[span[1]]
    images, noise, new = random_images(2), random_images(2), random_images(2)
    times = torch.tensor([span[0]] * 2)
    x = made.add_noise(images, noise, times)
    step = now / before
    # before x comes x', x' ~ N(sqrt(before) image, 1 - before), and x ~ N(sqrt(step) x', 1 - step)
    if before < 1:
        precision = 1 / (1 - before) + step / (1 - step)
        mean = (math.sqrt(before) / (1 - before) * images + math.sqrt(step) / (1 - step) * x) / precision
        expected = mean + math.sqrt(1 / precision) * new
    else:
        expected = images  # there is no noise left to draw
    found = made.ddpm_step(made.target(images, noise, times), x, span, noise=new)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("span", [(19, 18), (12, 3), (0, -1)])
def test_a_ddim_step_keeps_the_noise_that_a_perfect_network_sees(kind, span):
    made, shares = process(prediction_type=kind), [*shares_left(20, "linear"), 1.0]
    images, noise, new = random_images(2), random_images(2), random_images(2)
    times = torch.tensor([span[0]] * 2)
    x, before = made.add_noise(images, noise, times), shares[span[1]]
    found = made.ddim_step(made.target(images, noise, times), x, span, noise=new)
    expected = math.sqrt(before) * images + math.sqrt(1 - before) * noise
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_ddim_with_all_the_noise_is_ddpm(kind):
    made, x, predicted, new = process(prediction_type=kind), random_images(2), random_images(2), random_images(2)
    for span in ((19, 18), (10, 5), (0, -1)):
        left = made.ddim_step(predicted, x, span, noise=new, eta=1.0)
        torch.testing.assert_close(left, made.ddpm_step(predicted, x, span, noise=new), rtol=0, atol=1e-9)
    half = made.ddim_step(predicted, x, (10, 5), noise=new, eta=0.5)
    none = made.ddim_step(predicted, x, (10, 5), noise=0 * new, eta=0.5)
    now, before = (shares_left(20, "linear")[time] for time in (10, 5))
    deviation = 0.5 * math.sqrt((1 - before) / (1 - now) * (1 - now / before))
    torch.testing.assert_close(half - none, deviation * new)


def test_an_euler_step_follows_the_velocity():
    x, velocity = random_images(2), random_images(2)
    torch.testing.assert_close(process(**FLOW).euler_step(velocity, x, (20.0, 15.0)), x - 0.25 * velocity)


def test_sampling_stops_at_evenly_spaced_times():
    assert process().times() == (*range(19, -1, -1), -1)
    assert process().times(5) == (16, 12, 8, 4, 0, -1)
    assert process().times(6) == (15, 12, 9, 6, 3, 0, -1)
    assert process().times(1) == (0, -1)
    assert process(**FLOW).times(4) == (20, 15, 10, 5, 0)
    assert len(process(**FLOW).times()) == 21


@pytest.mark.parametrize("count", [0, 21])
def test_a_number_of_steps_that_cannot_be_is_refused(count):
    with pytest.raises(ValueError, match=f"num_steps={count} must lie between 1 and num_train_timesteps=20"):
        process().times(count)


def test_random_times_cover_the_process():
    images = torch.zeros(2000, 1, 1, 1)
    steps = process().random_times(images)
    assert steps.dtype == torch.int64
    assert steps.unique().tolist() == list(range(20))
    moments = process(**FLOW).random_times(images)
    assert 0 <= moments.min() < 0.1
    assert 19.9 < moments.max() <= 20
    assert 9 < moments.mean() < 11


def test_half_precision_keeps_the_digits_of_the_first_step():
    images, noise = torch.zeros(1, 1, 1, 1).bfloat16(), torch.ones(1, 1, 1, 1).bfloat16()
    first = process(num_train_timesteps=1000).add_noise(images, noise, torch.tensor([0]))
    assert first.item() == pytest.approx(0.01, rel=1e-2)
