"""Whose memory it is: counts by module path, and hooks that do no harm and are taken away."""

import copy
import io
import time

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.utils.checkpoint import checkpoint

from mlexpert_widgets import MemorySampler


class Fails(nn.Module):
    """Fails inside."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(self.layer(x) @ torch.zeros(3, 3))


class Interrupted(nn.Module):
    """Is interrupted once."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(4, 4), 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 1:
            raise KeyboardInterrupt
        return self.layer(x)


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(8, 16), nn.Sequential(nn.Linear(16, 32), nn.ReLU()))


def hooks(model):
    return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in model.modules())


def test_with_gradients_all_outputs_stay(model):
    sampler = MemorySampler()
    with sampler.watch(model):
        model(torch.zeros(10, 8))
        model(torch.zeros(2, 8))
    assert sampler.module_peaks == {"0": 640, "1.0": 1280, "1.1": 1280, "1": 2560, "": 3200}
    assert sampler.module_added == sampler.module_peaks
    assert hooks(model) == 0


def test_a_loop_is_looked_at_now_and_then(model):
    with MemorySampler().watch(model) as watch:
        for _ in range(3):
            model(torch.zeros(1, 8))
        model(torch.zeros(9, 8))
        assert watch.peaks["0"] == 64, "the first three calls"
        time.sleep(1.05)
        model(torch.zeros(5, 8))
        model(torch.zeros(9, 8))
    assert watch.peaks == {"0": 320, "1.0": 640, "1.1": 640, "1": 1280, "": 1600}


def test_without_gradients_only_the_largest_counts(model):
    sampler = MemorySampler()
    with sampler.watch(model), torch.no_grad():
        model(torch.zeros(10, 8))
    assert sampler.module_peaks == {"0": 640, "1.0": 1280, "1.1": 1280, "1": 1280, "": 1280}


def test_memory_that_is_shared_is_counted_once():
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(inplace=True), nn.Unflatten(1, (4, 4)), nn.Flatten(), nn.Identity())
    with MemorySampler().watch(model) as watch:
        model(torch.zeros(10, 8))
    assert watch.peaks == {"0": 640, "1": 0, "2": 0, "3": 0, "4": 0, "": 640}


def test_a_failing_or_interrupted_call_leaves_no_hook_and_no_wrong_count():
    failing, interrupted, sampler = Fails(), Interrupted(), MemorySampler()
    watch = sampler.watch(failing)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        failing(torch.zeros(2, 4))
    assert watch.peaks["layer"] == 32
    watch = sampler.watch(interrupted)
    with pytest.raises(KeyboardInterrupt):
        interrupted(torch.zeros(2, 4))
    interrupted(torch.zeros(2, 4))
    assert watch.peaks == {"layer": 32, "": 32}
    sampler.stop()
    assert hooks(failing) == hooks(interrupted) == 0


def test_a_watched_model_can_be_copied_and_saved(model):
    with MemorySampler().watch(model) as watch:
        twin = copy.deepcopy(model)
        file = io.BytesIO()
        torch.save(model, file)
        file.seek(0)
        loaded = torch.load(file, weights_only=False)
        twin(torch.zeros(2, 8))
        loaded(torch.zeros(2, 8))
        assert watch.peaks == {}
    assert torch.equal(loaded[0].weight, model[0].weight)


def test_it_does_not_disturb_vmap_checkpoints_compilation_or_meta_tensors(model):
    x = torch.randn(3, 8)
    plain = model(x)
    with MemorySampler().watch(model):
        stacked = vmap(lambda each: functional_call(model, dict(model.named_parameters()), (each,)))(x)
        torch.testing.assert_close(stacked, plain)
        checkpoint(model, x, use_reentrant=False).sum().backward()
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(x), plain)
        copy.deepcopy(model).to("meta")(x.to("meta"))
    meta = nn.Linear(8, 8, device="meta")
    with MemorySampler().watch(meta) as watch:
        meta(x.to("meta"))
    assert watch.peaks == {"": 0}
