"""The ground that the other browser tests stand on: both front ends run cells quietly, and share if asked."""

import pytest
from browser.front import request

LOAD = "%load_ext mlexpert_nb\nimport standin"
ONE = [["code", "size = 1", "size"]]
SECOND_PAGE = "Comm not found for comm id"  # its ipywidgets open a comm and close it, which the first has not heard of


@pytest.fixture
def notebook(front):
    front.begin(LOAD, request(ONE), "print(1 + 1)")
    return front


def _rooms(front):
    return [each for each in front.sockets if "/api/collaboration/" in each]


def test_a_request_gets_its_card_and_its_cells_without_a_complaint(notebook):
    for index in range(3):
        notebook.run(index)
    assert "Implementation complete" in notebook.card.inner_text()
    assert notebook.sources() == [LOAD, request(ONE), "size = 1", "print(1 + 1)"]
    notebook.restart_and_run_all()
    cells = notebook.cells()
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3, 4]
    assert cells[3]["outputs"][0]["text"] == "2\n"
    assert notebook.complaints() == []


def test_cells_are_copied_moved_split_merged_and_deleted(front):
    front.begin("a\nb", "c")
    front.copy(1)
    front.paste(0)
    assert front.sources() == ["a\nb", "c", "c"]
    front.move(0, up=False)
    front.split(1, line=1)
    assert front.sources() == ["c", "a", "b", "c"]
    front.merge(1, 3)
    assert front.sources() == ["c", "a\n\nb\n\nc"]
    front.page.wait_for_timeout(600)  # what follows within half a second is undone together
    front.delete(0)
    assert front.sources() == ["a\n\nb\n\nc"]
    front.undo()
    assert front.sources() == ["c", "a\n\nb\n\nc"]
    front.redo()
    assert front.sources() == ["a\n\nb\n\nc"]


def test_a_document_belongs_to_one_page_alone_and_is_saved_when_asked(notebook):
    before = notebook.path.read_bytes()
    notebook.edit(2, "print('edited')")
    assert _rooms(notebook) == []
    assert notebook.path.read_bytes() == before
    assert b"print('edited')" in notebook.save()


def test_a_shared_document_is_the_same_on_both_pages(fronts, shared_server):
    lab, notebook = fronts(shared_server, "lab"), fronts(shared_server, "notebook")
    lab.write("shared.ipynb", LOAD, request(ONE), "print(1 + 1)")
    notebook.open(lab.path)
    assert _rooms(lab)
    assert _rooms(notebook)
    lab.run(0)
    lab.run(1)
    notebook.wait_for_cells(4)
    assert notebook.cells() == lab.cells()
    assert lab.sources()[2] == "size = 1"
    heard = [each for each in lab.complaints() if not each.startswith(SECOND_PAGE)]
    assert heard == notebook.complaints() == []


def test_both_themes(notebook):
    for on in (True, False):
        notebook.dark(on=on)
        assert notebook.screenshot("smoke").stat().st_size > 10_000
