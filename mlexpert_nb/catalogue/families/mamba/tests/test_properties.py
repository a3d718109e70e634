"""Batches, gradients, determinism, saving and number types: what training code relies on."""

import torch
from references import SMALL, random_ids, small_model

from model import build_model, functional


def test_a_sequence_is_read_alone():
    model, ids = small_model(), random_ids(4)
    changed = ids.clone()
    changed[1:] = (changed[1:] + 1) % 17
    torch.testing.assert_close(model(changed)[0], model(ids)[0], rtol=0, atol=1e-12)
    assert (model(changed)[1:] - model(ids)[1:]).abs().amax((1, 2)).min() > 1e-3
    assert "batch_independent" in functional.CLAIMS


def test_the_loss_is_the_cross_entropy_averaged_over_the_labels_that_count():
    model, ids = small_model(), random_ids(2, 6)
    labels = random_ids(2, 6)
    labels[0, 1] = labels[1, 4] = -100
    chances = model(ids).softmax(-1)
    places = (labels != -100).nonzero().tolist()
    expected = -sum(chances[row, t, labels[row, t]].log() for row, t in places) / 10
    torch.testing.assert_close(functional.loss(model, ids, labels), expected)


def test_every_parameter_gets_a_finite_gradient_that_is_not_zero():
    model, ids = build_model(**SMALL), random_ids(3, 40)
    functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
    for parameter in model.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0


def test_gradients_are_those_of_small_differences():
    model, ids = small_model(), random_ids(2, 6)
    functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
    for parameter in model.parameters():
        direction = torch.randn_like(parameter)
        losses = []
        for size in (1e-6, -2e-6):
            parameter.data += size * direction
            losses.append(functional.loss(model, ids[:, :-1], ids[:, 1:]).item())
        parameter.data += 1e-6 * direction
        slope = (parameter.grad * direction).sum().item()
        assert abs((losses[0] - losses[1]) / 2e-6 - slope) < 1e-6 * (1 + abs(slope))


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
    model, ids = small_model(), random_ids(2)
    kept, before = ids.clone(), {name: value.clone() for name, value in model.state_dict().items()}
    first = model(ids)
    assert torch.equal(model.train()(ids), first)
    assert torch.equal(ids, kept)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_half_precision_gives_nearly_the_same_logits_and_keeps_the_state_in_single():
    model, ids = small_model(), random_ids(2)
    exact = model(ids)
    coarse, state = model.bfloat16().stream(ids)
    assert coarse.dtype == state[0].inputs_BKE.dtype == torch.bfloat16
    assert state[0].h_BEN.dtype == torch.float32
    assert (coarse.double() - exact).abs().mean() < 0.1 * exact.abs().mean()


def test_in_double_precision_the_state_is_double_too():
    _, state = small_model().stream(random_ids(1))
    assert state[1].h_BEN.dtype == torch.float64
