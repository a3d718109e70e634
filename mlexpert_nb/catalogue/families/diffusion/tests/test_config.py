"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
import torch
from references import FLOW, SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

CIFAR10 = {  # Ho et al. 2020, appendix B: "our CIFAR10 model has 35.7 million parameters"
    "image_size": 32,
    "num_channels": 3,
    "hidden_size": 128,
    "channel_mults": (1, 2, 2, 2),
    "layers_per_block": 2,
    "attention_resolutions": (16,),
    "time_size": 512,
    "num_groups": 32,
}
VARIANTS = [
    {},
    {"layers_per_block": 2, "attention_resolutions": ()},
    {"channel_mults": (1, 2, 3, 1), "attention_resolutions": (8, 2)},
    {"channel_mults": (2,), "num_channels": 1, "time_size": 5, "attention_resolutions": (8,)},
    {"channel_mults": (1, 1), "layers_per_block": 3},
]


def test_the_count_is_the_published_one():
    assert count_parameters(ModelConfig(**CIFAR10)) == 35_746_307


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_table_counts_what_is_built_part_by_part(changes):
    config = ModelConfig(**{**SMALL, **changes})
    built = dict(build_model(**{**SMALL, **changes}).denoiser.named_parameters())
    for part, count in parameter_table(config):
        assert count == sum(p.numel() for name, p in built.items() if fnmatch(name, part) or fnmatch(name, f"{part}.*"))
    assert count_parameters(config) == sum(p.numel() for p in built.values())


@pytest.mark.parametrize("changes", VARIANTS)
def test_every_shape_that_can_be_built_gives_images_of_the_size_that_it_reads(changes):
    model = build_model(**{**SMALL, **changes})
    images = torch.randn(2, model.config.num_channels, 8, 8)
    assert model(images, torch.tensor([0, 19])).shape == images.shape


def test_the_delivered_configuration_is_the_default():
    with torch.device("meta"):
        model = build_model()
    assert model.config == ModelConfig()
    assert sum(p.numel() for p in model.parameters()) == count_parameters(ModelConfig())


def test_widths_resolutions_and_attention_go_level_by_level():
    config = ModelConfig(**{**SMALL, "channel_mults": (1, 2, 4), "attention_resolutions": (4,)})
    assert config.widths == (8, 16, 32)
    assert config.resolutions == (8, 4, 2)
    assert config.has_attention == (False, True, False)


def test_attention_stands_at_the_resolutions_that_are_named_on_the_way_down_and_up():
    unet = build_model(**{**SMALL, "channel_mults": (1, 2, 4), "attention_resolutions": (8,)}).denoiser
    down, up = ([hasattr(level.attentions[0], "out") for level in side] for side in (unet.down, unet.up))
    assert down == [True, False, False]
    assert up == [False, False, True]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 9}, "image_size=9 must be a multiple of 2: channel_mults has 2 levels"),
        ({"channel_mults": (1, 1, 1), "image_size": 6}, "image_size=6 must be a multiple of 4: channel_mults has 3"),
        ({"num_groups": 3}, "num_groups=3 must divide hidden_size=8"),
        ({"hidden_size": 9, "num_groups": 1}, "hidden_size=9 must be even"),
        ({"hidden_size": 2}, "hidden_size=2 must lie between 4"),
        ({"channel_mults": ()}, r"channel_mults=\(\) needs at least one level"),
        ({"channel_mults": (1, 0)}, "must be whole numbers above 0"),
        ({"attention_resolutions": (2.0,)}, "must be whole numbers above 0"),
        ({"channel_mults": [1, 2]}, r"channel_mults=\[1, 2\] must be of type tuple"),
        ({"prediction_type": "flow"}, "sampler='ddpm' cannot go with prediction_type='flow'"),
        ({"sampler": "euler"}, "sampler='euler' cannot go with prediction_type='epsilon'"),
        ({"prediction_type": "noise"}, "prediction_type='noise' must be one of epsilon, sample, v_prediction, flow"),
        ({"beta_schedule": "sine"}, "beta_schedule='sine' must be one of linear, cosine"),
        ({"beta_start": 0.0}, r"beta_start=0.0 must lie between 0 and beta_end=0.02"),
        ({"beta_start": 0.03}, r"beta_start=0.03 must lie between 0 and beta_end=0.02"),
        ({"beta_end": 1.0}, "beta_end=1.0 must lie between 0 and 0.999"),
        ({"dropout": float("inf")}, "dropout=inf must lie|dropout=inf must be finite"),
        ({"num_train_timesteps": 1}, "num_train_timesteps=1 must lie between 2"),
        ({"layers_per_block": 0}, "layers_per_block=0 must lie between 1 and 1000"),
        ({"clip_sample": 1}, "clip_sample=1 must be of type bool"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_what_lies_at_the_edge_is_taken():
    edge = {**SMALL, **FLOW, "hidden_size": 4, "dropout": 0, "beta_start": 0.02, "num_train_timesteps": 2}
    assert ModelConfig(**edge).dropout == 0
