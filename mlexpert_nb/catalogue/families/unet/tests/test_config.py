"""The configuration: what is refused, and how many parameters follow from it."""

import pytest
from references import DIFFUSION, SEGMENTATION, VARIANTS

from model import DiffusionUNet, ModelConfig, UNet, build_model, count_parameters, parameter_table

RONNEBERGER = {**SEGMENTATION, "width": 64, "channel_multipliers": (1, 2, 4, 8, 16)}
DDPM = {**DIFFUSION, "num_channels": 3, "width": 128, "num_blocks": 2, "num_heads": 1, "num_groups": 32}
PUBLISHED = {
    "figure 1": ({**RONNEBERGER, "norm": "none", "num_channels": 1, "num_classes": 2}, 31_030_658),
    "with BatchNorm": ({**RONNEBERGER, "norm": "batch", "num_channels": 3, "num_classes": 2}, 31_037_698),
    "CIFAR-10": ({**DDPM, "channel_multipliers": (1, 2, 2, 2), "attention_levels": (1,)}, 35_746_307),
    "LSUN": ({**DDPM, "channel_multipliers": (1, 1, 2, 2, 4, 4), "attention_levels": (4,)}, 113_673_219),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_the_published_one(name):
    sizes, published = PUBLISHED[name]
    assert count_parameters(ModelConfig(**sizes)) == published


@pytest.mark.parametrize("config", [*VARIANTS, {**DIFFUSION, "channel_multipliers": (1, 3, 2, 2), "num_blocks": 3}])
def test_the_table_counts_what_is_built_part_by_part(config):
    model = build_model(**config)
    for part, count in parameter_table(ModelConfig(**config)):
        assert count == sum(p.numel() for p in model.get_submodule(part).parameters())
    assert count_parameters(ModelConfig(**config)) == sum(p.numel() for p in model.parameters())


def test_the_delivered_configuration_is_the_default():
    model = build_model()
    assert model.config == ModelConfig()
    assert sum(p.numel() for p in model.parameters()) == count_parameters(ModelConfig())


def test_the_task_chooses_the_network():
    assert type(build_model(**SEGMENTATION)) is UNet
    assert type(build_model(**DIFFUSION)) is DiffusionUNet


def test_the_levels_follow_from_the_multipliers():
    config = ModelConfig(**{**SEGMENTATION, "channel_multipliers": (1, 2, 5, 7)})
    assert config.channels == (3, 6, 15, 21)
    assert config.stride == 8


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (SEGMENTATION, {"task": "detection"}, "task='detection' must be one of 'segmentation', 'diffusion'"),
        (SEGMENTATION, {"norm": "layer"}, "norm='layer' must be one of 'batch', 'none'"),
        (SEGMENTATION, {"width": 0}, "width=0 must lie between 1 and"),
        (SEGMENTATION, {"width": 4.0}, "width=4.0 must be of type int"),
        (SEGMENTATION, {"num_blocks": True}, "num_blocks=True must be of type int"),
        (SEGMENTATION, {"num_blocks": 0}, "num_blocks=0 must lie between 1"),
        (SEGMENTATION, {"num_classes": 1}, "num_classes=1 must lie between 2"),
        (SEGMENTATION, {"dropout": 1.0}, "dropout=1.0 must lie between 0 and 0.99"),
        (SEGMENTATION, {"dropout": float("nan")}, "dropout=nan must be finite"),
        (SEGMENTATION, {"channel_multipliers": (1,)}, "channel_multipliers=.* must be a tuple of 2 to 8 positive"),
        (SEGMENTATION, {"channel_multipliers": (1,) * 9}, "channel_multipliers=.* must be a tuple of 2 to 8 positive"),
        (SEGMENTATION, {"channel_multipliers": (1, 0)}, "channel_multipliers=.* must be a tuple of 2 to 8 positive"),
        (SEGMENTATION, {"channel_multipliers": [1, 2]}, "channel_multipliers=.* must be a tuple of 2 to 8 positive"),
        (SEGMENTATION, {"attention_levels": (1,)}, "attention_levels=.* needs task='diffusion'"),
        (DIFFUSION, {"attention_levels": (3,)}, r"attention_levels=\(3,\) must be a tuple of levels from 0 to 2"),
        (DIFFUSION, {"attention_levels": (-1,)}, r"attention_levels=\(-1,\) must be a tuple of levels from 0 to 2"),
        (DIFFUSION, {"num_heads": 3}, "num_heads=3 must divide the 8 channels of level 1, which attends"),
        (DIFFUSION, {"num_heads": 8}, "num_heads=8 must divide the 12 channels of level 2, which attends"),
        (DIFFUSION, {"width": 3, "num_heads": 1}, "width=3 must be even"),
    ],
)
def test_an_impossible_value_is_refused_by_name(config, changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**config, **changes})


def test_what_is_just_possible_is_accepted():
    assert ModelConfig(**{**SEGMENTATION, "channel_multipliers": (1,) * 8, "dropout": 0}).stride == 128
    assert ModelConfig(**{**SEGMENTATION, "num_heads": 7}).num_heads == 7  # nothing attends
    assert ModelConfig(**{**DIFFUSION, "attention_levels": (0, 1, 2)}).attention_levels == (0, 1, 2)
