"""The whole network end to end: sizes, training steps, saving, low precision, generation."""

import copy
import io

import pytest
import torch
from references import SMALL, random_ids, small_model

from model import ModelConfig, build_model, functional, state_bytes

PRESET = {
    **SMALL,
    "vocab_size": 32000,
    "d_model": 384,
    "n_layers": 4,
    "n_heads": 6,
    "n_kv_heads": 2,
    "d_ff": 1152,
    "window": 256,
    "n_persist": 4,
    "mem_heads": 6,
    "mem_head_dim": 64,
    "mem_chunk": 64,
    "theta_max": 0.1,
    "core_d_ff": 1152,
    "core_window": 64,
}
MEMORIES = [{}, {"mem_depth": 2, "theta_max": 0.1}, {"mem_exact": False, "theta_max": 0.1}]


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({}, 24_929_609),
        ({"mem_depth": 2, "d_ff": 1120, "core_d_ff": 1120}, 25_003_337),
        ({"gate": "product", "d_ff": 1344, "core_d_ff": 1344}, 25_075_529),
        ({"core": "swa", "core_layers": 1, "d_ff": 1280, "core_d_ff": 1280}, 24_929_609),
    ],
    ids=str,
)
def test_the_25_million_networks_have_their_published_size(changes, parameters):
    with torch.device("meta"):
        model = build_model(**{**PRESET, **changes})
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert functional.count_parameters({**PRESET, **changes}) == parameters
    assert abs(parameters - 25e6) <= 0.02 * 25e6


@torch.no_grad()
def test_the_state_of_a_25_million_network_takes_less_than_two_megabytes_at_any_length():
    model = build_model(**{**PRESET, "vocab_size": 64, "d_ff": 32, "core_d_ff": 32, "n_sup": 1, "n_cycles": 1})
    _, state = functional.stream(model, random_ids(1, 300, 64))

    def size(part):
        if isinstance(part, torch.Tensor):
            return part.numel() * part.element_size()
        return sum(map(size, part)) if isinstance(part, tuple) else 0

    assert size(state) == state_bytes(ModelConfig(**PRESET)) == 1_886_208


def train(model, ids, labels, steps):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.1)
    losses = []
    for _ in range(steps):
        loss = functional.loss(model, ids, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    "changes",
    [{}, {"core": "swa"}, {"mem_depth": 2, "theta_max": 0.1}, {"halting": "ponder"}, {"halting": "graves"}],
    ids=str,
)
def test_a_few_training_steps_fit_one_small_batch(changes):
    ids = random_ids(2, 9)
    losses = train(functional.build(**{**SMALL, **changes}), ids[:, :-1], ids[:, 1:], 40)
    assert all(map(torch.isfinite, torch.tensor(losses)))
    assert losses[-1] < 0.3 * losses[0]


def test_one_training_step_changes_every_parameter_and_no_buffer():
    model, ids = small_model(), random_ids(2, 9)
    before = copy.deepcopy(model.state_dict())
    train(model, ids[:, :-1], ids[:, 1:], 1)
    parameters = {name for name, _ in model.named_parameters()}
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]) is (name not in parameters), name


@pytest.mark.parametrize("changes", [{}, {"core": "swa", "mem_depth": 2, "tie": False}], ids=str)
@torch.no_grad()
def test_a_saved_network_gives_the_same_logits_after_loading(changes):
    model, ids, file = small_model(**changes), random_ids(2, 9), io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    torch.manual_seed(99)
    loaded = functional.build(**{**SMALL, **changes}).double()
    assert not torch.equal(functional.logits(loaded, ids), functional.logits(model, ids))
    loaded.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(functional.logits(loaded, ids), functional.logits(model, ids))


@torch.no_grad()
def test_a_deep_copy_is_independent_of_the_original():
    model, ids = small_model(), random_ids(2, 9)
    copied = copy.deepcopy(model)
    before = functional.logits(copied, ids)
    for p in model.parameters():
        p.zero_()
    functional.set_gate(model, 0.0)
    assert torch.equal(functional.logits(copied, ids), before)


@pytest.mark.parametrize("changes", MEMORIES, ids=str)
def test_training_under_bfloat16_autocast_stays_finite_and_close(changes):
    model, ids = functional.build(**{**SMALL, **changes}), random_ids(2, 33)
    exact = functional.loss(model, ids[:, :-1], ids[:, 1:])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = functional.loss(model, ids[:, :-1], ids[:, 1:])
    loss.backward()
    torch.testing.assert_close(loss.float(), exact, rtol=0.05, atol=0.05)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("changes", MEMORIES, ids=str)
@torch.no_grad()
def test_the_memory_is_kept_in_float32_under_autocast(changes):
    model, ids = functional.build(**{**SMALL, **changes}), random_ids(1, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, state = functional.stream(model, ids)
    for block in state.backbone:
        assert all(w.dtype == torch.float32 for w in (*block.memory.memory.weights, *block.memory.memory.momenta))


@pytest.mark.parametrize("changes", [{}, {"core": "swa"}, {"mem_depth": 2}], ids=str)
@torch.no_grad()
def test_a_bfloat16_network_streams_and_stays_close_to_float32(changes):
    model, ids = functional.build(**{**SMALL, **changes}), random_ids(2, 20)
    exact = functional.logits(model, ids)
    low, _ = functional.stream(copy.deepcopy(model).bfloat16(), ids)
    assert low.dtype == torch.bfloat16
    assert (low.float() - exact).abs().mean() < 0.1 * exact.abs().mean()


@torch.no_grad()
def test_float32_streams_agree_with_the_full_pass_to_float32_accuracy():
    model, ids = small_model(noise=0.05).float(), random_ids(2, 40)
    first, state = functional.stream(model, ids[:, :23])
    second, _ = functional.stream(model, ids[:, 23:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), functional.logits(model, ids), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_generation_repeats_the_likeliest_token_of_a_full_pass():
    model, ids = small_model(), random_ids(2, 5)
    expected = ids
    for _ in range(6):
        likeliest = functional.logits(model, expected)[:, -1:].argmax(-1)
        expected = torch.cat([expected, likeliest], 1)
    assert torch.equal(model.generate(ids, 6), expected[:, 5:])
    assert expected[:, 5:].unique().numel() > 1


@torch.no_grad()
def test_only_the_last_logits_of_a_prompt_can_be_asked_for():
    model, ids = small_model(), random_ids(2, 7)
    every, _ = model.stream(ids)
    last, state = model.stream(ids, last_only=True)
    torch.testing.assert_close(last, every[:, -1:])
    nxt = random_ids(2, 1)
    torch.testing.assert_close(
        functional.stream(model, nxt, state)[0], functional.logits(model, torch.cat([ids, nxt], 1))[:, -1:]
    )


def test_the_model_is_called_like_any_module_and_knows_its_configuration():
    model, ids = small_model(), random_ids(2, 7)
    assert isinstance(model, torch.nn.Module)
    assert model.config == ModelConfig(**SMALL)
    assert model(ids).shape == (2, 7, 13)
    torch.testing.assert_close(model(ids), functional.logits(model, ids))
