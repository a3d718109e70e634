"""What holds for every network of this kind: gradients, independence of a batch, saving, number formats, learning."""

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model
from model.functional import CLAIMS, example_batch, loss


@pytest.fixture
def batch():
    return example_batch(ModelConfig(**SMALL), 4, 0)


def test_example_batches_follow_from_their_seed_and_hold_one_to_three_objects(batch):
    (inputs, targets), (same, _), (other, _) = batch, *(example_batch(ModelConfig(**SMALL), 4, s) for s in (0, 1))
    assert torch.equal(inputs["pixel_values"], same["pixel_values"])
    assert not torch.equal(inputs["pixel_values"], other["pixel_values"])
    assert inputs["pixel_values"].shape == (4, 2, 16, 16)
    _, many = example_batch(ModelConfig(**SMALL), 200, 0)
    objects = many["classes"] >= 0
    assert set(objects.sum(1).tolist()) == {1, 2, 3}
    assert set(many["classes"].flatten().tolist()) == {-1, 0, 1, 2}
    centre, size = many["boxes"].split(2, dim=-1)
    assert (centre - size / 2).min() > -0.01
    assert 0.95 < (centre + size / 2).max() < 1.01
    assert 0.1 <= size.min() < 0.11
    assert 0.39 < size.max() <= 0.4
    assert 0.2 <= centre.min() < 0.22
    assert targets["boxes"].shape == (4, 3, 4)
    assert example_batch(ModelConfig(**{**SMALL, "num_queries": 2}), 4, 0)[1]["classes"].shape == (4, 2)


def test_an_image_does_not_depend_on_the_others(batch):
    model, pixels = build_model(**SMALL).double().eval(), batch[0]["pixel_values"].double()
    alone, together = model(pixels[:1]), model(pixels)
    assert CLAIMS == ("batch_independent",)
    torch.testing.assert_close(alone.logits[0], together.logits[0])
    torch.testing.assert_close(alone.early_boxes[0], together.early_boxes[0])


def test_every_parameter_gets_a_gradient(batch):
    model = build_model(**SMALL)
    loss(model, *batch).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.ne(0).any() for p in model.parameters())


def test_saving_and_loading_is_exact(batch):
    torch.manual_seed(5)
    model, other = build_model(**SMALL), build_model(**SMALL)
    assert not torch.equal(model(**batch[0]).boxes, other(**batch[0]).boxes)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(**batch[0]).boxes, other(**batch[0]).boxes)


def test_dropout_acts_in_training_only(batch):
    model = build_model(**{**SMALL, "dropout": 0.5})
    assert not torch.equal(model(**batch[0]).logits, model(**batch[0]).logits)
    model.eval()
    assert torch.equal(model(**batch[0]).logits, model(**batch[0]).logits)


def test_it_runs_in_bfloat16_and_its_loss_too(batch):
    model = build_model(**SMALL).bfloat16()
    value = loss(model, {"pixel_values": batch[0]["pixel_values"].bfloat16()}, batch[1])
    assert model(batch[0]["pixel_values"].bfloat16()).boxes.dtype == torch.bfloat16
    value.backward()
    assert value.isfinite()


def test_it_learns_a_batch_by_heart(batch):
    model = build_model(**SMALL)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    first = loss(model, *batch).item()
    for _ in range(80):
        optimizer.zero_grad()
        loss(model, *batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert loss(model, *batch).item() < 0.3 * first
