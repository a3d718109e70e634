"""The cells of a run as a script: what comes back is what went in, and what a person wrote is never lost."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlexpert_nb import api
from mlexpert_nb.api.drift import Shown, compare
from mlexpert_nb.api.mirror import FIRST_LINE, parse, render, through, updated
from mlexpert_nb.catalogue import ENTRIES, plain_cells
from mlexpert_nb.errors import ConflictError, UsageError
from mlexpert_nb.packages import Cell

REQUEST = "Implement this small GRU language model architecture"
ROLES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=8).filter(str.strip)
LINES = st.sampled_from(
    [
        "x = 1",
        "# a comment",
        "%time x",
        "!ls",
        "%%time\nx = 1",
        "def f():",
        "    return 2",
        "",
        "# # a",
        "# -",
        "print('é')",
        "x?",
    ]
)
SOURCES = st.lists(LINES, max_size=6).map(lambda lines: "\n".join(lines).strip("\n"))
ANY = st.builds(Cell, st.sampled_from(["code", "markdown"]), st.text(max_size=40), ROLES)


def cells(sources):
    made = st.tuples(st.sampled_from(["code", "markdown"]), sources)
    return st.lists(made, max_size=5).map(
        lambda rows: tuple(Cell(kind, text, f"r{n}") for n, (kind, text) in enumerate(rows))
    )


@settings(deadline=None, max_examples=150)
@given(cells(SOURCES))
def test_ordinary_cells_come_back_as_they_were(made):
    text = render(made)
    assert text.startswith(FIRST_LINE)
    assert render(made) == text
    assert parse(text) == made


@settings(deadline=None, max_examples=150)
@given(ANY)
def test_a_cell_that_a_script_cannot_hold_is_never_shown_as_edited(cell):
    drift = compare([cell], [Shown(cell, edited=False, newest=True)], parse(render([cell])))
    assert not drift.differs


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_every_cell_that_we_generate_can_be_carried(entry):
    for made in (entry.cells({}, workspace="W"), plain_cells("W")):
        assert parse(render(made)) == made
        assert all(through(cell) == cell for cell in made)


A, B, C = Cell("code", "a = 1", "a"), Cell("markdown", "# B", "b"), Cell("code", "c = 1", "c")
ORDER = ("a", "b", "c")
MINE = render((A, C)).replace('# %% role="c"', '# %% my own\nmine = 1\n\n\n# %% Title role="c" tags=["x"]')


def test_what_a_person_wrote_into_the_script_stays_when_a_cell_is_replaced():
    made = updated(MINE, {"c": Cell("code", "c = 2", "c")}, ORDER)
    assert made == MINE.replace("c = 1", "c = 2")


def test_a_cell_that_the_script_lacks_is_put_behind_the_one_before_it():
    made = updated(MINE, {"b": B}, ORDER)
    assert [cell.role for cell in parse(made)] == ["a", "b", "c"]
    assert "# %% my own\nmine = 1" in made


@pytest.mark.parametrize("source", ["x = '''", "x\n# %% y\nz"])
def test_a_cell_that_would_break_the_script_is_refused(source):
    with pytest.raises(UsageError, match="the cell 'a' cannot stand in a script; mend an open string or"):
        updated(MINE, {"a": Cell("code", source, "a")}, ORDER)


def _codes(*sources):
    return tuple(Cell("code", source, role) for source, role in zip(sources, ORDER, strict=True))


ODD = st.sampled_from(["x = 1", "# %% y", "'''", "%time x", "", "  ", '# %% role="b"', "\x0c", "# ---"])
ODD_SOURCES = st.lists(ODD, max_size=5).map("\n".join)
KINDS = st.tuples(st.sampled_from(["code", "markdown"]), ODD_SOURCES)
ODD_CELLS = st.tuples(KINDS, KINDS, KINDS).map(
    lambda rows: tuple(Cell(kind, text, role) for (kind, text), role in zip(rows, ORDER, strict=True))
)


@settings(deadline=None, max_examples=200)
@given(ODD_CELLS, ODD_CELLS, st.sampled_from(ORDER))
@example(_codes("", "'''", "'''\n  "), _codes("", "x = 1", ""), "b")
@example(_codes("", "'''", "'''\n  "), _codes("'''", "x = 1", ""), "a")
@example(_codes("", "'''", "'''\n  "), _codes("", "x = 1", "y"), "c")
def test_replacing_one_cell_is_refused_or_leaves_every_other_one(before, after, role):
    text = render(before)
    new = next(cell for cell in after if cell.role == role)
    try:
        made = updated(text, {role: new}, ORDER)
    except UsageError:
        return
    others = [[cell for cell in parse(each) if cell.role != role] for each in (text, made)]
    assert others[0] == others[1]


@pytest.fixture
def work(delivered):
    """Give a delivered workspace."""
    return delivered.root


def test_a_delivery_has_a_script_that_the_user_may_edit(work, scripted, contents):
    script = work / "notebook_cells.py"
    assert parse(script.read_text()) == api.generated_cells(work)
    receipt = api.verify(work).receipt
    assert [commit.receipt for commit in api.history(work)] == [receipt]
    assert not any("notebook_cells" in line for line in (work / ".mlexpert" / "run.json").read_text().splitlines())
    script.write_text(script.read_text() + "mine = 1\n")
    assert api.verify(work, receipt).passed
    with pytest.raises(ConflictError, match=r"notebook_cells.py changed since; nothing was undone"):
        api.undo(work)
    again(work, scripted)
    assert script.read_text().endswith("mine = 1\n")
    assert api.verify(work).passed
    api.undo(work)
    api.undo(work, force=True)
    assert not [path for path in work.rglob("*") if path.is_file()]


def again(work, scripted):
    """Run another request, so that the workspace is delivered anew."""
    result = api.implement(REQUEST, workspace=work, llm=scripted(), approve="auto", seed=1)
    assert result.status == "implementation_complete", result.message


def test_an_untouched_script_is_replaced_and_undo_brings_the_old_one_back(work, scripted, contents):
    script, state = work / "notebook_cells.py", work / ".mlexpert" / "cells.json"
    older = '[{"cell_type": "code", "source": "old = 1", "role": "build"}]\n'
    state.write_text(older)
    script.write_text(render((Cell("code", "old = 1", "build"),)))
    before = contents(work)
    again(work, scripted)
    assert parse(script.read_text()) == api.generated_cells(work)
    api.undo(work)
    assert {name: seen[0] for name, seen in contents(work).items()} == {name: seen[0] for name, seen in before.items()}


def test_a_file_of_the_user_with_the_name_of_the_script_is_kept(tmp_path, scripted):
    (tmp_path / "notebook_cells.py").write_text("mine = True\n")
    api.implement(REQUEST, workspace=tmp_path, llm=scripted(), approve="auto")
    assert (tmp_path / "notebook_cells.py").read_text() == "mine = True\n"


def test_damaged_cells_are_one_line_and_the_script_is_kept(work, scripted):
    (work / ".mlexpert" / "cells.json").write_text("{")
    with pytest.raises(UsageError, match=r"cells.json cannot be read: .*; run the request again"):
        api.generated_cells(work)
    kept = (work / "notebook_cells.py").read_text()
    (work / "notebook_cells.py").write_text(kept + "# mine\n")
    again(work, scripted)
    assert (work / "notebook_cells.py").read_text() == kept + "# mine\n"


def test_a_delivered_file_that_was_edited_is_a_difference(work):
    shown = [Shown(cell, edited=False, newest=True) for cell in api.generated_cells(work)]
    assert not api.read_drift(work, shown).differs
    (work / "src" / "model" / "config.py").write_text("mine = True\n")
    (work / ".mlexpert" / "plan.md").write_text("mine\n")
    (line,) = api.read_drift(work, shown).touched
    assert line.startswith("src/model/config.py: changed (was sha256:")
