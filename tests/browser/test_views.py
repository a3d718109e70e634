"""The views in real front ends: live while a cell runs, back after a reload, a picture when the kernel is gone."""

import json

import pytest

CURVES = "import math, time\nfrom mlexpert_widgets import LearningCurves\ncurves = LearningCurves()\ncurves"
TRAIN = """
for step in range(3000):
    curves.log(step, loss=math.exp(-step / 100), **({"val_loss": 0.5} if step % 10 == 0 else {}))
    time.sleep(0.01)
    if curves.stopped:
        break
print("stopped" if curves.stopped else "went through")
""".strip()
MODEL = """
import torch
from torch import nn
from mlexpert_widgets import ArchitectureView, Dashboard, MemoryMonitor, Recorder
layers = [nn.Sequential(nn.Linear(16, 16), nn.GELU()) for _ in range(12)]
model = nn.Sequential(nn.Embedding(50, 16), nn.Sequential(*layers), nn.Linear(16, 50))
ids = torch.zeros(1, 8, dtype=torch.long)
""".strip()
LARGE = """
class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.linear, self.act = nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()
    def forward(self, x):
        return x + self.act(self.linear(self.norm(x)))
large = nn.Sequential(*(nn.Sequential(*(Cell() for _ in range(50))) for _ in range(50)))
ArchitectureView(large, torch.zeros(1, 16))
""".strip()
INK = """place => {
  const c = document.querySelector(place);
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let n = 0;
  for (let i = 3; i < d.length; i += 4) n += d[i] > 0;
  return n;
}"""
DRAWN = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
  return JSON.stringify(cells[0].toJSON()).includes('val_loss');
}"""


def _live(front):
    return front.page.locator(".mlx-live")


def _picture(front):
    return front.page.locator(".mlx-frozen")


def _printed(cell):
    return "".join(output["text"] for output in cell["outputs"] if output["output_type"] == "stream")


def _html(cell):
    return "".join(cell["outputs"][0]["data"]["text/html"])


def test_a_curve_moves_while_its_cell_is_busy_and_stop_ends_the_loop(front):
    front.begin(CURVES, TRAIN)
    front.run(0)
    front.page.get_by_text("Waiting for the first point").first.wait_for()
    front.start(1)
    canvas = ".mlx-live canvas"
    front.page.wait_for_selector(canvas)
    seen = set()
    for _ in range(60):
        seen.add(front.page.evaluate(INK, canvas))
        if len(seen) >= 4:
            break
        front.page.wait_for_timeout(250)
    assert len(seen) >= 4, "the drawing changed"
    front.page.get_by_role("button", name="Stop training").click()
    front.finish()
    cells = front.cells()
    assert _printed(cells[1]) == "stopped\n"
    assert "val_loss" in _html(cells[0])
    assert "image/png" in cells[0]["outputs"][0]["data"]
    assert "widgets" not in json.loads(front.save())["metadata"]
    assert front.complaints() == []


def test_a_page_that_is_loaded_anew_shows_the_curve_while_the_cell_goes_on_and_keeps_its_end(lab):
    lab.begin(CURVES, TRAIN.replace("range(3000)", "range(1500)"))
    lab.run(0)
    lab.start(1)
    lab.page.wait_for_selector(".mlx-live canvas")
    lab.save()
    lab.page.reload()
    lab.page.wait_for_selector(".mlx-live canvas", timeout=15_000)
    before = lab.page.evaluate(INK, ".mlx-live canvas")
    lab.page.wait_for_timeout(1500)
    assert lab.page.evaluate(INK, ".mlx-live canvas") != before, "it moves, so the cell is still busy"
    lab.page.get_by_role("button", name="Stop training").click()
    lab.page.wait_for_function(DRAWN, timeout=20_000)
    assert "loss" in _html(lab.cells()[0])


def test_a_kernel_that_is_restarted_leaves_the_picture_and_so_does_a_file_without_one(lab):
    lab.begin(CURVES, "for step in range(200):\n    curves.log(step, loss=1 / (step + 1))", "print('fresh')")
    lab.run(0)
    lab.run(1)
    assert _picture(lab).first.is_hidden()
    lab.restart()
    _picture(lab).first.wait_for(state="visible")
    assert _live(lab).count() == 0
    assert lab.page.locator(".mlx-frozen svg path").count() > 0
    lab.save()
    lab.reload()
    _picture(lab).first.wait_for(state="visible")
    assert lab.page.get_by_text("model not found").count() == 0
    lab.run(2)
    assert _printed(lab.cells()[2]) == "fresh\n"


def test_a_module_that_is_selected_in_one_view_is_marked_in_the_others(lab):
    lab.begin(MODEL, "dash = Dashboard(model, Recorder(), example_inputs=ids, seconds=0.2)\ndash.show()", "model(ids);")
    lab.run(0)
    lab.run(1)
    lab.run(2)
    lab.page.locator(".mlx-memory").get_by_role("button", name="1.0", exact=True).click(timeout=10_000)
    lab.page.get_by_text("selected: 1.0").wait_for(timeout=10_000)
    chosen = lab.page.locator("[role=treeitem][aria-selected=true]")
    chosen.wait_for(timeout=10_000)
    assert "Sequential" in chosen.inner_text()
    assert lab.complaints() == []


def test_the_tree_is_walked_by_keys_and_search_opens_what_is_found(lab):
    lab.begin(MODEL, "ArchitectureView(model, ids)")
    lab.run(0)
    lab.run(1)
    tree = lab.page.get_by_role("tree")
    tree.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        lab.page.keyboard.press(key)
    chosen = lab.page.locator("[role=treeitem][aria-selected=true]")
    first = chosen.inner_text()
    lab.page.keyboard.press("ArrowUp")
    assert chosen.inner_text() != first
    search = lab.page.get_by_role("searchbox").or_(lab.page.get_by_role("combobox", name="Search modules")).first
    search.fill("1.7.0")
    search.press("Enter")
    lab.page.locator("dd").get_by_text("1.7.0", exact=True).wait_for(timeout=10_000)
    assert lab.sources()[1] == "ArchitectureView(model, ids)", "no key went into the notebook"


@pytest.mark.parametrize("dark", [False, True])
def test_ten_thousand_modules_are_drawn_with_few_boxes(lab, dark):
    lab.begin(MODEL, LARGE)
    lab.dark(on=dark)
    lab.run(0)
    lab.run(1)
    lab.page.get_by_role("tree").wait_for()
    assert lab.page.locator(".mlx-live svg rect").count() < 600
    assert lab.page.get_by_role("treeitem").count() < 60
    assert len(_html(lab.cells()[1])) < 150_000
    lab.dark(on=False)
    assert lab.complaints() == []
