"""The matching and the loss, against every assignment tried and the loss written pair by pair."""

import itertools

import pytest
import references
import torch
from references import SMALL, cheapest

from model import ModelConfig, assign, build_model, giou, set_loss
from model.functional import example_batch, loss
from model.set_loss import match

CONFIG = ModelConfig(**{**SMALL, "no_object_weight": 0.3, "l1_weight": 1.7, "giou_weight": 0.6})
WEIGHTS = (0.3, 1.7, 0.6)


def drawn(batch=4, queries=5):
    """Draw detections, and targets with padding at any place; the last image has no objects."""
    logits = torch.randn(batch, queries, 4, dtype=torch.float64) * 2
    boxes = torch.rand(batch, queries, 4, dtype=torch.float64) * 0.6 + 0.1
    classes = torch.randint(-1, 3, (batch, 4))
    classes[-1], classes[0] = -1, torch.tensor([-1, 0, 2, 2])
    return logits, boxes, {"classes": classes, "boxes": torch.rand(batch, 4, 4, dtype=torch.float64) * 0.6 + 0.1}


@pytest.mark.parametrize("whole", [False, True], ids=["real", "ties"])
def test_an_assignment_is_the_cheapest_of_all(whole):
    source = torch.Generator().manual_seed(0)
    for rows, columns in itertools.product(range(1, 5), range(1, 7)):
        if rows > columns:
            continue
        for cost_RC in 3 * torch.randn(8, rows, columns, generator=source, dtype=torch.float64):
            cost = (cost_RC.round() if whole else cost_RC).tolist()
            chosen, best = assign(cost), cheapest(cost)
            assert len(set(chosen)) == rows
            total, least = (sum(cost[row][column] for row, column in enumerate(each)) for each in (chosen, best))
            assert total == pytest.approx(least)


def test_rows_that_want_the_same_column_are_moved_along():
    assert assign([[1.0, 2.0, 9.0], [1.0, 3.0, 9.0], [1.0, 9.0, 5.0]]) == [1, 0, 2]
    assert assign([]) == []


def test_giou_is_that_of_two_boxes_and_broadcasts():
    a, b = torch.rand(6, 4, dtype=torch.float64), torch.rand(7, 4, dtype=torch.float64)
    given = giou(a[:, None], b)
    for i in range(6):
        for j in range(7):
            assert given[i, j].item() == pytest.approx(references.giou(a[i], b[j]))


def test_giou_of_equal_boxes_is_one_and_of_far_ones_nearly_minus_one():
    box = torch.tensor([0.5, 0.5, 0.2, 0.4])
    assert giou(box, box).item() == pytest.approx(1.0)
    assert giou(box, box + torch.tensor([90.0, 90.0, 0.0, 0.0])).item() < -0.99


def test_pairs_are_those_of_the_image_and_every_object_has_one():
    logits, boxes, targets = drawn()
    image, query, row = match(logits, boxes, targets, CONFIG)
    pairs = list(zip(image.tolist(), row.tolist(), strict=True))
    assert pairs == [tuple(each) for each in (targets["classes"] >= 0).nonzero().tolist()]
    assert len(set(zip(image.tolist(), query.tolist(), strict=True))) == len(pairs)


@pytest.mark.parametrize("seed", range(6))
def test_the_loss_is_that_of_the_paper(seed):
    torch.manual_seed(seed)
    logits, boxes, targets = drawn()
    given = set_loss(logits, boxes, targets, CONFIG)
    assert given.item() == pytest.approx(references.set_loss(logits, boxes, targets, WEIGHTS))


def test_images_without_objects_teach_no_object_alone():
    logits, boxes, targets = drawn()
    targets["classes"][:] = -1
    boxes.requires_grad_()
    given = set_loss(logits, boxes, targets, CONFIG)
    given_by_hand = -logits.log_softmax(-1)[..., 3].mean()
    torch.testing.assert_close(given, given_by_hand)


def test_the_loss_of_the_network_sums_its_decoder_layers():
    model = references.shaken(build_model(**SMALL).double())
    inputs, targets = example_batch(model.config, 3, 0)
    inputs, targets = {"pixel_values": inputs["pixel_values"].double()}, {**targets, "boxes": targets["boxes"].double()}
    expected = sum(
        references.set_loss(*found, targets, (0.1, 5.0, 2.0)) for found in references.layers(model, *inputs.values())
    )
    assert loss(model, inputs, targets).item() == pytest.approx(expected)


def test_gradients_reach_boxes_and_classes_but_not_the_choice():
    logits, boxes, targets = drawn()
    logits.requires_grad_()
    boxes.requires_grad_()
    image, query, _ = match(logits, boxes, targets, CONFIG)
    set_loss(logits, boxes, targets, CONFIG).backward()
    reached = torch.zeros(4, 5, dtype=torch.bool)
    reached[image, query] = True
    assert torch.equal(boxes.grad.ne(0).any(-1), reached)
    assert logits.grad.ne(0).all()


def test_more_objects_than_queries_are_refused():
    logits, boxes, targets = drawn(queries=2)
    with pytest.raises(ValueError, match="an image has 3 objects, but there are 2 queries; raise num_queries"):
        set_loss(logits, boxes, targets, CONFIG)


def test_as_many_objects_as_queries_are_all_matched():
    logits, boxes, targets = drawn(queries=4)
    targets["classes"][:] = 1
    _, query, _ = match(logits, boxes, targets, CONFIG)
    assert query.view(4, 4).sort(-1).values.tolist() == [[0, 1, 2, 3]] * 4


def test_a_diverged_network_is_matched_somehow_and_its_loss_says_so():
    logits, boxes, targets = drawn()
    assert set_loss(logits * float("nan"), boxes * float("nan"), targets, CONFIG).isnan()
