"""The selective scan against the recurrence, one token at a time: values, states and gradients."""

import pytest
import torch
from references import recurrence, scan_inputs

from model import scan, selective_scan


def close(left, right, atol=1e-11):
    torch.testing.assert_close(left, right, rtol=0, atol=atol)


@pytest.mark.parametrize("length", [1, 2, scan.CHUNK, scan.CHUNK + 1, 2 * scan.CHUNK + 5])
def test_the_scan_is_the_recurrence(length):
    inputs = scan_inputs(length=length)
    for found, expected in zip(selective_scan(*inputs), recurrence(*inputs), strict=True):
        assert found.shape == expected.shape
        close(found, expected)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50])
def test_gradients_are_those_of_the_recurrence(chunk, monkeypatch):
    monkeypatch.setattr(scan, "CHUNK", chunk)
    inputs = [each.requires_grad_() for each in scan_inputs()]
    weights = [torch.randn_like(each) for each in recurrence(*inputs)]
    found, expected = (
        torch.autograd.grad(sum((y * w).sum() for y, w in zip(run(*inputs), weights, strict=True)), inputs)
        for run in (selective_scan, recurrence)
    )
    for ours, theirs in zip(found, expected, strict=True):
        close(ours, theirs)


def test_a_part_of_the_gradients_may_be_asked_for():
    u, *rest = scan_inputs()
    u.requires_grad_()
    (found,) = torch.autograd.grad(selective_scan(u, *rest)[0].sum(), u)
    (expected,) = torch.autograd.grad(recurrence(u, *rest)[0].sum(), u)
    close(found, expected)


def test_the_state_carries_over():
    u, step, rate, write, read, state = scan_inputs(length=40)
    whole, last = selective_scan(u, step, rate, write, read, state)
    first, middle = selective_scan(u[:, :33], step[:, :33], rate, write[:, :33], read[:, :33], state)
    second, end = selective_scan(u[:, 33:], step[:, 33:], rate, write[:, 33:], read[:, 33:], middle)
    close(torch.cat([first, second], 1), whole)
    close(end, last)


def test_what_came_in_is_left_as_it_was():
    inputs = scan_inputs(length=40)
    kept = [each.clone() for each in inputs]
    held = [each.requires_grad_() for each in inputs]
    outputs = selective_scan(*held)
    (outputs[0].sum() + outputs[1].sum()).backward()
    assert all(torch.equal(left, right) for left, right in zip(inputs, kept, strict=True))


def test_states_between_chunks_are_all_that_is_kept_for_the_backward_pass():
    inputs = [each.requires_grad_() for each in scan_inputs(1, 8 * scan.CHUNK, 6, 5)]
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda each: sizes.append(each.numel()) or each, lambda each: each):
        selective_scan(*inputs)
    assert sum(sizes) == sum(each.numel() for each in inputs) + 7 * inputs[-1].numel()
    state = selective_scan(*inputs)[1]
    assert state.untyped_storage().nbytes() == state.numel() * state.element_size()


def test_long_steps_forget_and_short_ones_change_nothing():
    u, step, rate, write, read, state = scan_inputs(length=1)
    _, still = selective_scan(u, 0 * step, rate, write, read, state)
    assert torch.equal(still, state)
    _, gone = selective_scan(0 * u, 1e9 * step, rate, write, read, state)
    assert not gone.any()


def test_a_second_derivative_is_refused():
    inputs = [each.requires_grad_() for each in scan_inputs()]
    gradient = torch.autograd.grad((selective_scan(*inputs)[0] ** 2).sum(), inputs[0], create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
