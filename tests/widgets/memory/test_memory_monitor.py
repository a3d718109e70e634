"""The memory monitor in a real kernel: few messages, a picture that stays, and nothing alive after close."""

import subprocess
from pathlib import Path

import torch
from torch import nn

from mlexpert_widgets import MemoryMonitor

ROOT = Path(__file__).parents[3]
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


def test_it_sends_few_messages_and_leaves_a_picture_with_peaks_and_reasons(kernel):
    ran = kernel.run(LOOP)
    assert ran.reply["status"] == "ok", ran.reply
    sent = [each for each in ran.messages if each["msg_type"] == "comm_msg"]
    assert len(sent) < 12 * 3
    text = ran.shown[0]["data"]["text/plain"]
    assert "this process:" in text
    assert "NVML: no NVIDIA driver library" in text
    assert "128 KiB" in text, "64 x 512 floats"
    assert len(ran.shown[0]["data"]["text/html"]) + len(ran.shown[0]["data"]["image/png"]) < 150_000
    assert kernel.run(CLOSE).text == "[None, None, None] []\n"


def test_the_browser_can_pause_it_and_let_it_go_on():
    monitor = MemoryMonitor(hz=50)
    monitor.said("pause")
    assert not monitor.sampler.running
    monitor.said("go")
    assert monitor.sampler.running
    monitor.close()
    assert not monitor.sampler.running


def test_without_readings_there_is_still_a_picture():
    model = nn.Linear(2, 2)
    monitor = MemoryMonitor(model=model)
    model(torch.zeros(1, 2))
    picture = monitor.picture()
    assert picture.svg.startswith("<svg")
    assert monitor.module_peaks == {"": 8}
    monitor.close()


def test_the_parts_that_need_no_browser_do_what_they_say(node):
    test = Path(__file__).with_name("memory_monitor.test.mjs")
    done = subprocess.run([node, "--test", test], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
