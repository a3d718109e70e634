"""Where generated cells go: the table of cases, which every front end shares, and what holds for any history at all."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlexpert_nb.display.insertion import CellView, Wanted, digest, plan_insertion

TABLE = json.loads(Path(__file__).with_name("insertion_cases.json").read_text("utf-8"))
MAGIC = "%%mlexpert implement\nx"


def _meta(meta):
    """Replace "@TYPE:SOURCE" by the digest that it stands for."""
    marks = {key: value for key, value in meta.items() if isinstance(value, str) and value.startswith("@")}
    return {**meta, **{key: digest(*value[1:].split(":", 1)) for key, value in marks.items()}}


def _cell(row):
    return CellView(row["cell_type"], row["source"], _meta(row["meta"]))


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_case(case):
    wanted = [Wanted(**each) for each in case["wanted"]]
    slots = plan_insertion([_cell(row) for row in case["cells"]], case["magic"], wanted, case["fresh"])
    got = [(slot.cell, slot.wanted, CellView(slot.cell_type, slot.source, slot.meta)) for slot in slots]
    assert got == [(row["cell"], row["wanted"], _cell(row)) for row in case["slots"]]


@pytest.mark.parametrize("row", TABLE["digests"], ids=lambda row: repr(row["source"]))
def test_digests_are_the_published_ones(row):
    assert digest(row["cell_type"], row["source"]) == row["digest"]


def _applied(cells, magic, wanted, fresh):
    slots = plan_insertion(cells, magic, wanted, fresh)
    return [CellView(slot.cell_type, slot.source, slot.meta) for slot in slots], slots


def _magics(cells):
    return [i for i, cell in enumerate(cells) if cell.source == MAGIC]


class _History:
    """A notebook under random use; remembers every text that is the user's."""

    def __init__(self):
        self.cells = [CellView("code", "import os"), CellView("code", MAGIC), CellView("markdown", "the end")]
        self.theirs = ["import os", "the end"]
        self.runs = self.edits = 0

    def run(self, which, plan):
        at = _magics(self.cells)
        if not at:
            return
        self.runs += 1
        wanted = [Wanted("code", source, role) for role, source in plan]
        magic = at[which % len(at)]
        self.cells, slots = _applied(self.cells, magic, wanted, f"id-{self.runs}")
        again, _ = _applied(self.cells, [s.cell for s in slots].index(magic), wanted, "unused")
        assert again == self.cells, "the same run again changes nothing"
        self.check(self.cells[[s.cell for s in slots].index(magic)].meta, wanted)

    def edit(self, which, _plan):
        at = which % len(self.cells)
        self.edits += 1
        if self.cells[at].source != MAGIC:
            self._retype(at, [f"{self.cells[at].source}\n# mine {self.edits}"])

    def move(self, which, _plan):
        cell = self.cells.pop(which % len(self.cells))
        self.cells.insert(which // 7 % (len(self.cells) + 1), cell)

    def delete(self, which, _plan):
        if len(self.cells) > 1:
            self._forget(self.cells.pop(which % len(self.cells)))

    def duplicate(self, which, _plan):
        cell = self.cells[which % len(self.cells)]
        self.cells.insert(which // 7 % (len(self.cells) + 1), cell)
        if cell.source in self.theirs:
            self.theirs.append(cell.source)

    def split(self, which, _plan):
        at = which % len(self.cells)
        head, _, tail = self.cells[at].source.partition("\n")
        if tail and self.cells[at].source != MAGIC:
            self._retype(at, [head, tail])

    def merge(self, which, _plan):
        at = which % len(self.cells)
        if at + 1 < len(self.cells) and MAGIC not in {self.cells[at].source, self.cells[at + 1].source}:
            second = self.cells.pop(at + 1)
            self._forget(second)
            self._retype(at, [f"{self.cells[at].source}\n{second.source}"])

    def strip_marks(self, which, _plan):
        """A round trip through a format that drops metadata: every cell becomes the user's."""
        at = which % len(self.cells)
        self._forget(self.cells[at])
        if self.cells[at].source != MAGIC:
            self.theirs.append(self.cells[at].source)
        self.cells[at] = replace(self.cells[at], meta={})

    def check(self, magic, wanted):
        sources = [cell.source for cell in self.cells]
        lost = [text for text in set(self.theirs) if sources.count(text) < self.theirs.count(text)]
        assert not lost, "no text of the user's is lost"
        if magic.get("generated") is True:
            return
        ours = [cell for cell in self.cells if cell.meta.get("origin") == magic["id"]]
        made = [cell for cell in ours if cell.meta.get("generated") is True]
        keys = [(cell.meta["role"], cell.meta.get("offer", False)) for cell in made]
        assert len(keys) == len(set(keys)), "no generated cell is there twice"
        assert all(cell.meta["digest"] == digest(cell.cell_type, cell.source) for cell in made)
        shown = {cell.source for cell in made}
        edited = {cell.meta["role"] for cell in ours if cell.meta.get("edited") is True}
        first = {each.role: each for each in reversed(wanted)}
        assert all(each.source in shown or each.role in edited for each in first.values()), "every wanted cell is there"

    def _retype(self, at, texts):
        """Put other texts in a cell's place, marks and all; what is just what was generated is not the user's."""
        cell = self.cells[at]
        self._forget(cell)
        self.theirs += [text for text in texts if cell.meta.get("digest") != digest(cell.cell_type, text)]
        self.cells[at : at + 1] = [replace(cell, source=text) for text in texts]

    def _forget(self, cell):
        if cell.source in self.theirs:
            self.theirs.remove(cell.source)


ACTIONS = ("run", "run", "run", "edit", "move", "delete", "duplicate", "split", "merge", "strip_marks")
PLANS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["1", "1\n2", "3"])).map(lambda t: (t[0], f"{t[0]} = {t[1]}")),
    max_size=4,
)
STEPS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 400), PLANS), max_size=14)


@settings(max_examples=600, deadline=None)
@given(STEPS)
def test_no_history_loses_a_users_text_or_doubles_a_generated_cell(steps):
    history = _History()
    for action, which, plan in steps:
        getattr(history, action)(which, plan)
    history.run(0, [("a", "a = 1"), ("b", "b = 1")])
