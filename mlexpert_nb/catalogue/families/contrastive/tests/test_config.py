"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
from references import SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

IMAGES = {"image_size": 224, "num_channels": 3, "num_layers": 12}
BASE = {**IMAGES, "hidden_size": 768, "num_heads": 12, "mlp_dim": 3072}
PUBLISHED = {  # only objective=clip
    "CLIP ViT-B/32": ({**BASE, "patch_size": 32}, 512, 151_277_313),
    "CLIP ViT-B/16": ({**BASE, "patch_size": 16}, 512, 149_620_737),
    "CLIP ViT-L/14": (
        {**IMAGES, "patch_size": 14, "num_layers": 24, "hidden_size": 1024, "num_heads": 16, "mlp_dim": 4096},
        768,
        427_616_513,
    ),
}  # only objective=clip
VARIANTS = [
    {},
    {"patch_size": 3, "num_channels": 1},
    {"num_layers": 3, "mlp_dim": 7},
    {"hidden_size": 9, "proj_out_dim": 3},  # only objective=simclr
    {"text_hidden_size": 6, "text_num_layers": 1, "projection_dim": 3},  # only objective=clip
    {"vocab_size": 5, "context_length": 4, "text_mlp_dim": 9},  # only objective=clip
]


@pytest.mark.parametrize("name", PUBLISHED)  # only objective=clip
def test_the_count_is_the_published_one(name):  # only objective=clip
    image, width, published = PUBLISHED[name]
    text = {"text_hidden_size": width, "text_num_heads": width // 64, "text_mlp_dim": 4 * width, "text_num_layers": 12}
    config = ModelConfig(**image, **text, projection_dim=width, vocab_size=49408, context_length=77)
    assert count_parameters(config) == published


def test_the_encoder_is_as_large_as_the_published_one():  # only objective=simclr
    config = ModelConfig(**BASE, patch_size=32, proj_out_dim=128)
    encoder = 87_456_000  # CLIP's ViT-B/32, arXiv:2103.00020, without its projection
    assert count_parameters(config) - encoder == 768 * 768 + 768 * 128


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_table_counts_what_is_built_part_by_part(changes):
    config = ModelConfig(**{**SMALL, **changes})
    built = dict(build_model(**{**SMALL, **changes}).named_parameters())
    for part, count in parameter_table(config):
        assert count == sum(p.numel() for name, p in built.items() if fnmatch(name, part) or fnmatch(name, f"{part}.*"))
    assert count_parameters(config) == sum(p.numel() for p in built.values())


def test_the_network_has_the_configuration_that_was_asked_for():
    assert build_model(**SMALL).config == ModelConfig(**SMALL) != ModelConfig()


def test_the_tower_of_images_takes_its_sizes_from_the_configuration():
    tower = ModelConfig(**SMALL).image_tower
    assert (tower.hidden_size, tower.num_layers, tower.num_heads, tower.mlp_dim) == (12, 2, 3, 20)
    assert tower.layer_norm_eps == 1e-3


def test_the_tower_of_texts_takes_its_sizes_from_the_configuration():  # only objective=clip
    tower = ModelConfig(**SMALL).text_tower
    assert (tower.hidden_size, tower.num_layers, tower.num_heads, tower.mlp_dim) == (8, 3, 2, 14)
    assert tower.layer_norm_eps == 1e-3
    assert tower.is_causal
    assert not ModelConfig(**SMALL).image_tower.is_causal


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "byol"}, "objective='byol' must be one of '"),
        ({"patch_size": 4}, "patch_size=4 must divide image_size=6"),
        ({"num_heads": 5}, "num_heads=5 must divide hidden_size=12"),
        ({"num_layers": 0}, "num_layers=0 must lie between 1 and 1000"),
        ({"layer_norm_eps": 0.0}, "layer_norm_eps=0.0 must lie between 1e-12 and 1"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps=nan must be finite"),
        ({"hidden_size": 12.0}, "hidden_size=12.0 must be of type int"),
        ({"num_heads": True}, "num_heads=True must be of type int"),
        ({"mlp_dim": -1}, "mlp_dim=-1 must lie between 1"),
        ({"temperature": 0.0}, "temperature=0.0 must lie between 0.001"),  # only objective=simclr
        ({"proj_out_dim": 1}, "proj_out_dim=1 must lie between 2"),  # only objective=simclr
        ({"text_num_heads": 3}, "text_num_heads=3 must divide text_hidden_size=8"),  # only objective=clip
        ({"vocab_size": 2}, "vocab_size=2 must lie between 3"),  # only objective=clip
        ({"context_length": 1}, "context_length=1 must lie between 2"),  # only objective=clip
        ({"initial_temperature": 0.001}, "initial_temperature=0.001 must lie between 0.01"),  # only objective=clip
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_a_whole_number_may_stand_for_a_temperature():
    assert ModelConfig(**{**SMALL, "temperature": 1}).temperature == 1  # only objective=simclr
    assert ModelConfig(**{**SMALL, "initial_temperature": 1}).initial_temperature == 1  # only objective=clip


def test_the_smallest_sizes_are_one():
    least = ("image_size", "patch_size", "num_channels", "hidden_size", "num_heads", "mlp_dim", "num_layers")
    assert ModelConfig(**{**SMALL, **dict.fromkeys(least, 1)}).num_patches == 1
    for key in least:
        with pytest.raises(ValueError, match=f"{key}=0 must lie between 1"):
            ModelConfig(**{**SMALL, key: 0})


def test_the_smallest_sizes_of_texts_are_one():  # only objective=clip
    least = ("text_hidden_size", "text_num_heads", "text_mlp_dim", "text_num_layers")
    assert ModelConfig(**{**SMALL, **dict.fromkeys(least, 1)}).text_tower.hidden_size == 1
    for key in least:
        with pytest.raises(ValueError, match=f"{key}=0 must lie between 1"):
            ModelConfig(**{**SMALL, key: 0})
