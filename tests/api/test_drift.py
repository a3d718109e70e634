"""Three versions of a cell: what differs, what is carried over, and where a person decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlexpert_nb.api.drift import CONFLICTS, Shown, carry, compare
from mlexpert_nb.packages import Cell


def cell(source):
    return Cell("code", source, "a")


BASE, OLD = "base", "old"
TABLE = [
    # notebook, made from, script, state, carried to the notebook, carried to the files
    (BASE, BASE, BASE, "same", None, None),
    ("mine", BASE, BASE, "edited in the notebook", None, "mine"),
    (BASE, BASE, "mine", "edited in the file", "mine", None),
    ("mine", BASE, "mine", "same", None, None),
    ("mine", BASE, "yours", "edited in both, differently", None, None),
    (OLD, OLD, BASE, "newer in the workspace", BASE, None),
    (OLD, OLD, "mine", "edited in the file", "mine", None),
    ("mine", OLD, BASE, "edited in the notebook, newer in the workspace", None, None),
    (None, BASE, BASE, "missing in the notebook", BASE, None),
    (None, BASE, "mine", "missing in the notebook", "mine", None),
    (BASE, BASE, None, "missing in the file", None, BASE),
    ("mine", BASE, None, "missing in the file", None, "mine"),
    (None, BASE, None, "same", None, None),
]


def drift_of(notebook, made_from, script):
    shown = [Shown(cell(notebook), edited=notebook != made_from, newest=made_from == BASE)] if notebook else []
    return compare([cell(BASE)], shown, [cell(script)] if script else [])


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_state_of_a_cell_and_what_goes_over(row):
    notebook, made_from, script, state, to_notebook, to_files = row
    drift = drift_of(notebook, made_from, script)
    assert [each.state for each in drift.cells] == [state]
    assert drift.differs is (state != "same")
    for side, wanted in (("notebook", to_notebook), ("files", to_files)):
        moved = carry(drift, side)
        assert [each.source for each in moved.cells.values()] == [wanted][: wanted is not None]
        assert moved.conflicts == (("a",) if state in CONFLICTS else ())


def test_by_force_the_other_sides_version_wins():
    drift = drift_of("mine", BASE, "yours")
    assert carry(drift, "notebook", force=True).cells["a"].source == "yours"
    assert carry(drift, "files", force=True).cells["a"].source == "mine"
    assert carry(drift, "files", force=True).conflicts == ()


def test_a_touched_file_is_a_difference_of_its_own():
    assert compare([], [], [], ["src/a.py: changed"]).differs


VERSION = st.sampled_from([BASE, OLD, "mine", "yours"])


@given(st.none() | VERSION, st.sampled_from([BASE, OLD]), st.none() | VERSION, st.sampled_from(["notebook", "files"]))
def test_carrying_over_twice_changes_nothing_the_second_time(notebook, made_from, script, side):
    moved = carry(drift_of(notebook, made_from, script), side, force=True).cells
    text = moved["a"].source if moved else None
    after = (text or notebook, script) if side == "notebook" else (notebook, text or script)
    assert not carry(drift_of(after[0], BASE if text else made_from, after[1]), side, force=True).cells
