"""`%mlexpert diff` in an open notebook: what differs from the workspace, and carried over under the user's hands."""

import pytest
from browser.front import request

from mlexpert_nb.api.mirror import MIRROR, parse

LOAD = "%load_ext mlexpert_nb\nimport standin"
ONE = [["markdown", "### Model", "intro"], ["code", "size = 1", "size"], ["code", "print(size)", "show"]]
DIFF = "%mlexpert diff --workspace W"


@pytest.fixture
def tour(front):
    front.begin(LOAD, request(ONE), DIFF)
    front.run(0)
    front.run(1)
    return front


@pytest.fixture
def script(tour):
    return tour.path.parent / "W" / MIRROR


def _shown(front, index):
    return front.cells()[index]["outputs"][0]["data"]["text/plain"]


def test_a_cell_edited_here_and_a_file_edited_there_are_both_shown(tour, script):
    tour.edit(3, "size = 42")
    script.write_text(script.read_text().replace("print(size)", "print(size, 'file')"))
    tour.save()
    tour.run(5)
    shown = _shown(tour, 5)
    assert "2 cells differ" in shown
    assert "+size = 42" in shown
    assert "+print(size, 'file')" in shown


def test_the_files_edits_come_into_the_open_notebook_in_one_undo_step(tour, script):
    script.write_text(script.read_text().replace("print(size)", "print(size, 'file')"))
    tour.edit(5, f"{DIFF} --to notebook")
    saved = tour.save()
    tour.run(5)
    assert tour.sources()[2:5] == ["### Model", "size = 1", "print(size, 'file')"]
    assert tour.cells()[4]["metadata"]["mlexpert"]["edited"] is True
    assert tour.path.read_bytes() == saved, "the file is left to the front end that has it open"
    tour.said("1 cell carried over")
    tour.undo()
    assert tour.sources()[4] == "print(size)"
    tour.redo()
    tour.run(1)
    assert "print(size, 'file')" in tour.sources(), "a later run keeps it"
    assert tour.complaints() == []


def test_an_edit_that_is_not_saved_is_not_overwritten(tour, script):
    script.write_text(script.read_text().replace("print(size)", "print(size, 'file')"))
    tour.edit(5, f"{DIFF} --to notebook")
    tour.save()
    tour.edit(4, "print('mine, not saved')")
    tour.run(5)
    tour.said("changed since the notebook was saved, and kept: show")
    assert tour.sources()[4] == "print('mine, not saved')"


def test_the_notebooks_edits_go_into_the_script(tour, script):
    tour.edit(3, "size = 42")
    tour.edit(5, f"{DIFF} --to files")
    tour.save()
    tour.run(5)
    assert [cell.source for cell in parse(script.read_text())] == ["### Model", "size = 42", "print(size)"]
    tour.edit(5, DIFF)
    tour.save()
    tour.run(5)
    assert "Notebook and workspace hold the same" in _shown(tour, 5)


def test_a_notebook_that_was_not_saved_is_asked_for(tour):
    tour.edit(5, f"{DIFF} --to files")
    tour.run(5)
    assert "the notebook was not saved since this line was typed; save it" in str(tour.cells()[5]["outputs"])
