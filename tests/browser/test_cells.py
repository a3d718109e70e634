"""Cells of a run in JupyterLab and Notebook 7: inserted, replaced, undone, edited, kept, and never lost."""

import nbformat
import pytest
from browser.front import request

from mlexpert_nb.display.insertion import digest

LOAD = "%load_ext mlexpert_nb\nimport standin"
ONE = [["markdown", "### Model", "intro"], ["code", "size = 1\nprint(size)", "size"], ["code", "print('loop')", "loop"]]
TWO = [ONE[0], ["code", "size = 2\nprint(size)", "size"], ONE[2], ["code", "print('extra')", "extra"]]
THREE = [ONE[0], ["code", "size = 3\nprint(size)", "size"], ONE[2]]
AFTER = "print('after')"


def _texts(cells):
    return [source for _, source, _ in cells]


def _marks(cell):
    return cell["metadata"].get("mlexpert", {})


@pytest.fixture
def tour(front):
    """A notebook with a request in its second cell, in a folder of its own, and the extension loaded in its kernel."""
    front.begin(LOAD, request(ONE), AFTER)
    front.run(0)
    return front


def test_the_whole_way_of_a_request(tour):
    empty = tour.sources()
    tour.run(1)
    first = tour.cells()
    assert tour.sources() == [*empty[:2], *_texts(ONE), AFTER]
    tour.said("3 cells inserted")
    for index in (3, 4):
        tour.run(index)
    assert [cell.get("execution_count") for cell in tour.cells()[3:5]] == [3, 4]

    tour.edit(1, request(TWO))
    tour.run(1)
    assert tour.sources()[2:] == [*_texts(TWO), AFTER]
    assert tour.cells()[3]["id"] == first[3]["id"], "a replaced cell keeps its id"
    tour.undo()
    assert tour.sources()[2:] == [*_texts(ONE), AFTER]
    assert tour.cells()[3]["execution_count"] == 3, "with its outputs"
    tour.undo()
    assert tour.sources()[2:] == [AFTER]
    tour.redo()
    assert tour.sources()[2:] == [*_texts(ONE), AFTER]
    tour.redo()
    assert tour.sources()[2:] == [*_texts(TWO), AFTER]

    tour.edit(3, "size = 42  # mine")
    tour.edit(1, request(THREE))
    tour.run(1)
    intro, mine, offer, loop = tour.cells()[2:6]
    assert (mine["source"], _marks(mine)["edited"]) == ("size = 42  # mine", True)
    assert (offer["cell_type"], offer["source"].splitlines()[1:]) == ("raw", ["size = 3", "print(size)"])
    assert (intro["source"], loop["source"], tour.sources()[6:]) == ("### Model", "print('loop')", [AFTER])
    saved = nbformat.reads(tour.save().decode(), as_version=4)
    assert [cell.source for cell in saved.cells] == tour.sources()

    tour.click("Discard")
    tour.said("removed 3 cells")
    assert tour.sources()[2:] == ["size = 42  # mine", AFTER]
    tour.click("Insert")
    assert tour.sources()[2:] == ["### Model", "size = 42  # mine", offer["source"], "print('loop')", AFTER]
    assert tour.complaints() == []


def test_marks_and_ids_are_those_that_a_headless_run_gives(tour):
    tour.run(1)
    cells = tour.cells()
    origin = _marks(cells[1])["id"]
    for index, (kind, source, role) in enumerate(ONE):
        expected = {"generated": True, "origin": origin, "index": index, "role": role, "digest": digest(kind, source)}
        assert _marks(cells[2 + index]) == expected
    saved = nbformat.reads(tour.save().decode(), as_version=4)
    assert saved.cells[3].metadata.tags == ["nbval-ignore-output", "mlexpert-generated"]
    assert "trusted" not in saved.cells[3].metadata


def test_the_same_plan_again_is_not_one_line_of_difference(tour):
    tour.run(1)
    saved = []
    for _ in range(2):  # the first time round, JupyterLab has sent the cells before the new ones were there
        tour.restart()
        tour.run_all()
        saved.append(tour.save())
    assert saved[0] == saved[1]


def test_one_changed_cell_is_a_difference_of_that_cell_alone(tour):
    tour.run(1)
    before = nbformat.reads(tour.save().decode(), as_version=4)
    tour.edit(1, request(THREE))
    tour.run(1)
    after = nbformat.reads(tour.save().decode(), as_version=4)
    differs = [at for at, (a, b) in enumerate(zip(before.cells, after.cells, strict=True)) if a != b]
    assert differs == [1, 3], "the request, which was typed over, and the cell that changed"


