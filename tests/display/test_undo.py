"""Taking an insertion back: nothing of the user's is lost, and where they did nothing the notebook is as before."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlexpert_nb.display.undo import Entry, Kept, Restored, plan_undo


def _entries(text):
    """Read "id:digest:mark" words."""
    return [Entry(*word.split(":")) for word in text.split()]


BEFORE = "u:u: m:m: a:1:g x:9:g z:z:"
AFTER = "u:u: m:m:id a:2:g n:3:g z:z:"  # a was replaced, n made, x deleted, m marked


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (AFTER, [Kept(0), Restored(1), Restored(2), Restored(3), Kept(4)]),
        ("u:u: m:m:id a:mine:g n:3:g z:z:", [Kept(0), Restored(1), Kept(2), Restored(3), Kept(4)]),
        ("u:u: m:m:id a:2:g n:mine:g z:z:", [Kept(0), Restored(1), Restored(2), Restored(3), Kept(3), Kept(4)]),
        ("u:u: m:m:id a:2:g n:3:g new:w: z:z:", [Kept(0), Restored(1), Restored(2), Restored(3), Kept(4), Kept(5)]),
        ("z:z: u:u: m:m:id a:2:g n:3:g", [Kept(0), Kept(1), Restored(1), Restored(2), Restored(3)]),
        ("u:u: z:z:", [Kept(0), Restored(3), Kept(1)]),
        ("u:u: m:m: a:1:g x:9:g z:z:", [Kept(0), Restored(1), Kept(2), Kept(3), Kept(4)]),
        (":u: :m:id :2:g :3:g :z:", [Kept(0), Restored(1), Restored(2), Restored(3), Kept(4)]),
    ],
    ids=[
        "untouched",
        "edited a replaced cell",
        "edited a new cell",
        "wrote a cell",
        "moved",
        "deleted",
        "already back",
        "ids lost",
    ],
)
def test_what_the_user_did_since_wins(now, expected):
    assert list(plan_undo(_entries(now), _entries(BEFORE), _entries(AFTER))) == expected


def test_a_new_order_is_taken_back_with_the_rest():
    before, after = _entries("m:m: a:1:g b:2:g"), _entries("m:m: b:2:h a:1:h")
    assert list(plan_undo(after, before, after)) == [Kept(0), Restored(1), Restored(2)]


def test_an_order_that_the_user_made_since_stays():
    before, after = _entries("m:m: a:1:g b:2:g"), _entries("m:m: a:1:h b:2:h")
    now = _entries("m:m: b:2:h a:1:h")
    assert list(plan_undo(now, before, after)) == [Kept(0), Restored(2), Restored(1)]


CELLS = st.lists(st.tuples(st.sampled_from("pqrstuvw"), st.sampled_from("xyz"), st.sampled_from(["", "m"])), max_size=8)


def _unique(cells):
    return [Entry(*cell) for cell in {cell[0]: cell for cell in cells}.values()]


@settings(max_examples=1000, deadline=None)
@given(CELLS, CELLS, CELLS)
def test_no_cell_is_there_twice(first, second, third):
    now, before, after = _unique(first), _unique(second), _unique(third)
    places = plan_undo(now, before, after)
    ids = [before[place.cell].id if isinstance(place, Restored) else now[place.cell].id for place in places]
    assert len(set(ids)) == len(ids)


@settings(max_examples=1000, deadline=None)
@given(CELLS, CELLS)
def test_where_nothing_happened_since_the_answer_is_the_notebook_from_before(first, second):
    before, after = _unique(first), _unique(second)
    known = {cell.id: at for at, cell in enumerate(before)}
    stayed = [known[cell.id] for cell in after if cell.id in known]
    got = plan_undo(after, before, after)
    cells = [before[place.cell] if isinstance(place, Restored) else after[place.cell] for place in got]
    if stayed == sorted(stayed):
        assert cells == before
    assert sorted(cells, key=lambda cell: cell.id) == sorted(before, key=lambda cell: cell.id)
