"""SimCLR against its equations: embeddings of two views, and the loss that compares them."""

import pytest
import torch
from references import SMALL, cosine, image_vector, random_images, random_inputs, small_model

from model import ModelConfig, SimCLR, TwoViews, build_model, functional, nt_xent


def written_loss(a, b, temperature):
    """Equation 1, summed over both orders of every pair of views, one after the other."""
    views, count = [*a, *b], len(a)
    total = 0.0
    for i in range(2 * count):
        j = (i + count) % (2 * count)
        alike = [(cosine(views[i], views[k]) / temperature).exp() for k in range(2 * count)]
        total = total - (alike[j] / sum(alike[k] for k in range(2 * count) if k != i)).log()
    return total / (2 * count)


def embedding(model, image):
    h = image_vector(image, model.image_tower, model.config)
    hidden = model.projection[0].weight @ h
    return model.projection[2].weight @ torch.where(hidden > 0, hidden, 0.0)


def test_the_embeddings_are_those_of_the_equations():
    model, inputs = small_model(), random_inputs(3)
    output = model(**inputs)
    for found, images in ((output.embeddings_a, "view_a_BCHW"), (output.embeddings_b, "view_b_BCHW")):
        expected = torch.stack([embedding(model, image) for image in inputs[images]])
        assert found.shape == (3, 5)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-11)


def test_the_representation_is_what_the_tower_says():
    model, images = small_model(), random_images(2)
    expected = torch.stack([image_vector(image, model.image_tower, model.config) for image in images])
    torch.testing.assert_close(model.encode(images), expected, rtol=0, atol=1e-11)


def test_gradients_reach_the_images_through_representation_and_embeddings():
    model, inputs = small_model(), random_inputs(3)
    images = inputs["view_a_BCHW"].requires_grad_()
    for outcome in (model.encode(images).square().sum(), functional.loss(model, inputs, {})):
        (gradient,) = torch.autograd.grad(outcome, images)
        assert (gradient.flatten(1).abs().amax(1) > 1e-6).all()


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_loss_is_equation_one(count, temperature):
    a, b = torch.randn(2, count, 4, dtype=torch.float64)
    torch.testing.assert_close(nt_xent(a, b, temperature), written_loss(a, b, temperature), rtol=0, atol=1e-11)


def test_the_gradients_of_the_loss_are_those_of_equation_one():
    a, b = (torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    ours = torch.autograd.grad(nt_xent(a, b, 0.3), [a, b])
    theirs = torch.autograd.grad(written_loss(a, b, 0.3), [a, b])
    for mine, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-11)


def test_the_loss_does_not_see_lengths_and_not_which_view_comes_first():
    a, b = torch.randn(2, 4, 3, dtype=torch.float64)
    loss = nt_xent(a, b, 0.2)
    torch.testing.assert_close(nt_xent(3 * a, b / 7, 0.2), loss)
    torch.testing.assert_close(nt_xent(b, a, 0.2), loss)


def test_the_loss_falls_to_its_floor_where_only_the_views_of_an_image_agree():
    a = torch.eye(4, dtype=torch.float64)
    others = 6 * torch.tensor(-10.0, dtype=torch.float64).exp()
    torch.testing.assert_close(nt_xent(a, a, 0.1), (1 + others).log())
    assert nt_xent(a, a.roll(1, 0), 0.1) > 10


def test_the_loss_of_the_network_is_that_of_its_embeddings_at_its_temperature():
    model, inputs = small_model(), random_inputs(4)
    output = model(**inputs)
    assert isinstance(output, TwoViews)
    expected = written_loss(output.embeddings_a, output.embeddings_b, 0.4)
    torch.testing.assert_close(functional.loss(model, inputs, {}), expected, rtol=0, atol=1e-11)
    other = small_model(temperature=0.1)
    other.load_state_dict(model.state_dict())
    assert functional.loss(other, inputs, {}) != functional.loss(model, inputs, {})


def test_the_two_views_of_an_example_are_alike_and_not_the_same():
    inputs, targets = functional.example_batch(ModelConfig(**SMALL), 50, 0)
    a, b = inputs["view_a_BCHW"], inputs["view_b_BCHW"]
    assert a.shape == b.shape == (50, 2, 6, 6)
    assert targets == {}
    assert (a - b).std().item() == pytest.approx(0.5 * 2**0.5, rel=0.1)
    assert (a + b).std().item() / 2 == pytest.approx((1 + 0.125) ** 0.5, rel=0.1)


def test_the_default_is_simclr():
    assert isinstance(build_model(**SMALL), SimCLR)
    assert ModelConfig().objective == "simclr"
