"""The dashboard: four views on one page, linked by module path, and all of it gone after close."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from mlexpert_widgets import Dashboard, LearningCurves, Recorder

MODEL = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
SETUP = """
import gc, threading, time, weakref
import torch
from torch import nn
from mlexpert_widgets import Dashboard, Recorder
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
recorder = Recorder("base")
x = torch.randn(4, 8)
"""
CLOSE = """
parts = [weakref.ref(each) for each in (dash, *dash.views)]
dash.close()
del dash
_ = gc.collect()
print([part() for part in parts], [each.name for each in threading.enumerate() if each.name == "mlexpert-memory"])
"""


@pytest.fixture
def dashboard():
    made = Dashboard(MODEL, Recorder("base"), example_inputs=torch.randn(4, 8), seconds=0.05)
    yield made
    made.close()


def test_its_views_share_a_group_and_its_page_holds_each_of_them(dashboard):
    assert {view.group for view in dashboard.views} == {dashboard.group}
    assert dashboard.group
    html = dashboard.html()
    assert all(f'class="mlx-view {view.key}"' in html for view in dashboard.views)
    assert dashboard.picture().summary.startswith("Architecture of Sequential")


def test_what_was_measured_of_the_modules_colours_the_diagram(dashboard):
    dashboard.latency.run()
    MODEL(torch.randn(4, 8))
    dashboard.flush()
    overlays = {each["name"]: each for each in dashboard.architecture.overlays}
    assert overlays["memory"]["values"]["0"] == 4 * 16 * 4
    assert overlays["latency"]["unit"] == "ms"
    assert set(overlays["latency"]["values"]) <= {"", "0", "1", "2"}


def test_runs_come_as_a_recorder_curves_or_several():
    curves = LearningCurves()
    for runs, names in (
        (curves, ["run"]),
        ({"a": Recorder(), "b": Recorder()}, ["a", "b"]),
        ([Recorder("a"), Recorder("a")], ["a", "a 2"]),
        (None, ["run"]),
    ):
        made = Dashboard(MODEL, runs)
        assert made.curves.names == names
        assert made.latency is None
        made.close()
    with pytest.raises(TypeError, match="the recorder is a Recorder, LearningCurves, or several Recorders, not int"):
        Dashboard(MODEL, 3)


def test_in_a_kernel_it_is_one_output_and_nothing_of_it_is_alive_after_close(kernel):
    kernel.run(SETUP)
    shown = kernel.run("dash = Dashboard(model, recorder, example_inputs=x, seconds=0.2)\ndash.show()")
    assert shown.reply["status"] == "ok", shown.reply
    (output,) = shown.shown
    assert sorted(output["data"]) == ["image/png", "text/html", "text/plain"]
    moved = kernel.run("for step in range(50):\n    recorder.log(step, loss=1 / (step + 1)); time.sleep(0.02)")
    updates = [each["content"]["data"] for each in moved.messages if each["msg_type"] == "update_display_data"]
    assert "loss" in updates[-1]["text/plain"]
    closed = kernel.run(CLOSE)
    assert closed.text == f"{[None] * 5} []\n"


def test_the_magic_shows_the_only_model_with_the_runs_that_there_are(kernel):
    kernel.run(SETUP)
    ran = kernel.run("%mlexpert dashboard --inputs x")
    assert ran.reply["status"] == "ok", ran.reply
    assert "Dashboard of Sequential" in ran.shown[0]["data"]["text/plain"] or "Sequential: 4 modules" in str(ran.shown)
    kernel.run("_dashboard.close()\nother = nn.ReLU()")
    for line, said in (
        ("dashboard", "which model? there are model, other; type: %mlexpert dashboard MODEL"),
        ("dashboard x", "x is a Tensor, not a torch.nn.Module"),
        ("dashboard modle", "no variable named 'modle'; did you mean 'model'?"),
        ("dashboard model --recorder x", "x is a Tensor, not a Recorder or LearningCurves"),
    ):
        assert said in str(kernel.run(f"%mlexpert {line}").reply["evalue"]), line
    kernel.run("del model, other")
    assert "this notebook holds no model yet" in kernel.run("%mlexpert dashboard").reply["evalue"]


def test_in_a_shell_there_is_no_notebook_to_show():
    command = [sys.executable, "-m", "mlexpert_nb", "dashboard"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a dashboard shows a variable of a notebook; type there: %mlexpert dashboard MODEL" in done.stderr
