"""`mlexpert diff`: a notebook file and a workspace, compared and carried over, and all else left to the byte."""

import json
from pathlib import Path

import nbformat
import pytest
from IPython.utils.capture import capture_output

from mlexpert_nb import api
from mlexpert_nb.api.mirror import render
from mlexpert_nb.commands import Front, answer
from mlexpert_nb.display import render_text
from mlexpert_nb.display.cells import MIME
from mlexpert_nb.display.insertion import digest
from mlexpert_nb.errors import EnvironmentProblem, UnknownNameError, UsageError
from mlexpert_nb.options import parse
from mlexpert_nb.packages import Cell
from mlexpert_nb.workspace import Workspace

CELLS = (Cell("markdown", "# Model", "intro"), Cell("code", "size = 1", "size"), Cell("code", "print(size)", "show"))
MAGIC = "%%mlexpert implement --approve auto --workspace W\nmake it"


def deliver(root, cells=CELLS):
    """Commit what a finished run leaves: the cells, and the script of them."""
    workspace = Workspace.open(root)
    with workspace.stage() as stage:
        (stage.state / "cells.json").write_text(
            json.dumps([{"cell_type": c.cell_type, "source": c.source, "role": c.role} for c in cells])
        )
        stage.write("notebook_cells.py", render(cells))
        workspace.commit(stage, label="run", replaces={"notebook_cells.py"}, receipt="sha256:1")


def generated(cell, origin, **changed):
    meta = {
        "generated": True,
        "origin": origin,
        "index": [each.role for each in CELLS].index(cell.role),
        "role": cell.role,
        "digest": digest(cell.cell_type, cell.source),
    }
    make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    made = make(cell.source, metadata={"mlexpert": meta, "tags": ["mlexpert-generated"]})
    if cell.cell_type == "code":
        made.outputs = [nbformat.v4.new_output("stream", text="1\n")]
        made.execution_count = 2
    made.source = changed.get(cell.role, made.source)
    return made


def request(origin, **payload):
    data = {MIME: {"version": 1, "auto": True, "title": "t", "cells": [], **payload}, "text/plain": "card"}
    output = nbformat.v4.new_output("display_data", data=data)
    return nbformat.v4.new_code_cell(MAGIC, metadata={"mlexpert": {"id": origin}}, outputs=[output])


def write(path, *cells):
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    for at, cell in enumerate(notebook.cells):
        cell["id"] = f"user-{at}"
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Give a folder with a delivered workspace `W` and a notebook `n.ipynb` that shows its cells."""
    monkeypatch.chdir(tmp_path)
    deliver(tmp_path / "W")
    write(
        tmp_path / "n.ipynb",
        nbformat.v4.new_markdown_cell("mine"),
        request("m"),
        *(generated(cell, "m") for cell in CELLS),
        nbformat.v4.new_code_cell("after = size"),
    )
    return tmp_path


def diff(*words):
    """Carry out a diff; give the exit code, the JSON and the card's text."""
    found = answer(parse(["diff", *words]), Front("mlexpert", lambda _event: None, None, {}))
    return found.exit_code, found.json, render_text(found.card)


def states(facts):
    return {each["role"]: each["state"] for each in facts["cells"]}


def edit_notebook(path, **texts):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        role = cell.metadata.get("mlexpert", {}).get("role")
        cell.source = texts.get(role, cell.source)
    nbformat.write(notebook, path)


def edit_file(place, old, new):
    script = place / "W" / "notebook_cells.py"
    assert old in script.read_text()
    script.write_text(script.read_text().replace(old, new))


