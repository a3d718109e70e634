"""The configuration: what is refused, and how many parameters follow from it."""

import pytest
from references import SMALL, VARIANTS

from model import ModelConfig, build_model, count_parameters, parameter_table

IMAGENET = {"width": 64, "stem": "imagenet", "num_channels": 3, "num_classes": 1000}
PUBLISHED = {
    "ResNet-18": ({"num_blocks": (2, 2, 2, 2), "block": "basic"}, 11_689_512),
    "ResNet-34": ({"num_blocks": (3, 4, 6, 3), "block": "basic"}, 21_797_672),
    "ResNet-50": ({"num_blocks": (3, 4, 6, 3), "block": "bottleneck"}, 25_557_032),
    "ResNet-101": ({"num_blocks": (3, 4, 23, 3), "block": "bottleneck"}, 44_549_160),
    "ResNet-152": ({"num_blocks": (3, 8, 36, 3), "block": "bottleneck"}, 60_192_808),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_the_published_one(name):
    sizes, published = PUBLISHED[name]
    assert count_parameters(ModelConfig(**IMAGENET, **sizes)) == published


@pytest.mark.parametrize("changes", [*VARIANTS, {"width": 1, "block": "bottleneck"}, {"num_blocks": (3, 1, 2, 1, 1)}])
def test_the_table_counts_what_is_built_part_by_part(changes):
    config = ModelConfig(**{**SMALL, **changes})
    model = build_model(**{**SMALL, **changes})
    for part, count in parameter_table(config):
        assert count == sum(p.numel() for p in model.get_submodule(part).parameters())
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())


def test_the_delivered_configuration_is_the_default():
    model = build_model()
    assert model.config == ModelConfig()
    assert sum(p.numel() for p in model.parameters()) == count_parameters(ModelConfig())


def test_each_stage_doubles_the_width_and_the_stride():
    config = ModelConfig(**{**SMALL, "num_blocks": (1, 1, 1), "width": 6})
    assert config.stage_widths == (6, 12, 24)
    assert (config.stride, config.num_features, config.expansion) == (4, 24, 1)
    wide = ModelConfig(**{**SMALL, "num_blocks": (1, 1, 1), "width": 6, "stem": "imagenet", "block": "bottleneck"})
    assert (wide.stride, wide.num_features, wide.expansion) == (16, 96, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_blocks": ()}, r"num_blocks=\(\) must be a tuple of 1 to 6 positive numbers"),
        ({"num_blocks": (1,) * 7}, "num_blocks=.* must be a tuple of 1 to 6 positive numbers"),
        ({"num_blocks": (1, 0)}, r"num_blocks=\(1, 0\) must be a tuple"),
        ({"num_blocks": (1, 2.0)}, r"num_blocks=\(1, 2.0\) must be a tuple"),
        ({"num_blocks": [1, 2]}, r"num_blocks=\[1, 2\] must be a tuple"),
        ({"block": "dense"}, "block='dense' must be one of 'basic', 'bottleneck'"),
        ({"stem": "large"}, "stem='large' must be one of 'imagenet', 'small'"),
        ({"width": 0}, "width=0 must lie between 1 and"),
        ({"width": 4.0}, "width=4.0 must be of type int"),
        ({"num_channels": True}, "num_channels=True must be of type int"),
        ({"num_channels": 0}, "num_channels=0 must lie between 1"),
        ({"num_classes": 1}, "num_classes=1 must lie between 2"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_six_stages_are_the_most():
    assert ModelConfig(**{**SMALL, "num_blocks": (1,) * 6}).stride == 32
