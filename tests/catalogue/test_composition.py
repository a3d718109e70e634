"""Options of the decoder combine: every combination is built and counted, or refused with the keys that exclude it."""

import itertools
import re

import pytest
import torch

from mlexpert_nb.catalogue import ENTRIES, find
from mlexpert_nb.catalogue.families.decoder.model import functional
from mlexpert_nb.catalogue.families.decoder.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.decoder.model.decoder import build_model
from mlexpert_nb.catalogue.writing import chosen
from mlexpert_nb.errors import UsageError

SMALL = {"vocab_size": 11, "hidden_size": 16, "num_layers": 2, "num_heads": 4, "intermediate_size": 12}
RECURSION = {"recursion": "trm", "num_latent": 1, "num_cycles": 2}
AXES = {
    "attention": {"full": {}, "sliding": {"window": 3}, "linear": {}},
    "num_kv_heads": {2: {}, 4: {}},
    "position": {"rope": {}, "alibi": {}, "learned": {"max_length": 24}, "none": {}},
    "norm": {"rmsnorm": {}, "layernorm": {}},
    "ffn": {"swiglu": {}, "gelu": {}, "moe": {"num_experts": 3, "top_k": 2}},
    "bias": {False: {}, True: {}},
    "memory_depth": {
        0: {},
        1: {"memory": "titans", "memory_chunk": 4},
        2: {"memory": "titans", "memory_chunk": 4},
    },
    "num_steps": {0: {}, 2: RECURSION, 3: {**RECURSION, "halting": "act"}},
}
EXCLUDE = (  # each pair of keys that does not go together, with the values of which that is true
    ("attention", {"linear"}, "position", {"rope", "alibi"}),
    ("attention", {"linear"}, "num_kv_heads", {2}),
    ("attention", {"linear"}, "bias", {True}),
    ("ffn", {"moe"}, "bias", {True}),
)


def combinations():
    """Give every combination of the options, with what each needs."""
    for values in itertools.product(*AXES.values()):
        keys = dict(zip(AXES, values, strict=True))
        needs = [AXES[key][value] for key, value in keys.items()]
        yield {**SMALL, **keys, **{key: value for need in needs for key, value in need.items()}}


def excluded(keys):
    """Give the pairs of keys that exclude each other."""
    return [(a, b) for a, of_a, b, of_b in EXCLUDE if keys[a] in of_a and keys[b] in of_b]


ALLOWED = [keys for keys in combinations() if not excluded(keys)]
REFUSED = [keys for keys in combinations() if excluded(keys)]


def some(number, **wanted):
    """Pick combinations that have some options, spread over all of them."""
    fitting = [keys for keys in ALLOWED if wanted.items() <= keys.items()]
    return fitting[:: len(fitting) // number][:number]


def moved(keys):
    """Build a network in float64, none of whose parameters is left at its start."""
    torch.manual_seed(0)
    model = build_model(**keys).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


HEAVY = [*some(7, num_steps=2), *some(7, num_steps=3), *some(2, num_steps=3, memory_depth=2, ffn="moe")]
SOME = [*some(23, num_steps=0), *some(5, num_steps=0, attention="linear"), *HEAVY]


def test_there_is_something_to_combine():
    assert len(ALLOWED) + len(REFUSED) == 2592
    assert len(ALLOWED) == 1548
    for axis, values in AXES.items():
        assert {keys[axis] for keys in SOME} == set(values)


def test_every_allowed_combination_is_built_with_the_parameters_that_the_formula_counts():
    for keys in ALLOWED:
        model, config = build_model(**keys), ModelConfig(**keys)
        count = sum(parameter.numel() for parameter in model.parameters())
        assert count_parameters(config) == count, keys
        assert sum(part for _, part in parameter_table(config)) == count, keys


def test_every_other_combination_is_refused_with_two_keys_that_exclude_each_other():
    for keys in REFUSED:
        with pytest.raises(ValueError, match=r"^\w+=") as refused:
            ModelConfig(**keys)
        said = str(refused.value)
        assert any(a in said and b in said for a, b in excluded(keys)), (keys, said)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"halting": "act"}, "halting='act' needs recursion='trm'"),
        ({**RECURSION, "num_steps": 1, "halting": "act"}, "num_steps=1 leaves nothing to decide with halting='act'"),
        ({"recursion": "trm"}, "recursion='trm' needs num_latent, num_cycles and num_steps"),
        ({"num_steps": 2}, "num_latent, num_cycles and num_steps need recursion='trm'"),
        ({"memory": "titans", "memory_depth": 1}, "memory_chunk=0 must be at least 1 with memory='titans'"),
        ({"memory": "titans", "memory_chunk": 4}, "memory_depth=0 must be 1 or 2 with memory='titans'"),
        ({"memory_depth": 1}, "memory_depth and memory_chunk need memory='titans'"),
        ({"window": 3}, "window=3 needs attention='sliding'"),
        ({"max_length": 3}, "max_length needs position='learned'"),
        ({"num_experts": 3}, "num_experts and top_k need ffn='moe'"),
    ],
)
def test_a_key_without_the_option_that_it_belongs_to_is_refused(keys, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, "num_kv_heads": 2, **keys})


@torch.no_grad()
def test_a_token_sees_neither_what_comes_after_it_nor_other_rows():
    for keys in SOME:
        model, ids = moved(keys), torch.randint(11, (2, 9))
        changed = ids.clone()
        changed[0, 5:] = (changed[0, 5:] + 1) % 11
        gap = (model(changed) - model(ids)).abs()
        assert max(gap[0, :5].max(), gap[1].max()) < 1e-9, keys
        assert gap[0, 5:].amax(-1).gt(1e-9).all(), keys


