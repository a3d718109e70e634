"""Batch independence, gradients, determinism, saving and number types: what training code relies on."""

import torch
from references import SMALL, random_images, small_model

from model import ModelConfig, build_model, functional


def batch(seed=0, size=4, **changes):
    return functional.example_batch(ModelConfig(**{**SMALL, **changes}), size, seed)


def test_an_image_is_classified_alone():
    model, images = small_model(), random_images(4)
    changed = images.clone()
    changed[1:] = 5 * random_images(3)
    torch.testing.assert_close(model(changed)[0], model(images)[0], rtol=0, atol=1e-12)
    assert (model(changed)[1:] - model(images)[1:]).abs().max() > 1e-3
    assert "batch_independent" in functional.CLAIMS


def test_an_example_batch_is_a_pure_function_of_its_seed():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    (inputs, targets), (again, _), (other, _) = batch(1), batch(1), batch(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert inputs["images_BCHW"].shape == (4, 2, 4, 4)
    assert targets["labels_B"].shape == (4,)
    assert torch.equal(inputs["images_BCHW"], again["images_BCHW"])
    assert not torch.equal(inputs["images_BCHW"], other["images_BCHW"])
    assert not torch.equal(inputs["images_BCHW"][0], inputs["images_BCHW"][1])


def test_the_labels_of_example_batches_cover_the_classes():
    labels = batch(size=200)[1]["labels_B"]
    assert labels.unique().tolist() == [0, 1, 2, 3, 4]


def test_the_loss_is_the_cross_entropy_averaged_over_the_batch():
    model, (inputs, targets) = build_model(**SMALL), batch()
    chances = model(**inputs).softmax(1)
    expected = -sum(chances[row, label].log() for row, label in enumerate(targets["labels_B"])) / 4
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


def test_every_parameter_gets_a_finite_gradient_that_is_not_zero():
    model, (inputs, targets) = build_model(**SMALL), batch()
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
    model, images = small_model(), random_images(2)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**SMALL).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(images), model(images))


def test_a_forward_pass_changes_nothing():
    model, images = small_model(dropout=0.2), random_images(2)
    kept, before = images.clone(), {name: value.clone() for name, value in model.state_dict().items()}
    model(images)
    assert torch.equal(images, kept)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_half_precision_gives_nearly_the_same_logits():
    model, images = small_model(), random_images(2)
    exact, coarse = model(images), model.bfloat16()(images.bfloat16())
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), exact, rtol=0.1, atol=0.3)
