"""The sampler: real readings of this process, honest reasons, a thread that ends, and whose memory it is."""

import gc
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from mlexpert_widgets import MemorySampler
from mlexpert_widgets.memory.process import resident_pages
from mlexpert_widgets.memory.words import size

WIDGETS = Path(__file__).parents[3] / "widgets"


def threads():
    return [each for each in threading.enumerate() if each.name == "mlexpert-memory"]


def test_it_reads_this_process_and_says_why_the_rest_is_missing():
    with MemorySampler(hz=50) as sampler:
        block = torch.ones(30 << 18)  # 30 MiB
        deadline = time.monotonic() + 20
        while len(sampler.series()[0]) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
    del block
    assert threads() == []
    assert sampler.peaks["this process"] == pytest.approx(psutil.Process().memory_info().rss, rel=0.5)
    assert sampler.limits["this process"] == psutil.virtual_memory().total
    assert sampler.reasons["torch allocator"] == f"this torch ({torch.__version__}) is built without CUDA"
    assert sampler.reasons["MPS"] == "no Apple GPU (MPS) is here"
    assert "no NVIDIA driver library" in sampler.reasons["NVML"]
    text = sampler.text()
    assert "this process" in text
    assert "torch allocator: this torch" in text
    assert json.loads(sampler.to_json())["peaks"]["this process"] > 0


def test_the_kernels_count_is_that_of_psutil():
    page = psutil.Process().memory_info().rss / resident_pages()
    assert page == pytest.approx(4096, rel=0.2)


def test_the_thread_ends_with_its_sampler():
    sampler = MemorySampler(hz=100).start()
    (thread,) = threads()
    assert sampler.running
    assert sampler.start() is sampler
    assert threads() == [thread]
    del sampler
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_a_rate_that_cannot_be_is_refused():
    for hz in (0, -1, 1000):
        with pytest.raises(ValueError, match="above 0 and at most 100, not"):
            MemorySampler(hz)


def test_torch_is_not_imported_for_it():
    code = (
        "import sys; from mlexpert_widgets import MemorySampler; s = MemorySampler(); s.sample(); "
        "print(s.reasons['torch allocator'], [n for n in ('torch', 'anywidget', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=WIDGETS, capture_output=True, text=True, check=True)
    assert done.stdout == "torch is not loaded []\n"


class Fails(nn.Module):
    """Fails inside."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(self.layer(x) @ torch.zeros(3, 3))


def test_what_each_module_adds_is_counted_by_its_path_and_the_hooks_go():
    model = nn.Sequential(nn.Linear(8, 16), nn.Sequential(nn.Linear(16, 32), nn.ReLU()))
    sampler = MemorySampler()
    with sampler.watch(model):
        model(torch.zeros(10, 8))
        model(torch.zeros(2, 8))
    assert sampler.module_peaks == {"0": 640, "1.0": 1280, "1.1": 1280, "1": 2560, "": 3200}
    failing = Fails()
    watch = sampler.watch(failing)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        failing(torch.zeros(2, 4))
    sampler.stop()
    assert watch.peaks["layer"] == 32
    for module in (*model.modules(), *failing.modules()):
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_bytes_are_told_by_1024():
    assert [size(each) for each in (0, 999, 2048, 5.21 * 2**30, 260 * 2**20, 3 * 2**40)] == [
        "0 B",
        "999 B",
        "2 KiB",
        "5.21 GiB",
        "260 MiB",
        "3 TiB",
    ]
