"""Undo from the card and from a cell: notebook and workspace as before the run, to the byte; what was written stays."""

import pytest
from browser.front import request

LOAD = "%load_ext mlexpert_nb\nimport standin"
ONE = [["markdown", "### Model", "intro"], ["code", "size = 1\nprint(size)", "size"]]
TWO = [ONE[0], ["code", "size = 2", "size"], ["code", "print('extra')", "extra"]]
AFTER = "print('after')"


@pytest.fixture
def tour(front):
    front.begin(LOAD, request(ONE), AFTER)
    front.run(0)
    return front


def _workspace(front):
    """Everything in the workspace: path and bytes; None if it is not there."""
    root = front.path.parent / "W"
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files} if root.exists() else None


def test_the_cards_undo_gives_back_the_bytes_of_notebook_and_workspace(tour):
    before = tour.save()
    tour.run(1)
    assert "src/model.py" in _workspace(tour)
    tour.run(3)
    assert tour.save() != before
    tour.click("Undo")
    tour.page.wait_for_function("() => !document.querySelector('.mlx-card')")
    assert tour.save() == before
    assert _workspace(tour) is None
    assert tour.complaints() == []


def test_undo_works_after_the_page_was_loaded_anew_and_keeps_what_was_written(tour):
    tour.run(1)
    tour.edit(3, "size = 42  # mine")
    tour.save()
    tour.reload()
    tour.page.wait_for_selector(".mlx-card")
    tour.click("Undo")
    tour.page.wait_for_function("() => !document.querySelector('.mlx-card')")
    assert tour.sources() == [LOAD, request(ONE), "size = 42  # mine", AFTER]
    assert "mlexpert" not in tour.cells()[1]["metadata"]
    assert _workspace(tour) is None


def test_two_runs_are_taken_back_one_after_the_other(tour):
    empty, nothing = tour.save(), _workspace(tour)
    tour.run(1)
    once, workspace = tour.cells(), _workspace(tour)
    tour.edit(1, request(TWO))
    tour.run(1)
    tour.click("Undo")
    tour.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.model.cells.length === 5")
    assert [cell["source"] for cell in tour.cells()[2:]] == [cell["source"] for cell in once[2:]]
    assert tour.cells()[1]["outputs"] == once[1]["outputs"], "the card is that of the first run again"
    assert _workspace(tour) == workspace
    tour.edit(1, request(ONE))
    tour.click("Undo")
    tour.page.wait_for_function("() => !document.querySelector('.mlx-card')")
    assert tour.save() == empty
    assert _workspace(tour) == nothing


def test_undo_typed_in_a_cell_takes_the_cells_out_too(tour):
    tour.run(1)
    tour.edit(4, "%mlexpert undo W")
    tour.run(4)
    assert tour.sources() == [LOAD, request(ONE), "%mlexpert undo W"]
    assert tour.cells()[1]["outputs"] == []
    assert tour.cells()[1]["execution_count"] is None
    tour.said("taken back: the workspace and the notebook are as before the run")
    assert _workspace(tour) is None


def test_history_lists_the_runs_with_their_receipts(tour):
    tour.run(1)
    receipt = tour.cells()[1]["outputs"][0]["data"]["application/vnd.mlexpert.cells.v1+json"]["receipt"]
    tour.edit(4, "%mlexpert history W")
    tour.run(4)
    shown = tour.cells()[4]["outputs"][0]["data"]["text/plain"]
    assert "Implement it" in shown
    assert receipt[:19] in shown


def test_a_later_run_is_not_taken_back_in_place_of_the_one_on_the_card(tour):
    tour.run(1)
    tour.edit(4, request(TWO, title="Something else"))
    tour.run(4)
    before = tour.sources()
    tour.click("Undo")
    tour.said("undo that first")
    assert tour.sources() == before


def test_without_the_extension_in_the_kernel_the_card_says_what_to_run(tour):
    tour.run(1)
    before = tour.sources()
    tour.restart()
    tour.click("Undo")
    tour.said("not undone: the kernel does not know mlexpert_nb; run %load_ext mlexpert_nb and try again")
    assert tour.sources() == before
    assert _workspace(tour) is not None


def test_an_edited_file_is_not_lost_by_an_undo(tour):
    tour.run(1)
    model = tour.path.parent / "W" / "src" / "model.py"
    model.write_text("# mine\n")
    before = tour.sources()
    tour.click("Undo")
    tour.said("not undone: src/model.py changed since")
    assert (tour.sources(), model.read_text()) == (before, "# mine\n")


