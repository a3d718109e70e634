"""CLIP against its equations: embeddings of images and texts, and the loss that compares them."""

import math

import pytest
import torch
from references import SMALL, image_vector, random_images, random_inputs, random_texts, small_model, text_vector

from model import CLIP, CLIPOutput, ModelConfig, build_model, clip_loss, functional


def written_loss(images, texts, scale):
    """Figure 3 in loops: the chance of its own text among all, and of its own image among all."""
    total = 0.0
    for i in range(len(images)):
        by_text = [(scale * (images[i] * text).sum()).exp() for text in texts]
        by_image = [(scale * (image * texts[i]).sum()).exp() for image in images]
        total = total - (by_text[i] / sum(by_text)).log() / 2 - (by_image[i] / sum(by_image)).log() / 2
    return total / len(images)


def unit(x):
    return x / x.square().sum().sqrt()


def test_the_embeddings_are_those_of_the_equations():
    model, inputs = small_model(), random_inputs(4)
    output = model(**inputs)
    for row in range(4):
        image = image_vector(inputs["images_BCHW"][row], model.image_tower, model.config)
        text = text_vector(inputs["input_ids_BT"][row], model.text_tower, model.config)
        ours = (output.image_embeddings[row], output.text_embeddings[row])
        torch.testing.assert_close(ours[0], unit(model.image_projection.weight @ image), rtol=0, atol=1e-11)
        torch.testing.assert_close(ours[1], unit(model.text_projection.weight @ text), rtol=0, atol=1e-11)
    assert output.image_embeddings.shape == output.text_embeddings.shape == (4, 5)
    assert torch.equal(model.embed_images(inputs["images_BCHW"]), output.image_embeddings)
    assert torch.equal(model.embed_texts(inputs["input_ids_BT"]), output.text_embeddings)


def test_embeddings_have_length_one():
    for embeddings in vars(small_model()(**random_inputs(2))).values():
        torch.testing.assert_close(embeddings.square().sum(1), torch.ones(2, dtype=torch.float64))


def test_gradients_reach_images_and_tokens():
    model, inputs = small_model(), random_inputs(3)
    images = inputs["images_BCHW"].requires_grad_()
    functional.loss(model, inputs, {}).backward()
    assert (images.grad.flatten(1).abs().amax(1) > 1e-6).all()
    read = {token for row in inputs["input_ids_BT"].tolist() for token in row[: row.index(10) + 1]}
    moved = model.text_tower.token_embedding.weight.grad.abs().amax(1) > 0
    assert set(moved.nonzero().flatten().tolist()) == read


@pytest.mark.parametrize("changes", [{}, {"text_num_heads": 1}, {"text_num_layers": 1}])
def test_the_vector_of_a_text_is_that_of_the_equations(changes):
    model, texts = small_model(**changes), random_texts(4)
    expected = torch.stack([text_vector(text, model.text_tower, model.config) for text in texts])
    torch.testing.assert_close(model.text_tower(texts), expected, rtol=0, atol=1e-11)


def test_gradients_of_the_text_tower_are_those_of_the_equations():
    model, texts = small_model(), random_texts(3)
    weights = torch.randn(3, 8, dtype=torch.float64)
    parameters = dict(model.text_tower.named_parameters())
    ours = torch.autograd.grad((model.text_tower(texts) * weights).sum(), list(parameters.values()))
    written = torch.stack([text_vector(text, model.text_tower, model.config) for text in texts])
    theirs = torch.autograd.grad((written * weights).sum(), list(parameters.values()))
    for name, mine, expected in zip(parameters, ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-10, msg=name)


def test_a_text_speaks_at_its_first_end_and_else_at_its_last_token():
    tower = small_model().text_tower
    texts = torch.tensor([[1, 10, 10, 0], [10, 1, 2, 3], [1, 2, 3, 10], [1, 2, 3, 4], [10, 10, 10, 10]])
    assert tower.ends(texts).tolist() == [1, 0, 3, 3, 0]


def test_what_follows_the_end_of_a_text_is_not_read_and_what_comes_before_is():
    tower = small_model().text_tower
    text = torch.tensor([[3, 1, 4, 10, 0, 0, 0]])
    other = torch.tensor([[3, 1, 4, 10, 9, 10, 2]])
    torch.testing.assert_close(tower(other), tower(text), rtol=0, atol=1e-12)
    torch.testing.assert_close(tower(text[:, :4]), tower(text), rtol=0, atol=1e-12)
    for place in range(3):
        changed = text.clone()
        changed[0, place] = 7
        assert (tower(changed) - tower(text)).abs().max() > 1e-3