def test_run_all_runs_the_generated_cells_where_they_are(tour):
    tour.run(1)
    tour.run_all()
    tour.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.model.cells.get(5).outputs.length")
    cells = tour.cells()
    assert [cell["outputs"][0]["text"] for cell in cells[3:]] == ["1\n", "loop\n", "after\n"]


def test_nothing_is_inserted_when_a_notebook_is_opened(tour):
    tour.run(1)
    tour.click("Discard")
    tour.said("removed 3 cells")
    tour.save()
    tour.reload()
    tour.page.wait_for_selector(".mlx-card")
    assert tour.sources()[2:] == [AFTER]
    tour.page.get_by_text("not in the notebook", exact=True).nth(2).wait_for()
    tour.click("Insert")
    tour.page.get_by_text("in the notebook", exact=True).nth(2).wait_for()
    assert tour.sources()[2:] == [*_texts(ONE), AFTER]


def test_the_cell_that_was_active_stays_active(tour):
    tour.start(1)
    tour.select(2)
    tour.finish()
    assert tour.sources()[tour.active()] == AFTER


def test_a_copied_request_has_cells_of_its_own(tour):
    tour.run(1)
    tour.select(1)
    tour.do("notebook:copy-cell")
    tour.select(5)
    tour.do("notebook:paste-cell-below")
    tour.run(6)
    cells = tour.cells()
    assert [cell["source"] for cell in cells[7:]] == _texts(ONE)
    assert _marks(cells[6])["id"] != _marks(cells[1])["id"]
    assert [cell["source"] for cell in cells[2:5]] == _texts(ONE)


def test_moved_split_merged_and_deleted_cells(tour):
    tour.run(1)
    tour.select(4)
    tour.do("notebook:move-cell-up")  # loop above size
    tour.edit(1, request(THREE))
    tour.run(1)
    assert tour.sources()[2:5] == ["### Model", "print('loop')", "size = 3\nprint(size)"]
    tour.select(4)
    tour.page.evaluate(
        "() => { const e = window.jupyterapp.shell.currentWidget.content.activeCell.editor;"
        " window.jupyterapp.shell.currentWidget.content.mode = 'edit'; e.setCursorPosition({line: 1, column: 0}); }"
    )
    tour.do("notebook:split-cell-at-cursor")
    assert tour.sources()[4:6] == ["size = 3", "print(size)"]
    tour.edit(1, request(TWO))
    tour.run(1)
    kept = tour.sources()
    assert "size = 3" in kept
    assert "print(size)" in kept
    tour.select(3)
    tour.do("notebook:delete-cell")
    tour.run(1)
    assert tour.sources().count("print('loop')") == 1, "a deleted cell comes back with the next run, once"


def test_a_read_only_notebook_is_refused_with_the_reason(tour):
    def read_only(route):
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "writable": False})

    tour.page.route(f"**/api/contents/**/{tour.path.name}?*", read_only)  # root may write every file
    tour.reload()
    before = tour.sources()
    tour.run(1)
    tour.said("not inserted: the file is read-only; save a copy under another name")
    tour.click("Discard")
    assert tour.sources() == before


def test_one_by_one_and_by_row(tour):
    tour.run(1)
    tour.click("Discard")
    tour.said("removed 3 cells")
    tour.card.get_by_role("button", name="Insert one by one (3 left)").click()
    assert tour.sources()[2:] == ["### Model", AFTER]
    tour.card.get_by_role("button", name="Insert or show cell 3, loop").click()
    assert tour.sources()[2:] == ["### Model", "print('loop')", AFTER]
    tour.card.get_by_role("button", name="Insert one by one (1 left)").click()
    assert tour.sources()[2:] == [*_texts(ONE), AFTER]


def test_a_file_is_opened_beside_the_notebook(tour, app):
    tour.run(1)
    tour.card.get_by_role("button", name="Open file docs/architecture.md").click()
    tour.said("is not there; the workspace may have been moved or the run taken back")
    if app == "lab":
        tour.card.get_by_role("button", name="Open file src/model.py").click()
        tour.page.wait_for_selector(".jp-FileEditor")
    else:
        with tour.page.expect_popup() as popup:
            tour.card.get_by_role("button", name="Open file src/model.py").click()
        assert popup.value.url.endswith("/src/model.py")