@pytest.fixture
def lab(lab):
    lab.begin(LOAD, request(ONE), AFTER)
    lab.run(0)
    return lab


def _undone(front, cells):
    front.page.wait_for_function(
        "n => window.jupyterapp.shell.currentWidget.content.model.cells.length === n", arg=cells, timeout=10_000
    )
    front.page.wait_for_timeout(300)


def test_a_run_that_changed_no_cell_is_taken_back_without_the_one_before_it(lab):
    lab.run(1)
    once = lab.cells()[1]["outputs"]
    lab.edit(1, request(ONE, title="Said in other words"))
    lab.run(1)
    lab.click("Undo")
    lab.page.wait_for_function("() => document.querySelectorAll('.mlx-card').length === 1")
    lab.page.wait_for_timeout(500)
    assert lab.sources()[2:] == ["### Model", "size = 1\nprint(size)", AFTER]
    assert lab.cells()[1]["outputs"] == once


def test_undo_reaches_a_busy_kernel_and_is_not_carried_out_twice(lab):
    lab.run(1)
    lab.edit(4, "import time\ntime.sleep(9)\nprint('slept')")
    lab.start(4)
    lab.page.wait_for_timeout(500)
    lab.click("Undo")
    lab.page.wait_for_function("() => !document.querySelector('.mlx-card')", timeout=6_000)
    assert _workspace(lab) is None
    assert lab.cells()[-1]["outputs"] == [], "the cell is still running"
    lab.finish()


def test_discard_undone_by_the_key_and_then_the_run_leaves_nothing_behind(lab):
    before = lab.save()
    lab.run(1)
    lab.click("Discard")
    lab.said("removed")
    lab.page.wait_for_timeout(600)
    lab.undo()
    lab.click("Undo")
    _undone(lab, 3)
    assert lab.save() == before


def test_a_dropped_cell_that_is_back_already_is_not_put_back_again(lab):
    lab.run(1)
    lab.edit(1, request(ONE[:1]))
    lab.run(1)
    lab.page.wait_for_timeout(600)
    lab.undo()
    assert len(lab.cells()) == 5
    lab.click("Undo")
    lab.page.wait_for_timeout(1500)
    ids = [cell["id"] for cell in lab.cells()]
    assert len(ids) == len(set(ids)) == 5


def test_what_was_made_of_the_request_since_stays(lab):
    lab.run(1)
    lab.page.evaluate(
        "() => { const c = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[1];"
        " c.setMetadata('tags', ['mine']); }"
    )
    lab.edit(1, "print('hours of work')")
    lab.run(1)
    lab.edit(4, "%mlexpert undo W")
    lab.run(4)
    cell = lab.cells()[1]
    assert (cell["source"], cell["outputs"][0]["text"]) == ("print('hours of work')", "hours of work\n")
    assert cell["metadata"]["tags"] == ["mine"]


def test_a_tag_on_the_request_survives_the_undo(lab):
    lab.run(1)
    lab.page.evaluate(
        "() => { const c = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[1];"
        " c.setMetadata('tags', ['mine']); }"
    )
    lab.click("Undo")
    _undone(lab, 3)
    metadata = lab.cells()[1]["metadata"]
    assert (metadata["tags"], "mlexpert" in metadata) == (["mine"], False)


def test_a_run_taken_back_in_another_way_leaves_the_notebooks_part_to_the_card(lab):
    lab.run(1)
    lab.edit(4, "import mlexpert_nb\nprint(mlexpert_nb.undo('W').commit.label)")
    lab.run(4)
    assert _workspace(lab) is None
    lab.click("Undo")
    _undone(lab, 3)
    assert lab.sources()[:2] == [LOAD, request(ONE)]


def test_an_output_that_only_looks_like_an_undo_takes_nothing_out(lab):
    lab.run(1)
    mime = "application/vnd.mlexpert.cells.v1+json"
    receipt = lab.cells()[1]["outputs"][0]["data"][mime]["receipt"]
    lab.edit(
        4,
        f"from IPython.display import display\ndisplay({{{mime!r}: {{'version': 1, 'cells': [], "
        f"'undoes': {receipt!r}}}, 'text/plain': 'x'}}, raw=True)",
    )
    before = lab.sources()
    lab.run(4)
    assert lab.sources() == before
    assert lab.cells()[1]["outputs"]
