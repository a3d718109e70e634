"""The sampler: real readings of this process, honest reasons, a thread that ends."""

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

from mlexpert_widgets import MemorySampler
from mlexpert_widgets.live.amounts import amount, size, unit
from mlexpert_widgets.memory.allocator import device_names, reading_of
from mlexpert_widgets.memory.process import Kernel, group_limit
from mlexpert_widgets.memory.source import Reading, UnavailableError

WIDGETS = Path(__file__).parents[3] / "widgets"
MIB = 1 << 20


def threads():
    return [each for each in threading.enumerate() if each.name == "mlexpert-memory"]


class Script:
    """A source that tells what a script says, one entry a reading."""

    name = "script"

    def __init__(self, *told):
        self.told = list(told)
        self.asked = 0

    def read(self, **_options):
        self.asked += 1
        told = self.told.pop(0)
        if isinstance(told, Exception):
            raise told
        return told


def test_it_reads_this_process_and_says_why_the_rest_is_missing():
    with MemorySampler(hz=50) as sampler:
        block = torch.ones(30 << 18)  # 30 MiB
        deadline = time.monotonic() + 20
        while len(sampler.series()[0]) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
    del block
    assert threads() == []
    assert sampler.peaks["this process"] == pytest.approx(psutil.Process().memory_info().rss, rel=0.5)
    assert sampler.limits["this process"] <= psutil.virtual_memory().total
    assert sampler.reasons["torch allocator"] == f"this torch ({torch.__version__}) is built without CUDA"
    assert sampler.reasons["MPS"] == "no Apple GPU (MPS) is here"
    assert "no NVIDIA driver library" in sampler.reasons["NVML"]
    text = sampler.text()
    assert "this process" in text
    assert "torch allocator: this torch" in text
    told = json.loads(sampler.to_json())
    assert told["peaks"]["this process"] >= max(told["series"]["this process"]["value"])
    assert told["reasons"] == sampler.reasons


def test_a_peak_between_two_readings_is_not_missed():
    code = (
        "from mlexpert_widgets import MemorySampler; s = MemorySampler(1).start(); b = bytearray(400 << 20); del b; "
        "s.stop(); print((s.peaks['this process'] - s.series()[0].value[-1]) / (1 << 20))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=WIDGETS, capture_output=True, text=True, check=True)
    assert 300 < float(done.stdout) < 500


def test_a_peak_of_the_source_counts_if_it_is_of_our_time():
    def told(value, peak):
        return Reading({"x": value}, peaks={"x": peak})

    old, grown, begun_anew, again = told(1, 90), told(2, 95), told(1, 1), told(1, 40)
    sampler = MemorySampler(sources=[Script(old, grown, begun_anew, again)])
    peaks = []
    for _ in range(4):
        sampler.sample()
        peaks.append(sampler.peaks["x"])
    assert peaks == [1, 95, 95, 95]


def test_the_kernels_count_is_that_of_psutil_also_after_a_fork():
    counted = Kernel()
    assert counted.resident() == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    code = (
        "import os, sys, psutil; from mlexpert_widgets.memory.process import Kernel; s = Kernel(); s.resident(); "
        "parent = bytearray(200 << 20); pid = os.fork()\n"
        "if pid: del parent; sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "block = bytearray(100 << 20); os._exit(abs(s.resident() - psutil.Process().memory_info().rss) > 20 << 20)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=WIDGETS, check=True)


def test_the_file_is_closed_with_its_reader():
    counted = Kernel()
    close = counted._close
    assert close.alive
    del counted
    gc.collect()
    assert not close.alive


@pytest.mark.parametrize(("text", "limit"), [("max\n", None), ("4294967296\n", 4 << 30), (None, None)])
def test_the_limit_of_a_container_is_known(tmp_path, text, limit):
    file = tmp_path / "memory.max"
    if text is not None:
        file.write_text(text)
    assert group_limit((tmp_path / "missing", file)) == limit


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


def test_a_pause_leaves_a_gap():
    sampler = MemorySampler(hz=1).start()
    sampler.pause()
    assert threads() == []
    sampler.start()
    sampler.stop()
    (series,) = sampler.series()
    assert [value > 0 for value in series.value] == [True, True, False, True, True]
    assert json.loads(sampler.to_json())["series"]["this process"]["value"][2] is None


def test_a_source_that_fails_midway_turns_into_its_reason_and_is_asked_again_later():
    one = Reading({"x": 1}, notes=("half of it",))
    source = Script(one, UnavailableError("it is gone"))
    sampler = MemorySampler(sources=[source])
    told = []
    for _ in range(4):
        sampler.sample()
        told.append((sampler.reasons, sampler.notes))
    assert told == [({}, ["half of it"]), *[({"script": "it is gone"}, [])] * 3]
    assert source.asked == 2
    (row,) = sampler.rows()
    assert (row.newest, row.peak) == (None, 1)
    at_once = Script(UnavailableError("not yet", retry_s=0), one)
    sampler = MemorySampler(sources=[at_once])
    assert [sampler.sample(), sampler.sample()] == [{}, {"x": 1}]


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
    assert done.stdout == "torch is not loaded yet []\n"


def test_the_allocators_figures_are_read_from_torchs_statistics():
    stats = {
        "allocated_bytes": {"all": {"current": 3 * MIB, "peak": 5 * MIB}},
        "reserved_bytes": {"all": {"current": 12 * MIB, "peak": 16 * MIB}},
    }
    reading = reading_of({"GPU 1": [stats, 100.0 * MIB], "GPU 2": [{}, 1.0]})
    assert reading.values == {"GPU 1 reserved": 12 * MIB, "GPU 1 allocated": 3 * MIB}
    assert reading.peaks == {"GPU 1 reserved": 16 * MIB, "GPU 1 allocated": 5 * MIB}
    assert reading.limits == {"GPU 1 reserved": 100 * MIB}
    assert reading.percents == {"GPU 1 reserved, unused": 75}


def test_torchs_devices_have_the_drivers_numbers():
    indices = {"GPU-AAAA": 0, "GPU-bbbb": 1, "GPU-cccc": 2}
    assert device_names(["cccc", "GPU-aaaa"], indices) == ("GPU 2", "GPU 0"), "CUDA_VISIBLE_DEVICES=2,0"
    assert device_names(["MIG-1", ""], indices) == ("cuda:0", "cuda:1")


def test_amounts_are_told_by_1024():
    assert [size(each) for each in (0, 999, 2048, 5.21 * 2**30, 260 * 2**20, 3 * 2**40)] == [
        "0 B",
        "999 B",
        "2 KiB",
        "5.21 GiB",
        "260 MiB",
        "3 TiB",
    ]
    assert unit(5e9) == (1 << 30, "GiB")
    assert amount(41.6, "%") == "42 %"
