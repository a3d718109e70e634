"""A notebook file under random use: whatever happens in whatever order, nothing that a person wrote is lost.

Real files, through the code that `mlexpert run` and `mlexpert undo NOTEBOOK` use, without the kernel in between; the
extension decides the same (`test_both_decisions.py`).
"""

import json
from collections import Counter
from copy import deepcopy
from hashlib import sha256

import jupytext
import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlexpert_nb.display import cells_bundle
from mlexpert_nb.display.cells import MIME
from mlexpert_nb.display.insertion import digest
from mlexpert_nb.display.notebook_cells import materialise, wanted_cells
from mlexpert_nb.display.notebook_format import notebook_bytes, put_in_place, read_notebook
from mlexpert_nb.display.notebook_record import Record, go_back, keep, way_back
from mlexpert_nb.display.notebook_undo import Insertions
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import Cell

MAGIC = "%%mlexpert implement\nx"
PLANS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["1", "1\n2", "3"])).map(lambda t: (t[0], f"{t[0]} = {t[1]}")),
    max_size=4,
    unique_by=lambda each: each[0],
)
ACTIONS = st.sampled_from(
    [
        "run",
        "run",
        "run",
        "undo",
        "edit",
        "move",
        "delete",
        "duplicate",
        "split",
        "merge",
        "reload",
        "jupytext",
        "again",
    ]
)
STEPS = st.lists(st.tuples(ACTIONS, st.integers(0, 400), PLANS), min_size=1, max_size=9)


def _sum(path):
    return sha256(path.read_bytes()).hexdigest()


def _is_ours(cell):
    """Tell whether the text is just what was generated; a text that was typed back to that is ours again."""
    return cell.metadata.get("mlexpert", {}).get("digest") == digest(cell.cell_type, cell.source)