def sources(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return [cell.source for cell in notebook.cells]


ARGS = ("n.ipynb", "--workspace", "W")


def test_nothing_differs_after_a_run(place):
    code, facts, card = diff(*ARGS)
    assert code == 0
    assert set(states(facts).values()) == {"same"}
    assert "Notebook and workspace hold the same" in card
    assert "n.ipynb, as saved" in card
    assert "cell 2 (%%mlexpert implement" in card


def test_edits_on_both_sides_are_named_with_their_differences(place):
    edit_notebook(place / "n.ipynb", size="size = 2")
    edit_file(place, "print(size)", "print(size + 1)")
    code, facts, card = diff(*ARGS)
    assert code == 3
    assert states(facts) == {"intro": "same", "size": "edited in the notebook", "show": "edited in the file"}
    assert "2 cells differ" in card
    for line in ("-size = 1", "+size = 2", "+print(size + 1)", "diff n.ipynb --workspace W --to notebook"):
        assert line in card


def test_the_files_version_goes_into_the_notebook_and_nothing_else_changes(place):
    edit_notebook(place / "n.ipynb", size="size = 2")
    edit_file(place, "print(size)", "print(size + 1)")
    before = nbformat.read("n.ipynb", as_version=4)
    code, facts, card = diff(*ARGS, "--to", "notebook")
    assert (code, facts["carried"]) == (0, ["show"])
    assert "1 cell carried over" in card
    assert "edited in the file; carried over" in card
    after = nbformat.read("n.ipynb", as_version=4)
    changed = [at for at, pair in enumerate(zip(before.cells, after.cells, strict=True)) if pair[0] != pair[1]]
    assert changed == [4]
    show = after.cells[4]
    assert (show.source, show.outputs, show.execution_count, show.id) == ("print(size + 1)", [], None, "user-4")
    assert (show.metadata.mlexpert.edited, show.metadata.mlexpert.generated) == (True, False)
    assert "tags" not in show.metadata
    lines = set((place / "n.ipynb").read_text().splitlines())
    assert '   "source": [' in lines
    once = (place / "n.ipynb").read_bytes()
    assert "Nothing to carry over" in diff(*ARGS, "--to", "notebook")[2]
    assert (place / "n.ipynb").read_bytes() == once
    assert states(diff(*ARGS)[1]) == {"intro": "same", "size": "edited in the notebook", "show": "same"}


def test_the_notebooks_version_goes_into_the_file_and_undo_takes_it_back(place):
    edit_notebook(place / "n.ipynb", size="size = 2\n")
    script = place / "W" / "notebook_cells.py"
    before, notebook = script.read_text(), (place / "n.ipynb").read_bytes()
    code, facts, _ = diff(*ARGS, "--to", "files")
    assert (code, facts["carried"]) == (0, ["size"])
    assert script.read_text() == before.replace("size = 1", "size = 2")
    assert diff(*ARGS)[0] == 0
    assert [commit.label for commit in api.history("W")] == ["run", "diff --to files: size"]
    api.undo("W")
    assert (script.read_text(), (place / "n.ipynb").read_bytes()) == (before, notebook)


@pytest.mark.parametrize(("to", "wins"), [("notebook", "size = 3"), ("files", "size = 2")])
def test_a_cell_edited_on_both_sides_is_kept_unless_by_force(place, to, wins):
    edit_notebook(place / "n.ipynb", size="size = 2")
    edit_file(place, "size = 1", "size = 3")
    before = ((place / "n.ipynb").read_bytes(), (place / "W" / "notebook_cells.py").read_bytes())
    code, facts, card = diff(*ARGS, "--to", to)
    assert (code, facts["carried"], list(facts["conflicts"])) == (3, [], ["size"])
    assert ((place / "n.ipynb").read_bytes(), (place / "W" / "notebook_cells.py").read_bytes()) == before
    assert f"--to {to} --force" in card
    assert "edited in both, differently; kept" in card
    assert diff(*ARGS, "--to", to, "--force")[0] == 0
    assert wins in sources("n.ipynb")
    assert wins in (place / "W" / "notebook_cells.py").read_text()
    assert diff(*ARGS)[0] == 0


def test_a_newer_run_is_told_from_an_edit_and_goes_into_the_notebook_as_generated(place):
    deliver(place / "W", (CELLS[0], Cell("code", "size = 7", "size"), CELLS[2]))
    assert states(diff(*ARGS)[1])["size"] == "newer in the workspace"
    diff(*ARGS, "--to", "notebook")
    cell = nbformat.read("n.ipynb", as_version=4).cells[3]
    assert (cell.source, cell.metadata.mlexpert.generated) == ("size = 7", True)
    assert cell.metadata.mlexpert.digest == digest("code", "size = 7")
    assert diff(*ARGS)[0] == 0


def test_a_cell_that_one_side_lacks_is_put_back_there(place):
    notebook = nbformat.read("n.ipynb", as_version=4)
    del notebook.cells[3]
    nbformat.write(notebook, "n.ipynb")
    edit_file(place, '# %% role="show"\nprint(size)\n', "")
    assert states(diff(*ARGS)[1]) == {"intro": "same", "size": "missing in the notebook", "show": "missing in the file"}
    assert diff(*ARGS, "--to", "notebook")[0] == 0
    assert sources("n.ipynb") == ["mine", MAGIC, "# Model", "size = 1", "print(size)", "after = size"]
    assert diff(*ARGS, "--to", "files")[0] == 0
    assert diff(*ARGS)[0] == 0


def test_of_several_requests_the_one_that_fits_is_taken_and_the_others_are_counted(place):
    older = Cell("code", "size = 0", "size")
    write(
        place / "n.ipynb",
        request("x", workspace="elsewhere"),
        generated(CELLS[0], "x"),
        generated(older, "x"),
        request("m", workspace="W"),
        *(generated(cell, "m", size="size = 5") for cell in CELLS),
    )
    _, facts, card = diff(*ARGS)
    assert states(facts)["size"] == "edited in the notebook"
    assert "cell 4 (%%mlexpert" in card
    assert "1 other request in it has cells of these names" in " ".join(card.split())


def test_cells_of_another_workspace_are_not_taken_for_ours(place):
    deliver(place / "V", (Cell("code", "other = 1", "size"),))
    write(place / "n.ipynb", request("x", workspace="V"), generated(Cell("code", "other = 1", "size"), "x"))
    assert set(states(diff(*ARGS)[1]).values()) == {"missing in the notebook"}
    before = (place / "n.ipynb").read_bytes()
    with pytest.raises(UsageError, match=r"n.ipynb holds no cells of this workspace; run its request there first"):
        diff(*ARGS, "--to", "notebook")
    assert (place / "n.ipynb").read_bytes() == before


def test_a_script_with_windows_line_ends_is_not_different_and_keeps_them(place):
    script = place / "W" / "notebook_cells.py"
    script.write_bytes(script.read_bytes().replace(b"\n", b"\r\n"))
    assert diff(*ARGS)[0] == 0
    edit_notebook(place / "n.ipynb", size="size = 2")
    diff(*ARGS, "--to", "files")
    assert b"size = 2\r\n" in script.read_bytes()
    assert script.read_bytes().count(b"\n") == script.read_bytes().count(b"\r\n")


KERNEL = '{"name": "ir", "display_name": "R", "language": "R"}'
R = f'{{"nbformat": 4, "nbformat_minor": 4, "cells": [], "metadata": {{"kernelspec": {KERNEL}}}}}'


def _spoil(place, name, content):
    (place / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("spoil", "words", "message"),
    [
        ((), ("nope.ipynb", "--workspace", "W"), "no notebook nope.ipynb; give the path"),
        ((), ("--workspace", "W"), "diff which notebook\\? type: mlexpert diff NOTEBOOK.ipynb"),
        (("r.ipynb", R), ("r.ipynb", "--workspace", "W"), "r.ipynb is for r; mlexpert diff compares Python notebooks"),
        ((), ("n.ipynb", "--workspace", "V"), "no run has left cells in V; name the folder of a finished run with"),
        (("W/.mlexpert/cells.json", "["), ARGS, "cells.json cannot be read: .*; run the request again"),
        (("W/notebook_cells.py", "x = 1\n"), ARGS, "notebook_cells.py holds no cell of the run .*; mend it or move it"),
        (("W/notebook_cells.py", ""), ARGS, "notebook_cells.py holds no cell of the run"),
        (("W/notebook_cells.py", "# ---\n# jupyter: [\n# ---\n"), ARGS, "notebook_cells.py"),
        (("W/notebook_cells.py", b"\xff\xfe"), ARGS, r"notebook_cells.py is not UTF-8 text \(byte 0\); save it as"),
        ((), (*ARGS, "--to", "file"), "no --to named 'file'; did you mean 'files'\\?"),
    ],
)
@pytest.mark.parametrize("to", [(), ("--to", "notebook"), ("--to", "files")])
def test_what_cannot_be_compared_is_one_line_and_nothing_changes(place, spoil, words, message, to):
    edit_notebook(place / "n.ipynb", size="size = 2")
    if spoil:
        _spoil(place, *spoil)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=message) as error:
        diff(*words, *(() if "--to" in words else to))
    assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_an_unknown_side_is_an_unknown_name(place):
    with pytest.raises(UnknownNameError):
        diff(*ARGS, "--to", "both")


