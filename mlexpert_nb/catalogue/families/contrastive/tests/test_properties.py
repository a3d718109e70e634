"""Batch independence, gradients, determinism, saving and number types: what training code relies on."""

import torch
from references import SMALL, random_inputs, small_model

from model import ModelConfig, build_model, functional


def batch(seed=0, size=4):
    return functional.example_batch(ModelConfig(**SMALL), size, seed)


def outputs(model, inputs):
    return list(vars(model(**inputs)).values())


def test_an_example_is_embedded_alone():
    model, inputs, other = small_model(), random_inputs(4), random_inputs(4)
    mixed = {name: torch.cat([inputs[name][:1], other[name][1:]]) for name in inputs}
    for before, after in zip(outputs(model, inputs), outputs(model, mixed), strict=True):
        torch.testing.assert_close(after[0], before[0], rtol=0, atol=1e-12)
        assert (after[1:] - before[1:]).abs().max() > 1e-3
    assert functional.CLAIMS == ("batch_independent", "whole_batch")


def test_the_loss_compares_the_examples_of_a_batch():
    model, inputs = small_model(), random_inputs(4)
    alone = functional.loss(model, {name: each[:2] for name, each in inputs.items()}, {})
    assert (functional.loss(model, inputs, {}) - alone).abs() > 1e-3
    first = next(iter(inputs))
    swapped = {**inputs, first: inputs[first].roll(1, 0)}
    assert (functional.loss(model, swapped, {}) - functional.loss(model, inputs, {})).abs() > 1e-3


def test_an_example_batch_is_a_pure_function_of_its_seed():
    before = torch.get_rng_state()
    (inputs, _), (again, _), (other, _) = batch(1), batch(1), batch(2)
    assert torch.equal(torch.get_rng_state(), before)
    for name, each in inputs.items():
        assert torch.equal(each, again[name])
        assert not torch.equal(each, other[name])
        assert not torch.equal(each[0], each[1])


def test_every_parameter_gets_a_finite_gradient_that_is_not_zero():
    model, (inputs, targets) = build_model(**SMALL), batch()
    functional.loss(model, inputs, targets).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_one_batch_is_learned_by_heart():
    model = build_model(**{**SMALL, "temperature": 0.1})  # only objective=simclr
    model = build_model(**SMALL)  # only objective=clip
    fixed = batch()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    losses = []
    for _ in range(80):
        losses.append(functional.loss(model, *fixed))
        optimizer.zero_grad()
        losses[-1].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert losses[-1] < 0.2 * losses[0]


def test_the_same_seed_gives_the_same_network():
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(build_model(**SMALL).state_dict())
    same, again, other = (torch.cat([value.flatten() for value in state.values()]) for state in states)
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


def test_saved_weights_give_the_same_network(tmp_path):
    model, inputs = small_model(), random_inputs(2)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**SMALL).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert all(map(torch.equal, outputs(fresh, inputs), outputs(model, inputs)))


def test_a_forward_pass_changes_nothing_and_training_mode_is_no_other():
    model, inputs = small_model(), random_inputs(2)
    kept = {name: value.clone() for name, value in {**model.state_dict(), **inputs}.items()}
    first = outputs(model, inputs)
    assert all(map(torch.equal, first, outputs(model.train(), inputs)))
    assert all(torch.equal(value, kept[name]) for name, value in {**model.state_dict(), **inputs}.items())


def test_half_precision_gives_nearly_the_same_embeddings():
    model, inputs = small_model(), random_inputs(2)
    exact = outputs(model, inputs)
    halved = {name: each.bfloat16() if each.is_floating_point() else each for name, each in inputs.items()}
    for coarse, fine in zip(outputs(model.bfloat16(), halved), exact, strict=True):
        assert coarse.dtype == torch.bfloat16
        assert (coarse.double() - fine).abs().mean() < 0.1 * fine.abs().mean()
    assert functional.loss(model, halved, {}).isfinite()
