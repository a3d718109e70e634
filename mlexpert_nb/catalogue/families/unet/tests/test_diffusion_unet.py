"""The diffusion network against the description in its paper, and what follows from it."""

import pytest
import torch
from references import DIFFUSION, DIFFUSIONS, denoise, random_inputs, small_model, time_code
from torch import nn

from model.diffusion_unet import Attention, time_codes


@pytest.mark.parametrize("config", DIFFUSIONS)
def test_the_noise_is_that_of_the_equations(config):
    model, inputs = small_model(config), random_inputs(config, 2)
    assert model(**inputs).shape == (2, 2, 8, 8)
    torch.testing.assert_close(model(**inputs), denoise(model, config, **inputs), rtol=0, atol=1e-4)
    early = {**inputs, "steps_B": torch.tensor([0, 1])}  # angles that float32 holds exactly enough
    torch.testing.assert_close(model(**early), denoise(model, config, **early), rtol=0, atol=1e-6)


def test_images_need_not_be_square():
    model = small_model(DIFFUSION)
    inputs = {"images_BCHW": torch.randn(2, 2, 4, 12, dtype=torch.float64), "steps_B": torch.tensor([0, 0])}
    torch.testing.assert_close(model(**inputs), denoise(model, DIFFUSION, **inputs), rtol=0, atol=1e-9)


@pytest.mark.parametrize("width", [2, 4, 32])
def test_the_step_is_encoded_as_sines_and_cosines(width):
    codes = time_codes(torch.tensor([0, 1, 7, 999]), width)
    assert codes.shape == (4, width)
    expected = torch.stack([time_code(step, width) for step in (0, 1, 7, 999)])
    torch.testing.assert_close(codes.double(), expected, rtol=0, atol=1e-4)


def test_every_block_hears_of_the_time():
    model, inputs = small_model(DIFFUSION), random_inputs(DIFFUSION, 1)
    inputs["steps_B"] = torch.tensor([3])
    later = {**inputs, "steps_B": torch.tensor([600])}
    assert (model(**later) - model(**inputs)).abs().max() > 1e-3
    blocks = [module for module in model.modules() if hasattr(module, "convolution_in")]
    assert len(blocks) == 3 + 2 + 6
    for block in blocks:
        block.time.weight.data.zero_()
    assert torch.equal(model(**later), model(**inputs))


def test_attention_stands_where_it_is_asked_for_and_in_the_middle():
    model = small_model({**DIFFUSION, "attention_levels": (0, 2), "num_blocks": 2})
    for way, order in ((model.down, (0, 1, 2)), (model.up, (2, 1, 0))):
        for level, number in zip(way, order, strict=True):
            kinds = {type(each) for each in level.attentions}
            assert kinds == ({nn.Identity} if number == 1 else {Attention})
    assert [len(level.blocks) for level in (*model.down, *model.up)] == [2, 2, 2, 3, 3, 3]
    assert isinstance(model.middle.attention, Attention)


def test_dropout_acts_in_every_block_in_training_alone():
    model, inputs = small_model(DIFFUSION, dropout=0.5), random_inputs(DIFFUSION, 2)
    assert torch.equal(model(**inputs), model(**inputs))
    block, x = model.middle.before.train(), torch.randn(4, 12, 2, 2, dtype=torch.float64)
    dropped = []
    block.convolution_out.register_forward_pre_hook(lambda _, given: dropped.append(given[0] == 0))
    block(x, torch.randn(4, 16, dtype=torch.float64))
    assert 0.35 < dropped[0].double().mean() < 0.65
    assert not torch.equal(model.train()(**inputs), model(**inputs))


def test_whole_patterns_move_with_the_image():
    model = small_model({**DIFFUSION, "attention_levels": ()})
    inputs = random_inputs(DIFFUSION, 1, size=8)
    flat = torch.ones_like(inputs["images_BCHW"])
    inner = model(flat, inputs["steps_B"])[0, 0]
    assert inner.std() > 0  # the border is seen
    wide = model(torch.ones(1, 2, 64, 64, dtype=torch.float64), inputs["steps_B"])[0, 0, 28:36, 28:36]
    assert wide.std() < 0.1 * inner.std()


@pytest.mark.parametrize("shape", [(1, 2, 6, 8), (1, 2, 8, 6)])
def test_a_size_that_cannot_be_halved_is_refused(shape):
    with pytest.raises(ValueError, match="pad height and width to multiples of 4"):
        small_model(DIFFUSION)(torch.zeros(shape, dtype=torch.float64), torch.tensor([1]))
