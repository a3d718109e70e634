"""Batches, padding, causality, gradients, determinism, saving and number types: what training code relies on."""

import pytest
import torch
from references import SMALL, VARIANTS, random_pair, small_model

from model import ModelConfig, build_model, functional


def batch(seed=0, size=4, **changes):
    return functional.example_batch(ModelConfig(**{**SMALL, **changes}), size, seed)


@pytest.mark.parametrize("changes", VARIANTS)
def test_a_pair_is_read_alone(changes):
    model, (inputs, _) = small_model(**changes), batch(0)
    other, _ = batch(1)
    changed = {name: torch.cat([inputs[name][:1], other[name][1:]]) for name in inputs}
    torch.testing.assert_close(model(**changed)[0], model(**inputs)[0], rtol=0, atol=1e-12)
    assert (model(**changed)[1:] - model(**inputs)[1:]).abs().amax((1, 2)).min() > 1e-3
    assert "batch_independent" in functional.CLAIMS


@pytest.mark.parametrize("changes", VARIANTS)
def test_earlier_places_do_not_depend_on_later_target_tokens(changes):
    model, (source, target) = small_model(**changes), random_pair(1)
    for t in range(6):
        changed = target.clone()
        changed[:, t:] = (changed[:, t:] + 1) % 17
        moved = (model(source, changed) - model(source, target)).abs().amax(-1)[0]
        assert not moved[:t].any()
        assert moved[t] > 1e-6
    assert "causal:decoder_input_ids_BT" in functional.CLAIMS


@pytest.mark.parametrize("changes", VARIANTS)
def test_what_stands_in_the_padding_does_not_matter(changes):
    model, (inputs, _) = small_model(**changes), batch()
    source, mask = inputs["input_ids_BS"], inputs["attention_mask_BS"]
    padded = torch.where(mask, source, (source + 3) % 17)
    assert not torch.equal(padded, source)
    torch.testing.assert_close(model(**{**inputs, "input_ids_BS": padded}), model(**inputs), rtol=0, atol=1e-12)
    read = torch.where(mask, (source + 3) % 17, source)
    assert (model(**{**inputs, "input_ids_BS": read}) - model(**inputs)).abs().amax((1, 2)).min() > 1e-4
    assert "padding_invariant:input_ids_BS:attention_mask_BS" in functional.CLAIMS


def test_an_example_batch_is_a_pure_function_of_its_seed():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    (inputs, targets), (again, same), (other, _) = batch(1), batch(1), batch(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert list(inputs) == ["input_ids_BS", "decoder_input_ids_BT", "attention_mask_BS"]
    assert all(torch.equal(inputs[name], again[name]) for name in inputs)
    assert torch.equal(targets["labels_BT"], same["labels_BT"])
    assert not torch.equal(inputs["input_ids_BS"], other["input_ids_BS"])
    assert not torch.equal(inputs["input_ids_BS"][0], inputs["input_ids_BS"][1])


def test_an_example_has_padding_and_the_decoder_reads_the_target_one_token_later():
    inputs, targets = batch(size=200)
    lengths = inputs["attention_mask_BS"].sum(1)
    assert inputs["input_ids_BS"].shape == (200, 12)
    assert inputs["decoder_input_ids_BT"].shape == targets["labels_BT"].shape == (200, 9)
    assert torch.equal(inputs["decoder_input_ids_BT"][:, 1:], targets["labels_BT"][:, :-1])
    assert (lengths.min(), lengths.max()) == (6, 11)
    assert torch.equal(inputs["attention_mask_BS"], torch.arange(12) < lengths[:, None])
    assert inputs["input_ids_BS"].unique().tolist() == list(range(17))
    assert targets["labels_BT"].unique().tolist() == list(range(17))


def test_the_loss_is_the_cross_entropy_averaged_over_the_labels_that_count():
    model, (inputs, targets) = small_model(), batch()
    labels = targets["labels_BT"].clone()
    labels[0, 2:] = -100
    chances = model(**inputs).softmax(-1)
    places = (labels != -100).nonzero().tolist()
    expected = -sum(chances[row, t, labels[row, t]].log() for row, t in places) / 29
    torch.testing.assert_close(functional.loss(model, inputs, {"labels_BT": labels}), expected)


@pytest.mark.parametrize("changes", VARIANTS)
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(changes):
    model, (inputs, targets) = build_model(**{**SMALL, **changes}), batch()
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
    model, pair = small_model(), random_pair(2)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**SMALL).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(*pair), model(*pair))


def test_a_forward_pass_changes_nothing():
    model, (inputs, _) = small_model(dropout=0.2), batch()
    kept = {name: value.clone() for name, value in inputs.items()}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(**inputs)
    assert all(torch.equal(inputs[name], value) for name, value in kept.items())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_half_precision_gives_nearly_the_same_logits():
    model, pair = small_model(), random_pair(2)
    exact = model(*pair)
    coarse = model.bfloat16()(*pair)
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), exact, rtol=0.2, atol=0.5)
