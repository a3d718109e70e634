"""The closed form of the parameter count equals what is built; weights are shared where they should be."""

import re

import pytest
import torch
from references import SMALL, random_ids, small_model

from model import ModelConfig, functional, parameter_table

CHANGES = [
    {},
    {"tie": False},
    {"core": "swa"},
    {"core_layers": 3, "core_d_ff": 7},
    {"mem_depth": 2},
    {"gate": "product"},
    {"mem_head_dim": 8},
    {"mem_heads": 3, "mem_head_dim": 5},
    {"n_persist": 0},
    {"conv_kernel": 1},
    {"mem_depth": 2, "mem_expand": 3},
    {"n_kv_heads": 4},
    {"n_kv_heads": 1, "n_layers": 3},
    {"vocab_size": 101, "d_ff": 33},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_the_closed_form_equals_the_built_network(changes):
    config = {**SMALL, **changes}
    with torch.device("meta"):
        model = functional.build(**config)
    assert functional.count_parameters(config) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_the_table_of_parts_adds_up_and_matches_the_modules(changes):
    config = ModelConfig(**{**SMALL, **changes})
    with torch.device("meta"):
        model = functional.build(**{**SMALL, **changes})
    table = dict(parameter_table(config))
    assert sum(table.values()) == functional.count_parameters(config)
    for part, counted in table.items():
        pattern = re.compile(part.replace(".", r"\.").replace("*", r"\w+") + r"\b")
        assert counted == sum(p.numel() for name, p in model.named_parameters() if pattern.match(name)), part


def test_a_tied_head_reads_with_the_embedding_and_an_untied_one_does_not():
    ids = random_ids(1, 6)
    touched = {}
    for tie in (True, False):
        model = small_model(tie=tie)
        before = functional.logits(model, ids)
        unused = next(t for t in range(13) if t not in ids)
        with torch.no_grad():
            embedding = next(p for p in model.parameters() if p.shape == (13, 16))
            embedding[unused] += 1
        touched[tie] = (functional.logits(model, ids) - before).abs().amax((0, 1)).nonzero().flatten().tolist()
        assert touched[tie] == ([unused] if tie else [])


def test_every_parameter_learns_from_the_loss():
    model, ids = small_model(), random_ids(2, 14)
    functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


def test_the_start_of_answer_and_latent_are_saved_but_not_learned():
    model = small_model()
    names = {name for name, _ in model.named_parameters()}
    fixed = [value for name, value in model.state_dict().items() if name not in names]
    assert len(fixed) >= 2
    assert all(value.shape[-1] == 16 and value.abs().sum() > 0 for value in fixed)
