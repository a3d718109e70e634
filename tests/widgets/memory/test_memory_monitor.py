"""The memory monitor in a real kernel: few messages, a picture that stays, and nothing alive after close."""

import subprocess
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

from mlexpert_widgets import MemoryMonitor, MemorySampler
from mlexpert_widgets.memory.source import Reading

GIB = 1 << 30
LOOP = """
import gc, threading, time, weakref
import torch
from torch import nn
from mlexpert_widgets import MemoryMonitor
model = nn.Sequential(nn.Linear(8, 512), nn.ReLU())
monitor = MemoryMonitor(model=model, hz=20)
monitor.show()
for _ in range(20):
    model(torch.zeros(64, 8))
    time.sleep(0.1)
monitor.stop()
"""
CLOSE = """
parts = [weakref.ref(monitor), weakref.ref(monitor.sampler), weakref.ref(monitor.layout)]
monitor.close()
del monitor
_ = gc.collect()
print([part() for part in parts], [each.name for each in threading.enumerate() if each.name == "mlexpert-memory"])
"""


class Told:
    """A source that always tells the same."""

    def __init__(self, name, reading):
        self.name, self.reading = name, reading

    def read(self, **_options):
        return self.reading


def test_it_sends_few_messages_and_leaves_a_picture_with_peaks_and_reasons(kernel):
    ran = kernel.run(LOOP)
    assert ran.reply["status"] == "ok", ran.reply
    sent = [each for each in ran.messages if each["msg_type"] == "comm_msg"]
    assert len(sent) < 12 * 3
    text = ran.shown[0]["data"]["text/plain"]
    assert "this process:" in text
    assert "NVML: no NVIDIA driver library" in text
    assert "Of the modules, (model) took most in one call: 256 KiB." in text, "2 x 64 x 512 floats"
    assert len(ran.shown[0]["data"]["text/html"]) + len(ran.shown[0]["data"]["image/png"]) < 150_000
    assert kernel.run(CLOSE).text == "[None, None, None] []\n"


def test_the_browser_can_pause_it_and_let_it_go_on_and_the_modules_are_counted_on():
    model = nn.Linear(2, 2)
    monitor = MemoryMonitor(model=model, hz=50)
    monitor.said("pause")
    assert not monitor.sampler.running
    assert not monitor.running
    monitor.said("go")
    assert monitor.sampler.running
    assert monitor.running
    model(torch.zeros(1, 2))
    assert monitor.module_peaks == {"": 8}
    monitor.close()
    assert not model._forward_hooks
    monitor.said("go")
    assert not monitor.sampler.running, "it is closed"


def test_a_sampler_that_ran_before_runs_on():
    model = nn.Linear(2, 2)
    with MemorySampler(hz=50) as sampler:
        monitor = MemoryMonitor(sampler, model=model)
        monitor.close()
        assert sampler.running
        assert not model._forward_hooks
    monitor = MemoryMonitor(sampler)
    assert sampler.running
    monitor.close()
    assert not sampler.running


def test_each_device_has_its_chart_and_a_limit_that_is_near():
    half, little = Reading({"GPU 0 used": 6.0 * GIB}, {"GPU 0 used": 8.0 * GIB}), Reading({"x": 1.0}, {"x": 9.0})
    busy = Reading({"GPU 1 used": 1.0 * GIB}, {"GPU 1 used": 8.0 * GIB}, percents={"GPU 1 busy": 55.0})
    monitor = MemoryMonitor(MemorySampler(sources=[Told("a", little), Told("b", half), Told("c", busy)]))
    monitor.sampler.pause()
    picture = monitor.picture()
    assert picture.svg.count("<svg") == 3
    assert picture.svg.count("all there is") == 1
    assert "GPU 0, GiB" in picture.svg
    assert "GPU 1 busy: 55 %, peak 55 %." in picture.summary
    assert "GPU 0 used: 6 GiB, peak 6 GiB of 8 GiB." in picture.summary
    assert [(each["device"], each["label"]) for each in monitor.facts] == [
        ("System memory", "x"),
        ("GPU 0", "used"),
        ("GPU 1", "used"),
        ("GPU 1", "busy"),
    ]
    assert [each.get_title() for each in monitor.plot().axes] == ["System memory", "GPU 0", "GPU 1"]
    monitor.close()


def test_many_devices_still_make_a_small_picture():
    values = {f"GPU {index} {word}": 1.0 * GIB for index in range(8) for word in ("used", "this process", "reserved")}
    monitor = MemoryMonitor(MemorySampler(sources=[Told("a", Reading(values))]))
    monitor.sampler.pause()
    for at in range(2000):
        for series in monitor.series():
            series.append(at, at, at % 7 * GIB)
    assert len(monitor.picture().html()) < 150_000
    monitor.close()


def test_without_readings_there_is_still_a_picture():
    monitor = MemoryMonitor(MemorySampler(sources=[]))
    picture = monitor.picture()
    assert (picture.svg, picture.summary) == ("", "")
    assert monitor.plot().axes == []
    monitor.close()


def test_what_is_no_model_is_refused_and_nothing_runs():
    with pytest.raises(TypeError, match="the model is a torch module, not int"):
        MemoryMonitor(model=3)
    assert [each for each in threading.enumerate() if each.name == "mlexpert-memory"] == []


def test_the_parts_that_need_no_browser_do_what_they_say(node):
    test = Path(__file__).with_name("memory_monitor.test.mjs")
    done = subprocess.run([node, "--test", test], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
