"""How an insertion is taken back: a decision over three states of a notebook, as plain data.

`before` and `after` are the notebook around the run, `now` is the notebook as it stands. Where nothing else has
happened, the answer is `before`, cell for cell. Whatever the user has written or moved since wins over the way back.
`tests/display/undo_cases.json` is the same as a table, and every front end holds to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Entry:
    """What the decision needs to know of a cell.

    Attributes:
        id: Its id; empty in a format without ids.
        digest: What its type and source are known by.
        mark: Its `metadata.mlexpert` as canonical JSON, and whatever else of the cell the run may have changed.
    """

    id: str
    digest: str
    mark: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A cell that stays as it is; `cell` is its index in `now`."""

    cell: int


@dataclass(frozen=True, slots=True)
class Restored:
    """A cell that is put back as it was; `cell` is its index in `before`."""

    cell: int


Place: TypeAlias = Kept | Restored


def plan_undo(now: Sequence[Entry], before: Sequence[Entry], after: Sequence[Entry]) -> tuple[Place, ...]:
    """Give the whole notebook as it should be once the run between `before` and `after` is taken back.

    Args:
        now: The notebook as it is.
        before: The notebook before the run; a cell that stayed has the same id in `after`.
        after: The notebook after the run.

    Returns:
        One place a cell, in order. Present cells that no place names are to be deleted.
    """
    return _Undo(now, before, after).places()


class _Undo:
    """The way back under way: `origin` leads from `after` to `before`, `present` from `now` to `after`.

    `again` leads from `now` to the cells of `before` that stand there although the run has deleted them.
    """

    def __init__(self, now: Sequence[Entry], before: Sequence[Entry], after: Sequence[Entry]) -> None:
        self.now, self.before, self.after = now, before, after
        known = {cell.id: at for at, cell in enumerate(before) if cell.id}
        self.origin = {at: known[cell.id] for at, cell in enumerate(after) if cell.id in known}
        self.present = self._found_again(known)
        self.again: dict[int, int] = {}
        for at, cell in enumerate(now):
            was = known.get(cell.id) if at not in self.present else None
            if was is not None and was not in {*self.origin.values(), *self.again.values()}:
                self.again[at] = was

    def places(self) -> tuple[Place, ...]:
        each = (self._place(at) for at in range(len(self.now)))
        places = self._in_old_order([place for place in each if place is not None])
        shown = {self._was(place) for place in places} | set(self.origin.values())
        for at in range(len(self.before)):
            if at not in shown:  # deleted by the run
                places.insert(self._slot_of(at, places), Restored(at))
        return tuple(places)

    def _place(self, at: int) -> Place | None:
        """Give where one present cell goes; None to delete it."""
        if at not in self.present or self.now[at].digest != self.after[self.present[at]].digest:
            return Kept(at)  # written or edited since: the user's
        made = self.present[at]
        if made not in self.origin:
            return None  # made by the run
        was = self.before[self.origin[made]]
        same = (was.digest, was.mark) == (self.after[made].digest, self.after[made].mark)
        return Kept(at) if same else Restored(self.origin[made])

    def _found_again(self, known: Mapping[str, int]) -> dict[int, int]:
        """Give, for each present cell, which one after the run it is: by id, or by text and mark if its id is lost."""
        by_id = {cell.id: at for at, cell in enumerate(self.after) if cell.id}
        found: dict[int, int] = {}
        for at, cell in enumerate(self.now):
            if cell.id in by_id:
                found[at] = by_id.pop(cell.id)
        left = sorted(set(range(len(self.after))) - set(found.values()))
        for at, cell in enumerate(self.now):
            alike = (i for i in left if (self.after[i].digest, self.after[i].mark) == (cell.digest, cell.mark))
            match = None if at in found or cell.id in known else next(alike, None)
            if match is not None:
                found[at] = match
                left.remove(match)
        return found

    def _was(self, place: Place) -> int:
        """Give which cell of `before` a place shows; -1 for a cell that was not there."""
        if isinstance(place, Restored):
            return place.cell
        return self.origin.get(self.present.get(place.cell, -1), self.again.get(place.cell, -1))

    def _in_old_order(self, places: list[Place]) -> list[Place]:
        """Give the cells from before the run their old order back, where only the run has changed it."""
        in_after = {before_at: after_at for after_at, before_at in self.origin.items()}
        slots = [slot for slot, place in enumerate(places) if self._was(place) in in_after]
        standing = [in_after[self._was(places[slot])] for slot in slots]
        if standing != sorted(standing):
            return places  # the user has moved cells since
        ordered = sorted((places[slot] for slot in slots), key=self._was)
        again = list(places)
        for slot, place in zip(slots, ordered, strict=True):
            again[slot] = place
        return again

    def _slot_of(self, at: int, places: Sequence[Place]) -> int:
        """Give the slot behind the nearest cell that stood before cell `at` of `before`."""
        standing = [(self._was(place), slot) for slot, place in enumerate(places)]
        return max(((was, slot + 1) for was, slot in standing if 0 <= was < at), default=(-1, 0))[1]