@torch.no_grad()
def test_a_stream_token_by_token_is_a_whole_pass():
    for keys in SOME:
        model, ids = moved(keys), torch.randint(11, (2, 7))
        state, found = None, []
        for token in ids.split(1, 1):
            logits, state = functional.stream(model, token, state)
            found.append(logits)
        assert (torch.cat(found, 1) - model(ids)).abs().max() < 1e-9, keys


def test_the_loss_reaches_every_parameter():
    for keys in SOME:
        model = moved(keys).train()
        waiting = dict(model.named_parameters())
        for _ in range(3):
            ids = torch.randint(11, (2, 25))
            if waiting:
                functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
            waiting = {name: p for name, p in waiting.items() if p.grad is None or p.grad.eq(0).all()}
        assert not waiting, keys


@pytest.mark.parametrize("keys", HEAVY[::7])
def test_one_batch_is_learned_by_heart(keys):
    torch.manual_seed(0)
    model, ids = build_model(**{**keys, "num_layers": 1}), torch.randint(11, (2, 9))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    errors = [error_of(model, ids)]
    while errors[-1] > 0.2 * errors[0] and len(errors) < 25:
        for _ in range(5):
            optimizer.zero_grad()
            functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        errors.append(error_of(model, ids))
    assert errors[-1] <= 0.2 * errors[0]


@torch.no_grad()
def error_of(model, ids):
    """Give the cross entropy of a batch."""
    return torch.nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).item()


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("a LLaMA decoder with Titans memory", "llama-decoder", {"memory": "titans"}),
        ("a GPT with a neural long-term memory, sliding window", "llama-decoder", {"memory": "titans"}),
        ("Mistral with TRM recursion", "sliding-window-decoder", {"recursion": "trm"}),
        ("a recursive LLaMA with 3 cycles", "llama-decoder", {"recursion": "trm", "num_cycles": 3}),
        ("recursive GPT with adaptive computation", "llama-decoder", {"recursion": "trm", "halting": "act"}),
        ("Mixtral with TRM recursion and ACT halting", "moe-decoder", {"recursion": "trm", "halting": "act"}),
        ("gated DeltaNet with Titans memory", "delta-rule-decoder", {"memory": "titans"}),
    ],
)
def test_options_are_read_from_the_text_and_the_size_is_met(text, name, options):
    match = find(text)
    assert match.entry is ENTRIES[name]
    assert options.items() <= match.options.items()
    for target in (1_000_000, 10_000_000):
        config = match.entry.solve(target, match.options)
        assert abs(match.entry.count_parameters(config) / target - 1) <= 0.02
        assert options.items() <= config.items()


def test_an_option_that_is_negated_is_not_read():
    assert find("a LLaMA decoder without Titans memory").options == {}


def test_the_two_together_are_the_network_that_bears_both_names():
    assert find("TRM × Titans-MAG, 25M parameters").entry is ENTRIES["trm-titans-mag"]
    both = find("a LLaMA-style TRM × Titans-MAG")
    assert set(both.candidates) == {"trm-titans-mag", "llama-decoder"}


def test_halting_without_recursion_is_refused_with_the_reason():
    match = find("a LLaMA decoder with ACT halting")
    with pytest.raises(UsageError, match="halting='act' needs recursion='trm'"):
        match.entry.solve(5_000_000, match.options)


@pytest.mark.parametrize("text", ["a bidirectional LLaMA encoder", "LLaMA, role: encoder", "a GPT as an encoder"])
def test_an_encoder_is_asked_back_about_with_the_reason(text):
    match = find(text)
    assert match.entry is None
    assert set(match.candidates) == {"bert", "llama-decoder"}
    assert "is causal, so that it can stream; the catalogue's encoder is bert" in match.reason


@pytest.mark.parametrize(
    ("options", "pages"),
    [
        ({}, set()),
        ({"memory": "titans"}, {"titans"}),
        ({"recursion": "trm"}, {"recursion"}),
        ({"recursion": "trm", "halting": "act"}, {"recursion", "halting"}),
        ({"memory": "titans", "recursion": "trm"}, {"titans", "recursion"}),
    ],
)
def test_what_was_not_chosen_is_not_delivered(options, pages):
    entry = ENTRIES["llama-decoder"]
    config = entry.solve(5_000_000, options)
    files = {**entry.skeleton(config), **entry.tests(config)}
    told, words = (
        "\n".join(files.values()),
        {"titans": "memory_depth", "recursion": "num_cycles", "halting": "HaltingHead"},
    )
    for page, word in words.items():
        assert (f"src/model/{page}.py" in files) is (word in told) is (page in pages), page
    assert not re.search(r"(#|<!--) only \w+=", told)
    for path, text in files.items():
        if path.endswith(".py"):
            compile(text, path, "exec")
            assert "\n\n\n\n" not in text, path


def test_a_mark_takes_a_line_with_what_is_indented_below_it():
    text = "a\nif x:  # only k=v\n    b\n\n    c\nd  # why  # only k=w\n\n\ndef e():  # only k=v\n    f\n\n\ng\n"
    assert chosen(text, {"k": "w"}) == "a\nd  # why\n\n\ng\n"
    assert chosen(text, {"k": "v"}) == "a\nif x:\n    b\n\n    c\n\n\ndef e():\n    f\n\n\ng\n"
    assert chosen("| x | <!-- only k=v -->\n", {"k": "v"}) == "| x |\n"
