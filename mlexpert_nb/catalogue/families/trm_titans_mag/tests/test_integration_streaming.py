"""Streaming equals the full forward pass, for every split, and its state stays small and untouched."""

import copy

import pytest
import torch
from references import SMALL, random_ids, small_model

from model import ModelConfig, functional, state_bytes

SPLITS = [(1,) * 13, (13,), (5, 8), (1, 3, 9), (4, 4, 5), (7, 1, 1, 4), (12, 1)]
VARIANTS = {
    "default": {},
    "attending core": {"core": "swa"},
    "memory of depth 2": {"mem_depth": 2},
    "frozen gradients": {"mem_exact": False, "mem_chunk": 3},
    "product gate": {"gate": "product"},
    "no persistent slots": {"n_persist": 0},
    "no convolution": {"conv_kernel": 1},
    "window of one": {"window": 1, "core": "swa", "core_window": 1},
    "long window": {"window": 64, "core": "swa", "core_window": 64},
}


def stream_in_pieces(model, ids, split):
    state, pieces = None, []
    for piece in ids.split(list(split), 1):
        logits, state = functional.stream(model, piece, state)
        pieces.append(logits)
    return torch.cat(pieces, 1), state


def tensors(state):
    """Collect every tensor of a nested state."""
    if isinstance(state, torch.Tensor):
        return [state]
    return [t for item in state for t in tensors(item)] if isinstance(state, tuple) else []


@pytest.mark.parametrize("split", SPLITS)
@torch.no_grad()
def test_every_split_equals_the_full_pass(split):
    model, ids = small_model(), random_ids(2, 13)
    streamed, _ = stream_in_pieces(model, ids, split)
    torch.testing.assert_close(streamed, functional.logits(model, ids), rtol=0, atol=1e-7)


@pytest.mark.parametrize("split", [(1,) * 13, (3, 6, 4)])
@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_every_variant_streams_exactly(name, split):
    model, ids = small_model(**VARIANTS[name]), random_ids(2, 13)
    streamed, _ = stream_in_pieces(model, ids, split)
    torch.testing.assert_close(streamed, functional.logits(model, ids), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["default", "attending core", "memory of depth 2"])
@torch.no_grad()
def test_the_given_state_is_not_changed_by_its_use(name):
    model, ids = small_model(**VARIANTS[name]), random_ids(2, 13)
    _, state = functional.stream(model, ids[:, :6])
    kept = copy.deepcopy(tensors(state))
    first, _ = functional.stream(model, ids[:, 6:], state)
    second, _ = functional.stream(model, ids[:, 6:], state)
    assert torch.equal(first, second)
    assert len(kept) > 4
    assert all(torch.equal(a, b) for a, b in zip(kept, tensors(state), strict=True))


@torch.no_grad()
def test_a_state_is_needed_to_continue():
    model, ids = small_model(), random_ids(2, 13)
    _, state = functional.stream(model, ids[:, :6])
    fresh, _ = functional.stream(model, ids[:, 6:])
    assert (functional.stream(model, ids[:, 6:], state)[0] - fresh).abs().max() > 1e-3


@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_the_state_does_not_grow_with_the_text_and_has_the_counted_size(name):
    changes = {**VARIANTS[name], "window": 4, "core_window": 3}
    model, ids = small_model(**changes), random_ids(1, 40)
    states = [stream_in_pieces(model, ids[:, :end], split)[1] for end, split in ((12, (12,)), (40, (17, 23)))]
    sizes = [sum(t.numel() for t in tensors(state)) for state in states]
    assert sizes[0] == sizes[1]
    assert 4 * sizes[0] == state_bytes(ModelConfig(**{**SMALL, **changes}))


@torch.no_grad()
def test_two_texts_can_continue_from_one_state():
    model, ids = small_model(), random_ids(1, 10)
    _, state = functional.stream(model, ids[:, :6])
    tails = random_ids(2, 4)
    for tail in tails:
        continued, _ = functional.stream(model, tail[None], state)
        whole = functional.logits(model, torch.cat([ids[:, :6], tail[None]], 1))
        torch.testing.assert_close(continued, whole[:, 6:], rtol=0, atol=1e-7)


def test_a_piece_without_tokens_is_refused():
    model, ids = small_model(), random_ids(1, 8)
    _, state = functional.stream(model, ids)
    for given in (None, state):
        with pytest.raises(ValueError, match="no tokens"):
            functional.stream(model, ids[:, :0], given)


def test_the_state_carries_no_gradient_history():
    model, ids = small_model(), random_ids(1, 8)
    _, state = functional.stream(model, ids)
    assert all(not t.requires_grad for t in tensors(state))
