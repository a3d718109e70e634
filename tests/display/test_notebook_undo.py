"""`mlexpert undo NOTEBOOK` and `%mlexpert undo` inside one: the bytes from before, never less than the user wrote."""

import json
from pathlib import Path

import nbformat
import pytest

from mlexpert_nb import api
from mlexpert_nb.commands import Front, answer
from mlexpert_nb.display import run_notebook
from mlexpert_nb.display.notebook_record import MAX_RECORDS
from mlexpert_nb.errors import CellFailedError, ConflictError, EnvironmentProblem, UsageError
from mlexpert_nb.options import parse

pytestmark = pytest.mark.usefixtures("reachable")

SETUP = """
from IPython.display import display
from mlexpert_nb import api
from mlexpert_nb.display import About, Card, NotebookProgress, result_bundle, undo_bundle
from mlexpert_nb.packages import Cell, Event
from mlexpert_nb.workspace import Workspace

def ask(where, number):
    "Deliver a file under a receipt, unless it is there already, as a magic cell does."
    workspace, receipt = Workspace.open(where), f"sha256:{number}"
    progress = NotebookProgress()
    with progress:
        progress(Event("phase", "plan"))
        if receipt not in [commit.receipt for commit in workspace.history()]:
            progress(Event("phase", "commit"))
            with workspace.stage() as stage:
                stage.write(f"{number}.py", "x = 1\\n")
                workspace.commit(stage, label=f"run {number}", receipt=receipt)
    about = About(Card("good", "done"), where, receipt)
    cells = [Cell("markdown", "# Model", "title"), Cell("code", f"size = {number}", "size")]
    progress.finish(result_bundle(cells, about, title="t"), status="implementation_complete")

def undo(where):
    display(undo_bundle(Card("good", "Taken back"), api.undo(where).commit.receipt), raw=True)
""".strip()


def write(path, *sources, minor=5):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.nbformat_minor = minor
    for at, cell in enumerate(notebook.cells):
        if minor >= 5:
            cell["id"] = f"user-{at}"
        else:
            cell.pop("id", None)
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "n.ipynb", SETUP, "ask('W', 1)", "ask('V', 2)", "print(size)")


def run(path):
    return run_notebook(Path(path), None, lambda _event: None)


def undo(*words):
    found = answer(parse(["undo", *map(str, words)]), Front("mlexpert", lambda _event: None, None, {}))
    assert found.exit_code == 0
    return found.json


def sources(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return [cell.source for cell in notebook.cells]


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook.cells)
    nbformat.write(notebook, path)


def test_undo_of_a_notebook_gives_back_its_bytes_and_every_workspace(notebook, tmp_path):
    (tmp_path / "V").mkdir()
    (tmp_path / "V" / "mine.txt").write_text("mine\n")
    before = files(tmp_path)
    run(notebook)
    assert sources(notebook)[2:4] == ["# Model", "size = 1"]
    assert {"W/1.py", "V/2.py"} <= files(tmp_path).keys()
    facts = undo(notebook)
    assert files(tmp_path) == before
    assert not (tmp_path / ".ipynb_checkpoints").exists()
    assert [each["workspace"] for each in facts["runs"]] == [str(tmp_path / "V"), str(tmp_path / "W")]
    assert facts["edited"] is False


def test_each_run_is_taken_back_in_turn_and_one_that_changed_nothing_leaves_no_record(notebook, tmp_path):
    first = notebook.read_bytes()
    run(notebook)
    second = files(tmp_path)
    assert not run(notebook).changed
    assert len(list((tmp_path / ".ipynb_checkpoints").iterdir())) == 1
    edit(notebook, lambda cells: cells.append(nbformat.v4.new_code_cell("ask('W', 3)", id="more")))
    typed = notebook.read_bytes()
    run(notebook)
    undo(notebook)
    assert notebook.read_bytes() == typed
    assert [commit.receipt for commit in api.history("W")] == ["sha256:1"]
    notebook.write_bytes(second["n.ipynb"])
    undo(notebook)
    assert (notebook.read_bytes(), list(tmp_path.iterdir())) == (first, [notebook])
    with pytest.raises(UsageError, match=r"nothing to undo in .*n.ipynb; no mlexpert run has changed it"):
        undo(notebook)


@pytest.mark.parametrize("minor", [5, 4])
def test_what_was_written_since_the_run_stays(tmp_path, monkeypatch, minor):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "n.ipynb", SETUP, "ask('W', 1)", "print(size)", minor=minor)
    run(path)

    def change(cells):
        cells[3].source = "size = 42  # mine"
        new = nbformat.v4.new_code_cell("new = 1", id="new")
        if minor == 4:
            new.pop("id")
        cells.append(new)

    edit(path, change)
    assert undo(path)["edited"] is True
    notebook = nbformat.read(path, as_version=4)
    assert [cell.source for cell in notebook.cells] == [
        SETUP, "ask('W', 1)", "size = 42  # mine", "print(size)", "new = 1",
    ]  # fmt: skip
    assert notebook.cells[1].outputs == []
    assert "mlexpert" not in notebook.cells[1].metadata
    assert not (tmp_path / "W").exists()