class File:
    """One notebook file, what was done to it, and what must hold."""

    def __init__(self, path):
        self.path, self.count, self.plan, self.runs = path, 0, (), []
        cells = [nbformat.v4.new_code_cell("import os"), nbformat.v4.new_code_cell(MAGIC)]
        notebook = nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_markdown_cell("the end")])
        for at, cell in enumerate(notebook.cells):
            cell["id"] = f"user-{at}"
        nbformat.write(notebook, path)

    def cells(self):
        """Give the cells as they are on disk, which must be a valid notebook."""
        notebook = nbformat.read(self.path, as_version=4)
        nbformat.validate(notebook)
        return notebook.cells

    def theirs(self):
        """Count every text that is not ours; a magic cell is its user's."""
        return Counter(cell.source for cell in self.cells() if not _is_ours(cell))

    def run(self, which, plan):
        """Run a magic cell, as `mlexpert run` does."""
        text = read_notebook(self.path)
        document = text.node()
        magics = [at for at, cell in enumerate(document.cells) if cell.source == MAGIC and not _is_ours(cell)]
        if not magics:
            return
        magic, self.plan, before = magics[which % len(magics)], plan, self.theirs()
        insertions, head = Insertions(tuple(document.cells)), document.cells[magic]
        bundle = cells_bundle([Cell("code", source, role) for role, source in plan], title="t")
        head.outputs = [nbformat.v4.new_output("display_data", data=bundle)]
        document.cells = materialise(document, magic, wanted_cells(head))
        made = notebook_bytes(document, text)
        if made != text.raw:
            entries = insertions.entries(document.cells)
            keep(self.path, Record(text.raw.decode(), sha256(made).hexdigest(), entries, ()))
            put_in_place(self.path, made)
            self.runs.append((sha256(text.raw).hexdigest(), sha256(made).hexdigest()))
        assert not before - self.theirs(), "a run loses no text of the user's"
        self.check(head.metadata["mlexpert"]["id"], plan)

    def again(self, which, _plan):
        """The same cell with the same plan a second time: not one byte."""
        self.run(which, self.plan)
        before = self.path.read_bytes()
        self.run(which, self.plan)
        assert self.path.read_bytes() == before

    def check(self, origin, plan):
        """Look at what a run has left."""
        marked = [cell for cell in self.cells() if cell.metadata.get("mlexpert", {}).get("generated") is True]
        made = [cell for cell in marked if _is_ours(cell) and cell.metadata["mlexpert"]["origin"] == origin]
        keys = [(cell.metadata["mlexpert"]["role"], cell.metadata["mlexpert"].get("offer", False)) for cell in made]
        assert len(keys) == len(set(keys)), "no generated cell is there twice"
        known = {cell.metadata.get("mlexpert", {}).get("role") for cell in self.cells()}
        assert {role for role, _ in plan} <= known, "every cell that was asked for is there, ours or the user's"

    def undo(self, _which, _plan):
        """Take the last run back, as `mlexpert undo NOTEBOOK` does."""
        try:
            way = way_back(self.path)
        except UsageError:
            assert not self.runs
            return
        before, now = self.theirs(), _sum(self.path)
        go_back(way)
        was, made = self.runs.pop()
        there = Counter(cell.source for cell in self.cells())  # a copy that the run had released is marked again
        assert not before - there, "taking a run back loses no text of the user's"
        assert now != made or _sum(self.path) == was, "the file is as before the run, to the byte"

    def edit(self, which, _plan):
        """Type something under a cell."""
        self.count += 1
        self._change(lambda cells: _retype(cells, which, lambda source: [f"{source}\n# mine {self.count}"]))

    def split(self, which, _plan):
        """Split a cell; both halves carry its marks."""
        self._change(lambda cells: _retype(cells, which, lambda source: source.split("\n", 1)))

    def merge(self, which, _plan):
        """Merge a cell with the one below it."""

        def joined(cells):
            at = which % len(cells)
            if at + 1 < len(cells) and MAGIC not in {cells[at].source, cells[at + 1].source}:
                second = cells.pop(at + 1)
                cells[at].source = f"{cells[at].source}\n{second.source}"

        self._change(joined)

    def move(self, which, _plan):
        """Move a cell."""
        self._change(lambda cells: cells.insert(which // 7 % len(cells), cells.pop(which % len(cells))))

    def delete(self, which, _plan):
        """Delete a cell."""
        self._change(lambda cells: len(cells) > 1 and cells.pop(which % len(cells)))

    def duplicate(self, which, _plan):
        """Copy a cell and paste it anywhere, marks and all."""

        def copied(cells):
            self.count += 1
            copy = deepcopy(cells[which % len(cells)])
            copy["id"] = f"copy-{self.count}"
            cells.insert(which // 7 % (len(cells) + 1), copy)

        self._change(copied)

    def reload(self, _which, _plan):
        """Open and save."""
        self._change(lambda _cells: None)

    def jupytext(self, _which, _plan):
        """Through a text format: ids and outputs are gone."""
        notebook = nbformat.read(self.path, as_version=4)
        through = jupytext.reads(jupytext.writes(notebook, fmt="py:percent"), fmt="py:percent")
        through.metadata = notebook.metadata
        nbformat.write(through, self.path)

    def _change(self, how):
        notebook = nbformat.read(self.path, as_version=4)
        how(notebook.cells)
        nbformat.write(notebook, self.path)


def _retype(cells, which, how):
    at = which % len(cells)
    if cells[at].source != MAGIC:
        texts = how(cells[at].source)
        copies = [deepcopy(cells[at]) for _ in texts]
        for number, (copy, text) in enumerate(zip(copies, texts, strict=True)):
            copy.source = text
            copy["id"] = copy["id"] if number == 0 else f"{copy['id'][:50]}-s"
        cells[at : at + 1] = copies


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_nothing_is_lost_and_nothing_is_doubled_whatever_happens(tmp_path_factory, steps):
    file = File(tmp_path_factory.mktemp("h") / "n.ipynb")
    for action, which, plan in steps:
        getattr(file, action)(which, plan)
    before, runs = file.path.read_bytes(), len(file.runs)
    file.run(0, [("a", "a = 9"), ("z", "z = 9")])
    if len(file.runs) > runs:
        file.undo(0, ())
    assert file.path.read_bytes() == before


@pytest.mark.parametrize("steps", [2, 5])
def test_every_run_can_be_taken_back_down_to_the_first(tmp_path, steps):
    file = File(tmp_path / "n.ipynb")
    sums = []
    for step in range(steps):
        sums.append(_sum(file.path))
        file.run(0, [("a", f"a = {step}"), ("b", "b = 1"), *([("c", "c = 1")] if step % 2 else [])])
    for was in reversed(sums):
        file.undo(0, ())
        assert _sum(file.path) == was
    with pytest.raises(UsageError, match="nothing to undo"):
        way_back(file.path)


def test_the_payload_is_all_that_an_insertion_needs(tmp_path):
    file = File(tmp_path / "n.ipynb")
    file.run(0, [("a", "a = 1")])
    payload = next(cell for cell in file.cells() if cell.source == MAGIC).outputs[0].data[MIME]
    assert json.loads(json.dumps(payload))["cells"][0]["source"] == "a = 1"
