"""Sizes: the preset is the one of the design, and any other target is hit within two per cent."""

import pytest

from mlexpert_nb.catalogue import ENTRIES
from mlexpert_nb.errors import UnknownNameError, UsageError

FLAGSHIP = ENTRIES["trm-titans-mag"]
WIDE = {"d_model": 512, "n_heads": 8, "n_kv_heads": 2, "mem_heads": 8}
PRESETS = {
    "the default": ({}, 1152, 24_929_609),
    "two-layer memory": ({"mem_depth": 2}, 1120, 25_003_337),
    "product gate": ({"gate": "product"}, 1344, 25_075_529),
    "attending core": ({"core": "swa", "core_layers": 1}, 1280, 24_929_609),
    "16k vocabulary": ({"vocab_size": 16384, "n_layers": 3, **WIDE}, 1376, 25_019_977),
    "GPT-2 vocabulary": (
        {"vocab_size": 50257, "d_model": 320, "n_layers": 4, "n_heads": 5, "n_kv_heads": 1, "mem_heads": 5},
        992,
        24_952_829,
    ),
    "bytes": ({"vocab_size": 256, "n_layers": 5, **WIDE}, 1376, 25_031_289),
}


@pytest.mark.parametrize("name", PRESETS)
def test_the_published_sizes_come_out(name):
    fixed, hidden, num_parameters = PRESETS[name]
    config = FLAGSHIP.solve(25_000_000, {**fixed, "d_ff": hidden, "core_d_ff": hidden})
    assert FLAGSHIP.count_parameters(config) == num_parameters


@pytest.mark.parametrize("name", PRESETS)
def test_the_solver_finds_the_published_hidden_size(name):
    fixed, hidden, num_parameters = PRESETS[name]
    config = FLAGSHIP.solve(25_000_000, fixed)
    assert (config["d_ff"], FLAGSHIP.count_parameters(config)) == (hidden, num_parameters)


def test_without_a_target_the_preset_is_given():
    config = FLAGSHIP.solve(None)
    assert config == FLAGSHIP.solve(25_000_000)
    assert FLAGSHIP.count_parameters(config) == FLAGSHIP.default_parameters == 24_929_609
    assert (config["d_model"], config["n_layers"], config["d_ff"], config["window"]) == (384, 4, 1152, 256)


@pytest.mark.parametrize(
    "target",
    [
        *(300_000, 777_777, 1_000_000, 3_000_000, 5_000_000, 10_000_000, 17_500_000, 24_000_000, 26_000_000),
        *(50_000_000, 84_000_000, 120_000_000, 250_000_000, 500_000_000, 900_000_000),
    ],
)
def test_every_target_is_hit_within_two_per_cent(target):
    config = FLAGSHIP.solve(target)
    assert FLAGSHIP.count_parameters(config) == pytest.approx(target, rel=0.02)
    assert 2 <= config["d_ff"] / config["d_model"] <= 4
    assert config["vocab_size"] * config["d_model"] <= 0.55 * target


@pytest.mark.parametrize(
    ("target", "fixed"),
    [
        (5_000_000, {"vocab_size": 256}),
        (5_000_000, {"vocab_size": 32000}),
        (25_000_000, {"tie": False}),
        (50_000_000, {"vocab_size": 50257, "window": 512}),
        (40_000_000, {"d_model": 512}),
        (25_000_000, {"n_layers": 8}),
        (25_000_000, {"n_heads": 12}),
        (30_000_000, {"d_ff": 1024}),
        (2_000_000, {"core": "swa", "halting": "ponder", "n_persist": 0}),
    ],
)
def test_fixed_keys_are_kept(target, fixed):
    config = FLAGSHIP.solve(target, fixed)
    assert fixed.items() <= config.items()
    assert FLAGSHIP.count_parameters(config) == pytest.approx(target, rel=0.02)


@pytest.mark.parametrize("target", [10, 10**12])
def test_an_impossible_size_is_refused_with_the_range(target):
    with pytest.raises(UsageError, match=r"parameters are out of reach; ask for [\d,]+ to [\d,]+$"):
        FLAGSHIP.solve(target)


@pytest.mark.parametrize("end", [0, 1])
def test_the_ends_of_the_range_are_reached(end):
    with pytest.raises(UsageError) as refused:
        FLAGSHIP.solve(10)
    reach = int(str(refused.value).split(" ask for ")[1].split(" to ")[end].replace(",", ""))
    assert FLAGSHIP.count_parameters(FLAGSHIP.solve(reach)) == pytest.approx(reach, rel=0.02)


def test_a_refusal_names_the_fixed_keys_that_stand_in_the_way():
    with pytest.raises(UsageError, match=r"out of reach with vocab_size=50257; ask for"):
        FLAGSHIP.solve(100_000, {"vocab_size": 50257})


def test_an_unknown_fixed_key_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no configuration key named 'n_layer'; did you mean 'n_layers'"):
        FLAGSHIP.solve(25_000_000, {"n_layer": 3})


@pytest.mark.parametrize("fixed", [{"n_heads": 7, "d_model": 384}, {"window": 0}, {"gate": "open"}, {"d_model": "big"}])
def test_an_impossible_fixed_key_is_refused_by_name(fixed):
    with pytest.raises(UsageError, match=f"cannot be built: {next(iter(fixed))}"):
        FLAGSHIP.solve(25_000_000, fixed)


def test_the_parameter_table_adds_up():
    for fixed, *_ in PRESETS.values():
        config = FLAGSHIP.solve(None, fixed)
        assert sum(count for _, count in FLAGSHIP.parameter_table(config)) == FLAGSHIP.count_parameters(config)