def test_the_order_of_words_matters():
    tower = small_model().text_tower
    assert (tower(torch.tensor([[1, 2, 10]])) - tower(torch.tensor([[2, 1, 10]]))).abs().max() > 1e-3


def test_a_text_that_is_too_long_is_refused():
    tower = small_model().text_tower
    assert tower(torch.ones(1, 7, dtype=torch.long)).shape == (1, 8)
    with pytest.raises(ValueError, match="8 tokens are too many; cut to context_length=7"):
        tower(torch.ones(1, 8, dtype=torch.long))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_loss_is_the_symmetric_cross_entropy(count):
    images, texts = torch.randn(2, count, 4, dtype=torch.float64)
    scale = torch.tensor(1.7, dtype=torch.float64)
    torch.testing.assert_close(clip_loss(images, texts, scale), written_loss(images, texts, scale), rtol=0, atol=1e-11)


def test_the_gradients_of_the_loss_are_those_of_the_formula():
    images, texts = (torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    scale = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    ours = torch.autograd.grad(clip_loss(images, texts, scale), [images, texts, scale])
    theirs = torch.autograd.grad(written_loss(images, texts, scale), [images, texts, scale])
    for mine, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-11)


def test_the_scale_starts_at_one_over_the_temperature_and_never_exceeds_a_hundred():
    model = build_model(**SMALL)
    assert model.scale().item() == pytest.approx(5.0)
    assert build_model(**{**SMALL, "initial_temperature": 0.07}).logit_scale.item() == pytest.approx(math.log(1 / 0.07))
    for exponent, scale in ((4.6, math.exp(4.6)), (4.7, 100.0), (9.0, 100.0)):
        torch.nn.init.constant_(model.logit_scale, exponent)
        assert model.scale().item() == pytest.approx(scale)


def test_the_loss_of_the_network_is_that_of_its_embeddings_at_its_scale():
    model, inputs = small_model(), random_inputs(4)
    output = model(**inputs)
    assert isinstance(output, CLIPOutput)
    expected = written_loss(output.image_embeddings, output.text_embeddings, model.logit_scale.exp())
    torch.testing.assert_close(functional.loss(model, inputs, {}), expected, rtol=0, atol=1e-11)


def test_projections_and_tokens_start_as_in_the_authors_code():
    changes = {"hidden_size": 96, "text_hidden_size": 64, "projection_dim": 80, "vocab_size": 99, "context_length": 50}
    model = build_model(**{**SMALL, **changes})
    expected = {
        model.image_projection.weight: 96**-0.5,
        model.text_projection.weight: 64**-0.5,
        model.text_tower.token_embedding.weight: 0.02,
        model.text_tower.position_embedding: 0.01,
        model.text_tower.layers[0].attention.query_key_value.weight: 64**-0.5,
        model.text_tower.layers[0].attention.out.weight: (64 * 6) ** -0.5,
    }
    for parameter, std in expected.items():
        assert parameter.std().item() == pytest.approx(std, rel=0.06)


def test_the_texts_of_example_batches_end_at_many_places_and_are_padded_from_there():
    config = ModelConfig(**{**SMALL, "context_length": 30})
    inputs, targets = functional.example_batch(config, 200, 0)
    ids = inputs["input_ids_BT"]
    assert inputs["images_BCHW"].shape == (200, 2, 6, 6)
    assert ids.shape == (200, 16)
    assert targets == {}
    ends = [row.tolist().index(10) for row in ids]
    assert sorted(set(ends)) == list(range(8, 16))
    assert all(not ids[row, end + 1 :].any() for row, end in enumerate(ends))
    assert torch.cat([ids[row, :end] for row, end in enumerate(ends)]).unique().tolist() == list(range(10))
    assert functional.example_batch(ModelConfig(**SMALL), 4, 0)[0]["input_ids_BT"].shape == (4, 7)


def test_the_default_is_clip():
    assert isinstance(build_model(**SMALL), CLIP)
    assert ModelConfig().objective == "clip"
    assert ModelConfig().eos_token_id == ModelConfig().vocab_size - 1


def test_images_do_not_touch_texts_and_texts_do_not_touch_images():
    model, inputs = small_model(), random_inputs(2)
    output = model(**inputs)
    moved = model(3 * random_images(2), inputs["input_ids_BT"])
    assert torch.equal(moved.text_embeddings, output.text_embeddings)
    assert not torch.equal(moved.image_embeddings, output.image_embeddings)
