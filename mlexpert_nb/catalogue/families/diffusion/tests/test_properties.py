"""Batch independence, gradients, determinism, saving and number types: what training code relies on."""

import pytest
import torch
from references import FLOW, SMALL, mean_square, random_images, small_model

from model import ModelConfig, build_model, functional

TIMES = torch.tensor([0, 6, 13, 19])


def batch(seed=0, size=4, **changes):
    return functional.example_batch(ModelConfig(**{**SMALL, **changes}), size, seed)


def test_an_image_is_seen_alone():
    model, images = small_model(), random_images(4)
    changed = images.clone()
    changed[1:] = 5 * random_images(3)
    torch.testing.assert_close(model(changed, TIMES)[0], model(images, TIMES)[0], rtol=0, atol=1e-12)
    assert (model(changed, TIMES)[1:] - model(images, TIMES)[1:]).abs().max() > 1e-3
    assert functional.CLAIMS == ("batch_independent",)


@pytest.mark.parametrize("changes", [{}, FLOW])
def test_an_example_batch_is_a_pure_function_of_its_seed(changes):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    (inputs, targets), (again, _), (other, _) = batch(1, **changes), batch(1, **changes), batch(2, **changes)
    assert torch.equal(torch.get_rng_state(), before)
    assert inputs["x_BCHW"].shape == targets["images_BCHW"].shape == (4, 2, 8, 8)
    assert inputs["times_B"].shape == (4,)
    for name, tensor in inputs.items():
        assert torch.equal(tensor, again[name])
        assert not torch.equal(tensor, other[name])
    assert not torch.equal(inputs["x_BCHW"][0], inputs["x_BCHW"][1])


def test_the_images_of_an_example_batch_lie_between_minus_one_and_one_and_have_noise_in_them():
    inputs, targets = batch(size=200)
    images, times = targets["images_BCHW"], inputs["times_B"]
    assert -1 <= images.min() < -0.99
    assert 0.99 < images.max() <= 1
    assert times.unique().tolist() == list(range(20))
    shares = [((inputs["x_BCHW"] - images)[times == time] ** 2).mean() for time in (0, 10, 19)]
    assert shares[0] < shares[1] < shares[2]


def test_the_loss_is_that_of_the_images_without_noise():
    model, (inputs, targets) = build_model(**SMALL), batch()
    torch.manual_seed(3)
    found = functional.loss(model, inputs, targets)
    torch.manual_seed(3)
    assert torch.equal(found, model.loss(targets["images_BCHW"]))


def test_another_module_has_no_such_loss():
    with pytest.raises(TypeError, match="not of a Identity"):
        functional.loss(torch.nn.Identity(), *batch())


def test_the_loss_of_a_fresh_network_is_the_variance_of_the_noise():
    model, (inputs, targets) = build_model(**SMALL), batch(size=200)
    assert functional.loss(model, inputs, targets).item() == pytest.approx(1.0, abs=0.05)
    assert mean_square(torch.ones(3), torch.zeros(3)) == 1


def test_every_parameter_gets_a_finite_gradient_that_is_not_zero():
    model, (inputs, targets) = small_model().float(), batch()
    functional.loss(model, inputs, targets).backward()
    for parameter in model.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0


def test_the_same_seed_gives_the_same_network():
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(build_model(**SMALL).state_dict())
    same, again, other = (torch.cat([value.flatten() for value in state.values()]) for state in states)
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


def test_saved_weights_give_the_same_network(tmp_path):
    model, images = small_model(), random_images(4)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**SMALL).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(images, TIMES), model(images, TIMES))
    assert set(model.state_dict()) == {name for name, _ in model.named_parameters()}


def test_a_forward_pass_changes_nothing():
    model, images = small_model(dropout=0.2), random_images(4)
    kept, before = images.clone(), {name: value.clone() for name, value in model.state_dict().items()}
    model(images, TIMES)
    assert torch.equal(images, kept)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_half_precision_gives_nearly_the_same_prediction():
    model, images = small_model(), random_images(4)
    exact, coarse = model(images, TIMES), model.bfloat16()(images.bfloat16(), TIMES)
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), exact, rtol=0.1, atol=0.3)
    assert model.sample(1, 3).dtype == torch.bfloat16
