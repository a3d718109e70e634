"""The stop button of a loop: in a script, in a kernel that is busy, and what stands on it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab import lab_of, model_of

import mlexpert_widgets

ROOT = Path(__file__).parents[2]


def test_in_a_script_it_is_never_pressed_and_a_loop_runs_to_its_end():
    code = (
        "from mlexpert_widgets import StopButton; stop = StopButton('Stop it'); "
        "print(stop, stop.pressed, stop.wait(0.01), sum(not stop.pressed for _ in range(5)))"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT / "widgets", capture_output=True, text=True, check=True)
    assert done.stdout == "StopButton('Stop it') False False 5\n"


def test_the_package_loads_the_widget_machinery_only_for_a_widget():
    code = "import sys, mlexpert_widgets; print([name for name in ('anywidget', 'ipywidgets') if name in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT / "widgets", capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_widget_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mlexpert_widgets' has no attribute 'GoButton'"):
        mlexpert_widgets.GoButton  # noqa: B018 - looking is the test


LOOP = """
import time
from IPython.display import display
from mlexpert_widgets import StopButton
calls = []
stop = StopButton(on_stop=lambda: calls.append(stop.pressed))
display(stop)
end = time.monotonic() + 20
while not (stop.pressed and calls) and time.monotonic() < end:
    time.sleep(0.01)
print(stop.pressed, stop.stopping, calls)
"""


@pytest.fixture
def lab(kernel):
    with lab_of(kernel) as lab:
        yield lab


def test_a_press_is_heard_while_the_cell_runs_and_once(lab):
    sent = lab.start(LOOP)
    model = model_of(lab.kernel.wait_for(sent, "display_data"))
    began = time.monotonic()
    lab.say(model, "something else")
    lab.press(model)
    lab.press(model)
    assert lab.kernel.finish(sent).text == "True True [True]\n"
    assert time.monotonic() - began < 2


def test_after_a_reset_it_can_be_pressed_again(lab):
    sent = lab.start(LOOP)
    model = model_of(lab.kernel.wait_for(sent, "display_data"))
    lab.press(model)
    lab.kernel.finish(sent)
    assert lab.run("stop.reset(); print(stop.pressed, stop.stopping)").text == "False False\n"
    sent = lab.start("print('waiting'); print(stop.wait(20)); time.sleep(0.2); print(len(calls))")
    lab.kernel.wait_for(sent, "stream")
    lab.press(model)
    assert lab.kernel.finish(sent).text.endswith("True\n2\n")


def test_a_saved_notebook_shows_a_name_without_an_address(lab):
    shown = lab.run("from mlexpert_widgets import StopButton; StopButton('Stop <b>')").shown
    assert shown[0]["data"]["text/plain"] == "StopButton('Stop <b>')"


def test_the_parts_that_need_no_browser_do_what_they_say(node):
    tests = ROOT / "tests" / "widgets" / "stop_button.test.mjs"
    done = subprocess.run([node, "--test", tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
