"""What a token may see: only its past, only its own row, and as far back as window and memory reach."""

import pytest
import torch
from references import SMALL, changed_from, random_ids, small_model

from model import functional

VARIANTS = [
    {},
    {"core": "swa"},
    {"mem_depth": 2},
    {"gate": "product"},
    {"n_persist": 0, "conv_kernel": 1},
    {"mem_exact": False, "window": 5, "mem_chunk": 3},
]


def names(changes):
    return "-".join(f"{key}={value}" for key, value in changes.items()) or "default"


@pytest.mark.parametrize("n_sup", [1, 2, 3])
@pytest.mark.parametrize("changes", VARIANTS, ids=names)
@torch.no_grad()
def test_a_token_cannot_see_later_tokens(changes, n_sup):
    model, ids = small_model(**changes), random_ids(1, 14)[0]
    base = functional.logits(model, ids[None], n_sup=n_sup)
    changed = functional.logits(model, torch.stack([changed_from(ids, t) for t in range(14)]), n_sup=n_sup)
    moved = (changed - base).abs().amax(-1)
    for t in range(14):
        assert moved[t, :t].sum() <= 1e-8, f"tokens before {t} moved"
        assert moved[t, t] > 1e-5, f"token {t} does not see itself"


@pytest.mark.parametrize("changes", VARIANTS, ids=names)
@torch.no_grad()
def test_rows_of_a_batch_do_not_see_each_other(changes):
    model, ids = small_model(**changes), random_ids(3, 11)
    alone = [functional.logits(model, row[None]) for row in ids]
    torch.testing.assert_close(functional.logits(model, ids), torch.cat(alone))


@pytest.mark.parametrize("changes", [{}, {"core": "swa", "mem_depth": 2}], ids=names)
@torch.no_grad()
def test_a_forward_pass_leaves_no_trace_in_the_network(changes):
    model, ids = small_model(**changes), random_ids(2, 9)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    first = functional.logits(model, ids)
    functional.logits(model, random_ids(2, 9))
    assert torch.equal(functional.logits(model, ids), first)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@torch.no_grad()
def test_the_training_flag_changes_nothing_without_dropout():
    model, ids = small_model(), random_ids(2, 9)
    torch.testing.assert_close(functional.logits(model.train(), ids), functional.logits(model.eval(), ids))


def reach(model, tokens, n_sup):
    """How many positions, the first included, notice a change of the first token."""
    ids = random_ids(1, tokens)[0]
    other = torch.cat([(ids[:1] + 1) % SMALL["vocab_size"], ids[1:]])
    base, changed = functional.logits(model, torch.stack([ids, other]), n_sup=n_sup)
    return int((changed - base).abs().amax(-1).gt(1e-8).nonzero().max()) + 1


@pytest.mark.parametrize(("n_layers", "window"), [(1, 4), (2, 3), (3, 2), (2, 1)])
@torch.no_grad()
def test_with_a_closed_memory_the_reach_is_that_of_the_windows(n_layers, window):
    model = small_model(n_layers=n_layers, window=window)
    functional.set_gate(model, 1.0)
    assert reach(model, 16, 3) == n_layers * (window - 1) + 1


@torch.no_grad()
def test_an_attending_core_adds_its_own_windows_at_every_call():
    model = small_model(n_layers=1, window=2, core="swa", core_layers=2, core_window=2, n_latent=1, n_cycles=1)
    functional.set_gate(model, 1.0)
    calls = 2  # one latent update and one answer update
    assert reach(model, 12, 1) == 1 + 1 + calls * 2 * 1


@pytest.mark.parametrize("changes", [{}, {"mem_depth": 2}, {"gate": "product"}], ids=names)
@torch.no_grad()
def test_with_an_open_memory_the_first_token_reaches_the_last(changes):
    model = small_model(n_layers=1, window=2, **changes)
    assert reach(model, 24, 1) == 24


@torch.no_grad()
def test_with_closed_attention_the_memory_alone_reaches_the_last_token():
    model = small_model(n_layers=1, window=1, conv_kernel=1)
    functional.set_gate(model, 0.0)
    assert reach(model, 24, 1) == 24
