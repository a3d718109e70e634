"""The network against one that is written out anew."""

import pytest
import torch
from references import SMALL, layers, positions, shaken
from torch import nn

from model import build_model
from model.detr import sine_positions


@pytest.fixture
def images():
    return torch.randn(3, 2, 16, 24, dtype=torch.float64)


def test_shapes_are_those_of_the_document(images):
    found = build_model(**SMALL).double()(images)
    assert found.logits.shape == (3, 5, 4)
    assert found.boxes.shape == (3, 5, 4)
    assert found.early_logits.shape == (3, 2, 5, 4)
    assert found.early_boxes.shape == (3, 2, 5, 4)
    assert ((found.boxes > 0) & (found.boxes < 1)).all()


@pytest.mark.parametrize("drop", [0.0, 0.3])
def test_the_network_is_that_of_the_equations_with_dropout_where_they_have_it(images, drop):
    model = shaken(build_model(**{**SMALL, "dropout": drop}).double())
    model.train(drop > 0)
    torch.manual_seed(1)
    found = model(images)
    torch.manual_seed(1)
    expected = layers(model, images, drop)
    for index, (logits, boxes) in enumerate(expected[:-1]):
        torch.testing.assert_close(found.early_logits[:, index], logits)
        torch.testing.assert_close(found.early_boxes[:, index], boxes)
    torch.testing.assert_close(found.logits, expected[-1][0])
    torch.testing.assert_close(found.boxes, expected[-1][1])


def test_a_network_of_one_decoder_layer_has_no_earlier_ones(images):
    model = shaken(build_model(**{**SMALL, "decoder_layers": 1, "encoder_layers": 0}).double())
    found = model(images)
    assert found.early_logits.shape == (3, 0, 5, 4)
    torch.testing.assert_close(found.logits, layers(model, images)[0][0])


@pytest.mark.parametrize("size", [(3, 5), (1, 1), (4, 2)])
def test_positions_are_those_of_each_place(size):
    given = sine_positions(torch.empty(2, 12, *size, dtype=torch.float64))
    torch.testing.assert_close(given, positions(*size, 12), rtol=0, atol=1e-12)


def test_positions_are_precise_before_they_are_rounded():
    given = sine_positions(torch.empty(1, 16, 9, 9, dtype=torch.bfloat16))
    assert given.dtype == torch.bfloat16
    assert torch.equal(given, sine_positions(torch.empty(1, 16, 9, 9)).bfloat16())


def test_queries_start_as_normal_numbers():
    queries = build_model(**{**SMALL, "num_queries": 400}).queries
    assert abs(queries.mean()) < 0.05
    assert 0.95 < queries.std() < 1.05


def test_the_parts_that_drop_are_told_how_much():
    model = build_model(**{**SMALL, "dropout": 0.25})
    assert {each.p for each in model.modules() if isinstance(each, nn.Dropout)} == {0.25}
    assert {each.dropout for each in model.modules() if isinstance(each, nn.MultiheadAttention)} == {0.25}
