"""Batches, padding, gradients, determinism, saving and number types: what training code relies on."""

import torch
from references import SMALL, random_ids, small_model

from model import ModelConfig, build_model, functional


def batch(seed=0, size=4, **changes):
    return functional.example_batch(ModelConfig(**{**SMALL, **changes}), size, seed)


def test_a_sequence_is_read_alone():
    model, ids = small_model(), random_ids(4)
    changed = ids.clone()
    changed[1:] = (changed[1:] + 1) % 19
    mask = torch.ones(4, 7).bool()
    mask[1:, 5:] = False
    torch.testing.assert_close(model(changed, mask)[0], model(ids)[0], rtol=0, atol=1e-12)
    assert (model(changed)[1:] - model(ids)[1:]).abs().amax((1, 2)).min() > 1e-3
    assert "batch_independent" in functional.CLAIMS


def test_what_stands_in_the_padding_does_not_matter():
    model, (inputs, _) = small_model(), batch()
    mask = inputs["attention_mask_BT"]
    changed = torch.where(mask, inputs["input_ids_BT"], (inputs["input_ids_BT"] + 5) % 19)
    assert not torch.equal(changed, inputs["input_ids_BT"])
    before, after = model(**inputs), model(**{**inputs, "input_ids_BT": changed})
    torch.testing.assert_close(after[mask], before[mask], rtol=0, atol=1e-12)
    assert "padding_invariant:input_ids_BT:attention_mask_BT" in functional.CLAIMS


def test_padding_may_as_well_be_cut_off():
    model, ids = small_model(), random_ids(2)
    mask = torch.arange(7).expand(2, 7) < 4
    torch.testing.assert_close(model(ids, mask)[:, :4], model(ids[:, :4]), rtol=0, atol=1e-12)


def test_an_example_batch_is_a_pure_function_of_its_seed():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    (inputs, targets), (again, same), (other, _) = batch(1), batch(1), batch(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert list(inputs) == ["input_ids_BT", "attention_mask_BT", "token_type_ids_BT"]
    assert all(torch.equal(inputs[name], again[name]) for name in inputs)
    assert torch.equal(targets["labels_BT"], same["labels_BT"])
    assert not torch.equal(inputs["input_ids_BT"], other["input_ids_BT"])
    assert not torch.equal(inputs["input_ids_BT"][0], inputs["input_ids_BT"][1])


def test_an_example_has_words_padding_masked_tokens_and_two_segments():
    inputs, targets = batch(size=200, max_position_embeddings=40)
    mask, types = inputs["attention_mask_BT"], inputs["token_type_ids_BT"]
    lengths = mask.sum(1)
    assert mask.shape == types.shape == targets["labels_BT"].shape == inputs["input_ids_BT"].shape == (200, 24)
    assert (lengths.min(), lengths.max()) == (12, 23)
    assert torch.equal(mask, torch.arange(24) < lengths[:, None])
    assert torch.equal(types.bool(), torch.arange(24) >= lengths[:, None] // 2)
    chosen = targets["labels_BT"] != -100
    assert chosen.any(1).all()
    assert not (chosen & ~mask).any()
    assert (inputs["input_ids_BT"][chosen] == 1).double().mean() > 0.7
    assert inputs["input_ids_BT"].unique().tolist() == list(range(19))


def test_an_example_fits_the_positions_and_the_segments_that_there_are():
    inputs, _ = batch(max_position_embeddings=2, type_vocab_size=1)
    assert inputs["input_ids_BT"].shape == (4, 2)
    assert inputs["token_type_ids_BT"].max() == 0
    assert (inputs["attention_mask_BT"].sum(1) == 1).all()


def test_the_loss_is_the_cross_entropy_averaged_over_the_masked_tokens():
    model, (inputs, targets) = small_model(), batch()
    chances = model(**inputs).softmax(-1)
    labels = targets["labels_BT"]
    found = [-chances[row, place, labels[row, place]].log() for row, place in (labels != -100).nonzero().tolist()]
    assert len(found) >= 4
    torch.testing.assert_close(functional.loss(model, inputs, targets), sum(found) / len(found))


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
    model, ids = small_model(), random_ids(2)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**SMALL).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(ids), model(ids))


def test_a_forward_pass_changes_nothing():
    model, ids = small_model(dropout=0.2), random_ids(2)
    kept, before = ids.clone(), {name: value.clone() for name, value in model.state_dict().items()}
    model(ids)
    assert torch.equal(ids, kept)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_half_precision_gives_nearly_the_same_logits():
    model, ids = small_model(), random_ids(2)
    exact = model(ids)
    coarse = model.bfloat16()(ids)
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), exact, rtol=0.1, atol=0.3)