def test_a_file_edited_since_stops_the_undo_and_the_notebook_is_as_it_was(notebook, tmp_path):
    run(notebook)
    (tmp_path / "W" / "1.py").write_text("mine\n")
    before = notebook.read_bytes()
    with pytest.raises(ConflictError, match=r"W: 1.py changed since; .* with --force; n.ipynb is as it was"):
        undo("n.ipynb")
    assert (notebook.read_bytes(), (tmp_path / "W" / "1.py").read_text()) == (before, "mine\n")
    undo("n.ipynb", "--force")
    assert list(tmp_path.iterdir()) == [notebook]


def test_a_run_that_was_taken_back_in_its_workspace_already_is_passed_over(notebook, tmp_path):
    before = notebook.read_bytes()
    run(notebook)
    api.undo("W")
    assert [each["commit"]["receipt"] for each in undo(notebook)["runs"]] == ["sha256:2"]
    assert notebook.read_bytes() == before


def test_a_later_run_in_the_same_workspace_must_be_taken_back_first(notebook, tmp_path):
    run(notebook)
    other = write(tmp_path / "other.ipynb", SETUP, "ask('W', 3)")
    run(other)
    with pytest.raises(ConflictError, match=r"'run 3' was run in .*W since; nothing was undone: undo that first"):
        undo(notebook)
    undo(other)
    undo(notebook)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n.ipynb", "other.ipynb"]


def test_a_run_that_failed_can_be_taken_back_in_its_workspaces(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "n.ipynb", SETUP, "ask('W', 1)", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellFailedError):
        run(path)
    assert undo(path)["edited"] is False
    assert (path.read_bytes(), (tmp_path / "W").exists()) == (before, False)


def test_a_run_into_another_file_keeps_no_record(notebook, tmp_path):
    run_notebook(notebook, tmp_path / "out.ipynb", lambda _event: None)
    with pytest.raises(UsageError, match="nothing to undo in"):
        undo(notebook)


def test_only_the_newest_records_are_kept(tmp_path):
    path = write(tmp_path / "n.ipynb", "print(1)")
    run(path)
    folder = tmp_path / ".ipynb_checkpoints"
    (record,) = folder.iterdir()
    assert record.name == "n-mlexpert-0001.json"
    for number in range(2, MAX_RECORDS + 2):
        record.with_name(f"n-mlexpert-{number:04d}.json").write_bytes(record.read_bytes())
    record.with_name("n-checkpoint.ipynb").write_text("{}")
    edit(path, lambda cells: cells.append(nbformat.v4.new_code_cell("2", id="b")))
    run(path)
    names = sorted(each.name for each in folder.iterdir())
    assert len(names) == MAX_RECORDS + 1
    assert (names[0], names[1], names[-1]) == ("n-checkpoint.ipynb", "n-mlexpert-0003.json", "n-mlexpert-0022.json")


@pytest.mark.parametrize("damage", ["{", "[]", '{"before": 1}'])
def test_a_damaged_record_is_one_line_and_nothing_changes(notebook, tmp_path, damage):
    run(notebook)
    (tmp_path / ".ipynb_checkpoints" / "n-mlexpert-0001.json").write_text(damage)
    before = files(tmp_path)
    with pytest.raises(EnvironmentProblem, match=r"cannot be read: .*; nothing was undone: move it away"):
        undo(notebook)
    assert files(tmp_path) == before


def test_a_read_only_notebook_is_left_alone_and_its_workspaces_too(notebook, tmp_path):
    run(notebook)
    before = files(tmp_path)
    notebook.chmod(0o444)
    with pytest.raises(EnvironmentProblem, match=r"n.ipynb is read-only; nothing was changed: make it writable"):
        undo(notebook)
    assert files(tmp_path) == before


def test_a_run_whose_record_could_not_be_kept_is_refused_before_it_starts(notebook, tmp_path):
    (tmp_path / ".ipynb_checkpoints").write_text("a file")
    before = files(tmp_path)
    with pytest.raises(EnvironmentProblem, match=r"\.ipynb_checkpoints cannot be written, and undo needs it; repair"):
        run(notebook)
    assert files(tmp_path) == before


def test_an_undo_cell_takes_the_cells_of_its_run_out_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "n.ipynb", SETUP, "ask('W', 1)", "ask('V', 2)", "kept = size", "undo('V')", "kept")
    run(path)
    assert sources(path) == [
        SETUP, "ask('W', 1)", "# Model", "size = 1", "ask('V', 2)", "kept = size", "undo('V')", "kept",
    ]  # fmt: skip
    assert nbformat.read(path, as_version=4).cells[-1].outputs[0].data["text/plain"] == "2"
    once = path.read_bytes()
    assert not run(path).changed
    assert path.read_bytes() == once
    records = sorted((tmp_path / ".ipynb_checkpoints").iterdir())
    assert [each["receipt"] for each in json.loads(records[0].read_bytes())["runs"]] == ["sha256:1"]


def test_an_undo_cell_takes_out_what_an_earlier_run_put_in_but_not_what_was_edited(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "n.ipynb", SETUP, "ask('W', 1)")
    run(path)

    def change(cells):
        cells[2].source = "# My model"
        cells.append(nbformat.v4.new_code_cell("undo('W')", id="undo"))

    edit(path, change)
    run(path)
    assert sources(path) == [SETUP, "ask('W', 1)", "# My model", "undo('W')"]
    assert not (tmp_path / "W").exists()
