"""`mlexpert run`: a real kernel through nbclient; cells appear once, edits stay, files are whole or untouched."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from mlexpert_nb.display import NotebookProgress, NotebookRun, run_notebook
from mlexpert_nb.display.headless import steady_keys
from mlexpert_nb.errors import CellFailedError, ConflictError, EnvironmentProblem, UsageError

pytestmark = pytest.mark.usefixtures("reachable")

ASK = """
import os
from IPython.display import display
from mlexpert_nb.display import cells_bundle
from mlexpert_nb.packages import Cell
size = open('size.txt').read().strip() if os.path.exists('size.txt') else '1'
title, size = Cell('markdown', '# Model', 'title'), Cell('code', f'size = {size}', 'size')
cells = [title, size, Cell('code', 'print(size)', 'show')]
display(cells_bundle(cells, title='t'), raw=True)
""".strip()


def _code(source, **metadata):
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def _write(path, *cells):
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    for at, cell in enumerate(notebook.cells):
        cell["id"] = f"user-{at}"
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def notebook(tmp_path):
    return _write(
        tmp_path / "tour.ipynb", nbformat.v4.new_markdown_cell("# Tour"), _code(ASK), _code("print('after', size)")
    )


@pytest.fixture
def run():
    """Run a notebook; the events are gathered in `run.events`."""

    def run(path, out=None):
        run.events = []
        return run_notebook(path, out, run.events.append)

    return run


def _cells(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook.cells


def _sources(path):
    return [cell.source for cell in _cells(path)]


def _edit(path, at, source):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[at].source = source
    nbformat.write(notebook, path)


def test_generated_cells_appear_under_their_request_and_are_run(notebook, run, tmp_path):
    before = notebook.read_bytes()
    out = tmp_path / "out.ipynb"
    found = run(notebook, out)
    title, size, show, after = _cells(out)[2:]
    assert (title.source, size.source, show.outputs[0].text) == ("# Model", "size = 1", "1\n")
    assert after.outputs[0].text == "after 1\n"
    assert set(size.metadata.tags) == {"mlexpert-generated", "nbval-ignore-output"}
    marks = size.metadata.mlexpert
    assert marks["origin"] == _cells(out)[1].metadata.mlexpert["id"]
    assert (marks["generated"], marks["index"], marks["role"]) == (True, 1, "size")
    assert (found.executed, found.generated, found.changed, found.exit_code) == (4, 2, True, 0)
    assert notebook.read_bytes() == before
    assert [event.text for event in run.events if event.kind == "note"][-1] == "cell 6 of 6: print('after', size)"


def test_a_second_run_on_the_result_changes_no_byte(notebook, run, tmp_path):
    out = tmp_path / "out.ipynb"
    run(notebook, out)
    once = out.read_bytes()
    assert not run(out).changed
    assert out.read_bytes() == once
    assert not run(notebook, out).changed
    assert run(notebook, tmp_path / "other.ipynb").path.read_bytes() == once


def test_one_changed_cell_changes_only_its_own_lines(notebook, run, tmp_path):
    run(notebook)
    before = notebook.read_text().splitlines()
    (tmp_path / "size.txt").write_text("2")
    run(notebook)
    changed = set(notebook.read_text().splitlines()) - set(before)
    assert _sources(notebook)[3] == "size = 2"
    assert not [
        line for line in changed if not any(word in line for word in ("size = ", '"digest"', '"2\\n"', "after 2"))
    ]


def test_an_edited_cell_stays_and_a_newer_version_is_offered_beside_it_once(notebook, run, tmp_path):
    run(notebook)
    _edit(notebook, 3, "size = 42  # mine")
    run(notebook)
    kept = _cells(notebook)[3]
    assert kept.source == "size = 42  # mine"
    assert (kept.metadata.mlexpert["edited"], kept.metadata.mlexpert["generated"]) == (True, False)
    assert "mlexpert-generated" not in kept.metadata.get("tags", [])
    assert _cells(notebook)[4].outputs[0].text == "42\n"
    once = notebook.read_bytes()
    assert not run(notebook).changed
    assert notebook.read_bytes() == once
    (tmp_path / "size.txt").write_text("2")
    run(notebook)
    kept, offer, show = _cells(notebook)[3:6]
    assert (kept.source, offer.cell_type, show.outputs[0].text) == ("size = 42  # mine", "raw", "42\n")
    assert offer.source.endswith("size = 2")
    assert not run(notebook).changed


def test_a_failing_cell_is_named_and_what_there_is_is_saved(tmp_path, run):
    path = _write(tmp_path / "bad.ipynb", _code("print('one')"), _code("raise ValueError('no such size')"), _code("3"))
    before = path.read_bytes()
    with pytest.raises(
        CellFailedError, match=r"cell 2 of 3 \(raise Val.*\): ValueError: no such size; the run so far is in"
    ) as e:
        run(path, tmp_path / "out.ipynb")
    assert e.value.exit_code == 4
    one, two, three = _cells(tmp_path / "out.ipynb")
    assert (one.outputs[0].text, two.outputs[0].ename, three.outputs) == ("one\n", "ValueError", [])
    with pytest.raises(CellFailedError, match=r"bad.failed.ipynb; .*bad.ipynb is as it was"):
        run(path)
    assert path.read_bytes() == before
    assert (tmp_path / "bad.failed.ipynb").exists()


def test_a_kernel_that_dies_is_reported_and_the_run_so_far_kept(tmp_path, run):
    path = _write(tmp_path / "dies.ipynb", _code("print('one')"), _code("import os; os._exit(1)"))
    with pytest.raises(EnvironmentProblem, match="the kernel died; it may have run out of memory"):
        run(path, tmp_path / "out.ipynb")
    assert _cells(tmp_path / "out.ipynb")[0].outputs[0].text == "one\n"


def test_the_status_of_a_run_in_a_cell_is_the_exit_code(tmp_path, run):
    card = (
        "from mlexpert_nb.display import NotebookProgress, render_bundle, result_card\n"
        "from mlexpert_nb.packages import Event, ResultPackage\n"
        "with NotebookProgress() as p:\n    p(Event('phase', 'verify'))\n    p(Event('check', 'c', passed=False))\n"
        "p.finish(render_bundle(result_card(ResultPackage('verification_failed'))), status='verification_failed')"
    )
    path = _write(tmp_path / "n.ipynb", _code(card))
    found = run(path)
    assert (found.statuses, found.exit_code) == (["verification_failed"], 4)
    assert ("phase", "verify") in [(event.kind, event.text) for event in run.events]
    once = path.read_bytes()
    assert not run(path).changed
    assert path.read_bytes() == once
    assert NotebookProgress.__name__ not in "".join(output["data"]["text/plain"] for output in _cells(path)[0].outputs)


def test_a_generated_request_makes_no_cells_of_its_own(tmp_path, run):
    inner = ASK.replace("'print(size)'", repr(ASK))
    path = _write(tmp_path / "n.ipynb", _code(inner))
    run(path)
    assert len(_cells(path)) == 4
    assert not run(path).changed


def test_a_payload_that_waits_for_a_click_inserts_nothing(tmp_path, run):
    path = _write(tmp_path / "n.ipynb", _code(ASK.replace("title='t'", "title='t', auto=False")))
    run(path)
    assert len(_cells(path)) == 1


def test_a_notebook_without_cell_ids_stays_one(tmp_path, run):
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ASK}
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, indent=1))
    run(path)
    saved = json.loads(path.read_text())
    assert saved["nbformat_minor"] == 4
    assert [cell.get("id") for cell in saved["cells"]] == [None] * 4
    assert not run(path).changed


def test_keys_indentation_and_untouched_cells_keep_their_bytes(tmp_path, run):
    text = (
        '{\n    "cells": [\n        {\n            "cell_type": "markdown",\n            "metadata": {},\n'
        '            "source": "one string,\\nnot lines"\n        },\n        {\n            "cell_type": "code",\n'
        '            "source": ["print(1)"],\n            "outputs": [],\n            "metadata": {},\n'
        '            "execution_count": null\n        }\n    ],\n'
        '    "nbformat": 4,\n    "nbformat_minor": 4,\n    "metadata": {}\n}'
    )
    path = tmp_path / "other_tool.ipynb"
    path.write_text(text)
    run(path)
    made = path.read_text()
    assert '            "source": "one string,\\nnot lines"\n' in made
    assert made.index('"nbformat"') < made.rindex('"metadata"')
    assert not made.endswith("\n")
    assert not run(path).changed


def test_a_result_that_somebody_edited_is_not_replaced(notebook, run, tmp_path):
    out = tmp_path / "out.ipynb"
    run(notebook, out)
    _edit(out, 5, "my work")
    before = out.read_bytes()
    with pytest.raises(ConflictError, match="was edited since it was made, and was kept; mlexpert run"):
        run(notebook, out)
    assert out.read_bytes() == before
    stranger = _write(tmp_path / "mine.ipynb", _code("1"))
    with pytest.raises(ConflictError, match=r"mine.ipynb was edited"):
        run(notebook, stranger)


def test_a_notebook_that_is_saved_during_the_run_is_kept_and_the_run_put_beside_it(tmp_path, run):
    change = "from pathlib import Path; p = Path('n.ipynb'); p.write_text(p.read_text() + '\\n')"
    path = _write(tmp_path / "n.ipynb", _code(change))
    with pytest.raises(ConflictError, match=r"saved by somebody during the run .* in .*n.executed.ipynb"):
        run(path)
    assert path.read_text().endswith("\n\n")
    assert _cells(tmp_path / "n.executed.ipynb")[0].execution_count == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.ipynb", None, "no notebook .*a.ipynb; give the path"),
        ("a.ipynb", "not json", "is not a notebook"),
        ("a.ipynb", "[1]", "is not a notebook of format 4"),
        ("a.ipynb", '{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', "is not a notebook of format 4"),
        ("a.ipynb", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}', "is not a valid notebook"),
        (
            "a.ipynb",
            (
                '{"nbformat": 4, "nbformat_minor": 4, "cells": [], "metadata": '
                '{"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}}'
            ),
            "is for r; mlexpert run executes Python",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(tmp_path, run, name, text, message):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=message) as error:
        run(path)
    assert "\n" not in str(error.value)


def test_a_target_that_is_no_notebook_is_not_overwritten(notebook, run, tmp_path):
    (tmp_path / "model.py").write_text("precious")
    with pytest.raises(UsageError, match=r"is not the name of a notebook; end it in .ipynb"):
        run(notebook, tmp_path / "model.py")
    with pytest.raises(UsageError, match="there is no folder"):
        run(notebook, tmp_path / "nowhere" / "out.ipynb")
    assert (tmp_path / "model.py").read_text() == "precious"


def test_the_cells_run_in_the_notebooks_folder_with_this_python(tmp_path, run):
    folder = tmp_path / "deep"
    folder.mkdir()
    path = _write(folder / "n.ipynb", _code("import os, sys; print(os.getcwd()); print(sys.executable)"))
    run(path, tmp_path / "out.ipynb")
    assert _cells(tmp_path / "out.ipynb")[0].outputs[0].text.split() == [str(folder), sys.executable]


def test_an_interrupt_leaves_the_notebook_as_it_was_and_no_process_behind(tmp_path):
    mark = tmp_path / "started"
    code = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    path = _write(tmp_path / "n.ipynb", _code(code))
    before = path.read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-m", "mlexpert_nb", "run", str(path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.splitlines()[-1].startswith("mlexpert: interrupted; ")
    assert "Traceback" not in errors
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["n.ipynb", "started"]
    assert not Path(f"/proc/{mark.read_text()}").exists()


def test_the_state_of_widgets_is_saved_with_the_notebook(tmp_path, run):
    path = _write(tmp_path / "n.ipynb", _code("import ipywidgets; ipywidgets.IntSlider(7)"))
    run(path)
    (states,) = nbformat.read(path, as_version=4).metadata.widgets.values()
    assert 7 in [state["state"].get("value") for state in states["state"].values()]


def _with_views(keys):
    html = "".join(f'<div class="mlx-view mlx-curves {key}"><svg id="{key}-a"></svg></div>' for key in keys)
    output = nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": "a view"})
    return [nbformat.v4.new_code_cell("show()", id="cell-1", outputs=[output])]


def test_views_are_named_after_their_cell_so_that_a_second_run_gives_the_same_bytes():
    first, second = (_with_views([f"mlx-{start}{n:031x}" for n in range(2)]) for start in "ab")
    steady_keys(first)
    steady_keys(second)
    assert first == second
    html = first[0].outputs[0].data["text/html"]
    assert len(set(re.findall(r"mlx-[0-9a-f]{32}", html))) == 2
    assert "mlx-view" in html


@pytest.mark.parametrize(
    ("statuses", "exit_code"),
    [
        (["needs_clarification", "implementation_complete"], 0),
        (["needs_clarification"], 3),
        (["needs_references", "verification_failed"], 4),
        (["implementation_complete", "needs_clarification"], 3),
        ([], 0),
    ],
)
def test_a_question_counts_only_where_nothing_came_after_it(tmp_path, statuses, exit_code):
    assert NotebookRun(tmp_path, statuses=statuses).exit_code == exit_code