def test_a_read_only_notebook_is_not_replaced(place):
    edit_file(place, "size = 1", "size = 3")
    before = (place / "n.ipynb").read_bytes()
    (place / "n.ipynb").chmod(0o444)
    with pytest.raises(EnvironmentProblem, match=r"n.ipynb is read-only; nothing was changed: make it writable"):
        diff(*ARGS, "--to", "notebook")
    assert (place / "n.ipynb").read_bytes() == before


def test_a_cell_that_a_script_cannot_hold_is_refused_and_nothing_is_written(place):
    edit_notebook(place / "n.ipynb", size="size = '''")
    before = (place / "W" / "notebook_cells.py").read_bytes()
    with pytest.raises(UsageError, match="the cell 'size' cannot stand in a script"):
        diff(*ARGS, "--to", "files")
    assert (place / "W" / "notebook_cells.py").read_bytes() == before
    assert len(api.history("W")) == 1


def in_notebook(shell, line):
    """Run a line as VS Code does, which tells its kernels the notebook's path; give what was shown and the error."""
    shell.user_ns["__vsc_ipynb_file__"] = str(Path("n.ipynb").resolve())
    with capture_output() as captured:
        done = shell.run_cell(line)
    return " ".join(" ".join(each.data["text/plain"] for each in captured.outputs).split()), done.error_in_exec


@pytest.mark.parametrize("line", ["%mlexpert diff --workspace W", "drift = %mlexpert diff --workspace W"])
def test_in_a_notebook_the_file_is_found_and_an_unsaved_line_is_told(place, shell, line):
    shown, _ = in_notebook(shell, line)
    assert "n.ipynb, as saved" in shown
    assert "the notebook was not saved since this line was typed" in shown
    notebook = nbformat.read("n.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(line, id="last"))
    nbformat.write(notebook, "n.ipynb")
    assert "not saved" not in in_notebook(shell, line)[0]
    edit_file(place, "size = 1", "size = 3")
    before = (place / "n.ipynb").read_bytes()
    _, error = in_notebook(shell, f"{line} --to notebook")
    assert str(error).startswith("nothing was carried over: the notebook was not saved since")
    assert (place / "n.ipynb").read_bytes() == before


def test_in_a_notebook_that_nobody_names_the_command_says_what_to_type(place, shell):
    error = shell.run_cell("%mlexpert diff --workspace W").error_in_exec
    assert str(error) == "diff which notebook? type: %mlexpert diff NOTEBOOK.ipynb"
