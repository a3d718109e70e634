"""Batch independence, gradients, determinism, saving and number types: what training code relies on."""

import pytest
import torch
from references import DIFFUSION, SEGMENTATION, VARIANTS, random_inputs, small_model

from model import ModelConfig, build_model, functional

TASKS = [SEGMENTATION, DIFFUSION]


def batch(config, seed=0, size=4):
    return functional.example_batch(ModelConfig(**config), size, seed)


@pytest.mark.parametrize("config", VARIANTS)
def test_an_image_is_seen_alone(config):
    model, inputs, other = small_model(config), random_inputs(config, 4), random_inputs(config, 4)
    mixed = {name: torch.cat([inputs[name][:1], other[name][1:]]) for name in inputs}
    torch.testing.assert_close(model(**mixed)[0], model(**inputs)[0], rtol=0, atol=1e-11)
    assert (model(**mixed)[1:] - model(**inputs)[1:]).abs().max() > 1e-3
    assert "batch_independent" in functional.CLAIMS


@pytest.mark.parametrize("config", TASKS)
def test_an_example_batch_is_a_pure_function_of_its_seed(config):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    (inputs, targets), (again, same), (other, _) = batch(config, 1), batch(config, 1), batch(config, 2)
    assert torch.equal(torch.get_rng_state(), before)
    assert inputs["images_BCHW"].shape == (4, 2, 8, 8)
    assert all(torch.equal(inputs[name], again[name]) for name in inputs)
    assert all(torch.equal(targets[name], same[name]) for name in targets)
    assert not torch.equal(inputs["images_BCHW"], other["images_BCHW"])
    assert not torch.equal(inputs["images_BCHW"][0], inputs["images_BCHW"][1])


def test_example_batches_hold_every_class_and_many_steps():
    labels = batch(SEGMENTATION)[1]["labels_BHW"]
    assert labels.shape == (4, 8, 8)
    assert labels.unique().tolist() == [0, 1, 2]
    steps = batch(DIFFUSION, size=500)[0]["steps_B"]
    assert 0 <= steps.min() < 20
    assert 980 < steps.max() < 1000


def test_noise_replaces_the_image_step_by_step():
    images, noise = torch.randn(3, 1, 2, 2), torch.randn(3, 1, 2, 2)
    noised = functional.add_noise(images, noise, torch.tensor([0, 1, 999]))
    kept, shares = 1.0, []
    for step in range(1000):
        kept *= 1 - (1e-4 + (0.02 - 1e-4) * step / 999)
        shares.append(kept)
    for row, share in zip(range(3), (shares[0], shares[1], shares[999]), strict=True):
        expected = share**0.5 * images[row] + (1 - share) ** 0.5 * noise[row]
        torch.testing.assert_close(noised[row], expected)
    assert shares[999] < 1e-4


def test_the_noise_of_example_batches_is_the_noise_in_their_images():
    inputs, targets = batch(DIFFUSION, size=200)
    late = inputs["steps_B"] > 900
    assert late.any()
    assert (inputs["images_BCHW"] - targets["noise_BCHW"])[late].abs().mean() < 0.05
    assert targets["noise_BCHW"].std() == pytest.approx(1, abs=0.02)


def test_the_loss_of_segmentation_is_the_cross_entropy_of_the_pixels_that_have_a_label():
    model, (inputs, targets) = small_model(SEGMENTATION).float(), batch(SEGMENTATION)
    targets["labels_BHW"][0, :5] = -100
    labels, logs = targets["labels_BHW"], model(**inputs).log_softmax(1)
    known = [logs[b, labels[b, h, w], h, w] for b, h, w in (labels >= 0).nonzero().tolist()]
    torch.testing.assert_close(functional.loss(model, inputs, targets), -sum(known) / len(known))


def test_the_loss_of_diffusion_is_the_mean_squared_error_of_the_noise():
    model, (inputs, targets) = small_model(DIFFUSION).float(), batch(DIFFUSION)
    expected = ((model(**inputs) - targets["noise_BCHW"]) ** 2).sum() / targets["noise_BCHW"].numel()
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


@pytest.mark.parametrize("config", VARIANTS)
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(config):
    model, (inputs, targets) = build_model(**{**config, "width": 8}), batch(config)
    functional.loss(model, inputs, targets).backward()
    for parameter in model.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0


@pytest.mark.parametrize("config", TASKS)
def test_the_same_seed_gives_the_same_network(config):
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(torch.cat([p.flatten() for p in build_model(**config).parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize("config", TASKS)
def test_saved_weights_give_the_same_network(config, tmp_path):
    model, inputs = small_model(config), random_inputs(config, 2)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**config).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(**inputs), model(**inputs))


@pytest.mark.parametrize("config", TASKS)
def test_a_forward_pass_changes_nothing(config):
    model, inputs = small_model(config, dropout=0.2), random_inputs(config, 2)
    kept = {name: value.clone() for name, value in {**inputs, **model.state_dict()}.items()}
    model(**inputs)
    assert all(torch.equal(value, kept[name]) for name, value in {**inputs, **model.state_dict()}.items())


@pytest.mark.parametrize("config", TASKS)
def test_half_precision_gives_nearly_the_same_outputs(config):
    model, inputs = small_model(config), random_inputs(config, 2)
    exact = model(**inputs)
    coarse = model.bfloat16()(**{**inputs, "images_BCHW": inputs["images_BCHW"].bfloat16()})
    assert coarse.dtype == torch.bfloat16
    assert (coarse.double() - exact).abs().mean() < 0.05 * exact.abs().mean() + 0.01
