"""A run under way in a real front end: live progress, two Stop buttons that are two things, and floods beside it."""

import json

import pytest
from browser.front import request

LOAD = "%load_ext mlexpert_nb\nimport standin"
ONE = [["code", "size = 1", "size"]]
TRAINING = """
import threading, time
from mlexpert_widgets import StopButton
my_stop = StopButton("Stop training")
def train():
    while not my_stop.pressed:
        time.sleep(0.02)
my_thread = threading.Thread(target=train, daemon=True)
my_thread.start()
my_stop
""".strip()
LOOP = """
for step in range(2000):
    time.sleep(0.02)
    if my_stop.pressed:
        break
print("stopped", step < 1900)
""".strip()
ALIVE = "print('training goes on' if my_thread.is_alive() else 'training has ended')"
FLOOD = """
from mlexpert_widgets import ProgressCard
from IPython.display import display
card = ProgressCard(doing="flood")
display(card)
for step in range(20_000):
    print("step", step)
    if step % 1000 == 0:
        card.show({"doing": f"step {step}"})
print("the end")
""".strip()


@pytest.fixture
def tour(front):
    def tour(*sources):
        front.begin(LOAD, *sources)
        front.run(0)
        return front

    return tour


def _printed(cell):
    return "".join(output["text"] for output in cell["outputs"] if output["output_type"] == "stream")


def test_progress_moves_while_the_kernel_is_busy_and_becomes_the_card(tour):
    front = tour(request(ONE, wait=3))
    front.start(1)
    meter = front.page.get_by_role("progressbar", name="Tests")
    meter.wait_for()
    seen = set()
    while "Implementation complete" not in front.page.locator(".jp-OutputArea").nth(1).inner_text():
        if meter.count():
            seen.add(meter.get_attribute("aria-valuetext"))
        front.page.wait_for_timeout(150)
    front.finish()
    assert len(seen) >= 4, seen
    assert front.sources()[2:] == ["size = 1"]
    assert "widgets" not in json.loads(front.save())["metadata"]
    assert front.complaints() == []


def test_stop_is_there_in_the_first_run_of_a_fresh_kernel(tour):
    front = tour(request(ONE, wait=60))
    front.start(1)
    stop = front.page.get_by_role("button", name="Stop the assistant")
    stop.wait_for(timeout=10_000)
    stop.press("Enter")
    front.page.get_by_text("Interrupted; nothing was changed").first.wait_for(timeout=5_000)
    front.finish()


def test_stop_ends_the_assistant_and_only_the_assistant(tour):
    front = tour(TRAINING, request(ONE, wait=60), ALIVE, request(ONE))
    front.run(1)
    front.start(2)
    stop = front.page.get_by_role("button", name="Stop the assistant")
    stop.wait_for()
    stop.click()
    front.page.get_by_text("Interrupted; nothing was changed").first.wait_for(timeout=5_000)
    front.finish()
    assert not (front.path.parent / "W").exists()
    front.run(3)
    assert _printed(front.cells()[3]) == "training goes on\n"
    front.page.get_by_role("button", name="Stop training").click()
    front.page.wait_for_timeout(500)
    front.run(3)
    assert _printed(front.cells()[3]) == "training has ended\n"
    front.run(4)
    assert front.sources()[-1] == "size = 1", "the same request again goes through"


def test_stop_of_a_training_cell_works_while_the_cell_runs_and_leaves_the_assistant_alone(tour):
    front = tour(TRAINING, LOOP, request(ONE))
    front.run(1)
    front.start(2)
    front.page.wait_for_timeout(500)
    front.page.get_by_role("button", name="Stop training").click()
    front.finish()
    assert _printed(front.cells()[2]) == "stopped True\n"
    front.run(3)
    assert front.sources()[-1] == "size = 1"


def test_a_flood_beside_a_run_loses_no_cell_and_hangs_nothing(tour):
    front = tour(FLOOD, request(ONE, wait=1), "print('after')")
    front.run_all()
    front.page.wait_for_function(
        "() => { const w = window.jupyterapp.shell.currentWidget; const last = w.content.model.cells;"
        " return last.get(last.length - 1).executionCount !== null && w.content.widgets.every(c => !c.promptNode"
        " || c.promptNode.textContent !== '[*]:'); }",
        timeout=60_000,
    )
    cells = front.cells()
    assert [cell["source"] for cell in cells[2:]] == [request(ONE, wait=1), "size = 1", "print('after')"]
    assert _printed(cells[1]).rstrip().endswith("the end")
    assert _printed(cells[4]) == "after\n"
    front.run(3)
    assert front.cells()[3]["execution_count"] is not None
