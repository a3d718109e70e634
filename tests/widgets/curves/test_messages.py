"""A long loop through nbclient: few messages, and every point of the final curve arrives."""

import time
from array import array

import nbformat
import pytest
from nbclient import NotebookClient

STEPS = 20_000
SETUP = "from mlexpert_widgets import LearningCurves\ncurves = LearningCurves()\ncurves"
LOOP = f"""
import math
for step in range({STEPS}):
    curves.log(step, loss=math.exp(-step / 4000), acc=step / {STEPS})
    for _ in range(900):
        pass
curves.stop()
"""


class Counting(NotebookClient):
    """nbclient that keeps when each message came, and the points in it."""

    def __init__(self, notebook):
        super().__init__(notebook, timeout=120)
        self.moments, self.points = [], {}

    def process_message(self, msg, cell, cell_index):
        if cell_index == 1 and msg["msg_type"] != "status":
            self.moments.append(time.monotonic())
            self._keep(msg)
        return super().process_message(msg, cell, cell_index)

    def _keep(self, msg):
        content = msg["content"].get("data", {}).get("content", {})
        for told, buffer in zip(content.get("series", ()), msg.get("buffers", ()), strict=False):
            steps = array("f", bytes(buffer))[: told["count"]]
            self.points.setdefault(told["name"], {}).update(enumerate(steps, told["from"]))


@pytest.mark.usefixtures("reachable")
def test_a_loop_of_twenty_thousand_steps_sends_few_messages_and_loses_no_point():
    cells = [nbformat.v4.new_code_cell(SETUP), nbformat.v4.new_code_cell(LOOP)]
    client = Counting(nbformat.v4.new_notebook(cells=cells))
    client.execute()
    seconds = client.moments[-1] - client.moments[0]
    assert len(client.moments) <= 12 * max(1.0, seconds) + 12, f"{len(client.moments)} in {seconds:.1f} s"
    assert sorted(client.points) == ["acc", "loss"]
    for arrived in client.points.values():
        assert [int(arrived[at]) for at in range(STEPS)] == list(range(STEPS))
