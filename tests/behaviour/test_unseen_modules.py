"""`add_tests` on networks that it has not seen: planted defects are found, and sound networks have none.

The files `first_*` were written before the tool, `second_*` when it was finished. Before anything was changed for them
it found 5 of 5 and 4 of 5 defects with no false alarm in either; the fifth network of the second file was refused.
"""

import pytest
import torch

CLEAN = {
    "first_clean": ("CausalTCN", "SetTransformer", "GRUTagger", "SmallCNN", "MixtureDensity"),
    "second_clean": ("TinyGPT", "UNetMini", "TimeConditionedMLP", "AutoEncoder", "AttentionPooling"),
}
BROKEN = {
    "first_broken": (
        "CausalConvLM",
        "StandardisedMLP",
        "ListResNet",
        "FunctionalDropoutCNN",
        "MeanPooledEncoder",
    ),
    "second_broken": ("RunningGRU", "TwoTowerNet", "RandomProjection", "DecoderBlock", "InPlaceNormaliser"),
}


def pairs(table):
    return [(file, name) for file, names in table.items() for name in names]


def test_the_lists_name_every_network(networks):
    assert {file: tuple(networks(file)) for file in (*CLEAN, *BROKEN)} == {**CLEAN, **BROKEN}


@pytest.mark.parametrize(("file", "name"), pairs(CLEAN))
def test_a_sound_network_has_no_defect(seen, file, name):
    done = seen(file, name).done
    assert [f"{each.name}: {each.measured}" for each in done.defects] == []
    assert done.to_do == ""
    assert len(done.tests) >= 14


@pytest.mark.parametrize(("file", "name"), pairs(BROKEN))
def test_a_planted_defect_is_found_and_tested(seen, networks, file, name):
    planted, done = networks(file)[name][1], seen(file, name).done
    found = {each.name.partition(":")[0]: each for each in done.defects}
    assert planted in found
    assert found[planted].fix
    assert done.path.read_text() == done.text
    assert done.to_do == ""


@pytest.mark.parametrize(("file", "name"), pairs(CLEAN))
def test_examining_a_network_leaves_it_as_it_was(seen, file, name):
    known = seen(file, name)
    assert all(torch.equal(each, known.before[key]) for key, each in known.module.state_dict().items())
    assert known.module.training
    assert torch.equal(*known.random_state)
    assert all(parameter.grad is None for parameter in known.module.parameters())
