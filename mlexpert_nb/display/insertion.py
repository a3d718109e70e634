"""Where generated cells go in a notebook, and what happens to the ones that are there: a decision, as plain data.

The rules, for one magic cell and the cells that it has just asked for. `tests/display/insertion_cases.json` is the same
rules as a table, and every front end holds to it:

- A cell is known by its role, within the id that its magic cell carries in `metadata.mlexpert.id`.
- It is untouched while the digest of its type and source is the one written down when it was generated.
- Untouched: its source is replaced in place, or it goes if its role is gone. Unchanged: nothing about it changes.
- Edited: it stays as it is, for ever. A version newer than the one it was edited from is offered once, below it, as a
  raw cell, so that it does not run.
- Copied by the user: one cell keeps the role, the others are the user's from then on.
- Copied magic cell: each copy owns the cells that follow it up to the next copy; the one that runs takes a new id.
- New cells come after the one before them in the plan, or under the magic cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

Meta: TypeAlias = Mapping[str, object]
_NEWER = "A newer version of the cell above, from the last run. To use it, put it in that cell's place."
OFFER = {"markdown": f"<!-- {_NEWER} -->\n", "code": f"# {_NEWER}\n"}


@dataclass(frozen=True, slots=True)
class CellView:
    """What the decision needs to know of a cell: `meta` is `metadata.mlexpert`, empty if there is none."""

    cell_type: str
    source: str
    meta: Meta = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One cell that the magic cell asked for."""

    cell_type: str
    source: str
    role: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One cell of the notebook as it should be.

    Attributes:
        cell: Index of the present cell that it is; None for a new one.
        wanted: Index of the wanted cell that it shows; None for a cell of the user's.
        cell_type: Its type.
        source: Its source.
        meta: Its `metadata.mlexpert`; empty for none.
    """

    cell: int | None
    wanted: int | None
    cell_type: str
    source: str
    meta: Meta


def digest(cell_type: str, source: str) -> str:
    """Give what a generated cell is recognised by: 16 hex digits of SHA-256 over "type NUL source" in UTF-8."""
    return sha256(f"{cell_type}\0{source}".encode(errors="replace")).hexdigest()[:16]


def plan_insertion(cells: Sequence[CellView], magic: int, wanted: Sequence[Wanted], fresh: str) -> tuple[Slot, ...]:
    """Give the whole notebook as it should be after the magic cell has asked for `wanted`.

    Args:
        cells: The notebook as it is.
        magic: Index of the magic cell. If it is itself an untouched generated cell, nothing changes: no recursion.
        wanted: Cells it asked for, in order.
        fresh: An id that no magic cell of the notebook carries, for a magic cell that needs one.

    Returns:
        One slot a cell, in order. Present cells that no slot names are to be deleted.
    """
    if _untouched(cells[magic]) and cells[magic].meta.get("generated") is True:
        return tuple(_kept(cells, index) for index in range(len(cells)))
    origin, mine = _ownership(cells, magic, fresh)
    return _Insertion(cells, magic, origin, mine).slots(_unique(wanted))


def _ownership(cells: Sequence[CellView], magic: int, fresh: str) -> tuple[str, list[int]]:
    """Give the id that the magic cell has from now on, and the generated cells that are its."""
    own = str(cells[magic].meta.get("id", ""))
    carriers = [i for i, cell in enumerate(cells) if own and cell.meta.get("id") == own]
    made = [i for i, cell in enumerate(cells) if own and cell.meta.get("origin") == own and i not in carriers]
    mine = [i for i in made if max((c for c in carriers if c < i), default=carriers[0]) == magic]
    if len(carriers) == 1:
        return own, mine
    # cells whose magic cell was deleted and typed again: a derived id finds them
    orphans = [i for i, cell in enumerate(cells) if cell.meta.get("origin") == fresh and i != magic]
    return fresh, sorted({*mine, *orphans})


def _unique(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Give the wanted cells with a number on every role that was there before."""
    seen: dict[str, int] = {}
    named = []
    for each in wanted:
        seen[each.role] = seen.get(each.role, 0) + 1
        role = each.role if seen[each.role] == 1 else f"{each.role}#{seen[each.role]}"
        named.append(Wanted(each.cell_type, each.source, role))
    return named


def _untouched(cell: CellView) -> bool:
    return cell.meta.get("digest") == digest(cell.cell_type, cell.source)


def _kept(cells: Sequence[CellView], index: int) -> Slot:
    cell = cells[index]
    return Slot(index, None, cell.cell_type, cell.source, cell.meta)


_OURS = ("generated", "edited", "offer", "offered", "origin", "index", "role", "digest")
_Key: TypeAlias = "int | tuple[str, int]"  # a present cell, or ("new" | "offer", index of the wanted cell)


class _Insertion:
    """The decision under way: slots of present cells, cells to delete, new slots."""

    def __init__(self, cells: Sequence[CellView], magic: int, origin: str, mine: Sequence[int]) -> None:
        self.cells, self.magic, self.origin, self.mine = cells, magic, origin, mine
        self.present = {i: _kept(cells, i) for i in range(len(cells))}
        self.gone: set[int] = set()
        self.fresh: dict[tuple[str, int], Slot] = {}
        self.holders: dict[int, int] = {}
        head = cells[magic]
        self.present[magic] = Slot(magic, None, head.cell_type, head.source, {**head.meta, "id": origin})

    def slots(self, wanted: Sequence[Wanted]) -> tuple[Slot, ...]:
        for index, each in enumerate(wanted):
            self._place(index, each)
        roles = {each.role for each in wanted}
        for role in sorted({self._role(i) for i in self.mine} - roles):
            self._retire(self._group(role, offers=False))
            self._retire(self._group(role, offers=True))
        return tuple(self.fresh[key] if isinstance(key, tuple) else self.present[key] for key in self._order(wanted))

    def _place(self, index: int, each: Wanted) -> None:
        group = self._group(each.role, offers=False)
        untouched = [i for i in group if _untouched(self.cells[i])]
        holder = next(iter([*untouched, *group]), None)
        offers = self._group(each.role, offers=True)
        if holder is None:
            self.fresh["new", index] = Slot(None, index, each.cell_type, each.source, self._generated(index, each))
            self._retire(offers)
            return
        self.holders[index] = holder
        self._release([i for i in group if i != holder])
        if holder in untouched:
            meta = {**self._others(holder), **self._generated(index, each)}
            self.present[holder] = Slot(holder, index, each.cell_type, each.source, meta)
            self._retire(offers)
        else:
            self._offer(index, each, holder, offers)

    def _offer(self, index: int, each: Wanted, holder: int, offers: Sequence[int]) -> None:
        """Keep an edited cell; put a version it was neither edited from nor offered before beside it."""
        cell, newest = self.cells[holder], digest(each.cell_type, each.source)
        if newest == cell.meta.get("digest"):
            self.present[holder] = self._edited(holder, index)
            self._retire(offers)
            return
        self.present[holder] = self._edited(holder, index, offered=newest)
        if newest == digest(cell.cell_type, cell.source):  # the user has taken it
            self._retire(offers)
            return
        source = OFFER.get(each.cell_type, "") + each.source
        shown = {**self._generated(index, each), "digest": digest("raw", source), "offer": True}
        standing = next((i for i in offers if _untouched(self.cells[i])), None)
        self._release([i for i in offers if i != standing])
        if standing is not None:
            self.present[standing] = Slot(standing, index, "raw", source, {**self._others(standing), **shown})
        elif cell.meta.get("offered") != newest:
            self.fresh["offer", index] = Slot(None, index, "raw", source, shown)

    def _retire(self, group: Sequence[int]) -> None:
        """Delete one untouched cell whose role is gone; its copies and the edited ones stay with the user."""
        first = next((i for i in group if _untouched(self.cells[i])), None)
        if first is not None:
            self.gone.add(first)
        self._release([i for i in group if i != first])

    def _release(self, group: Sequence[int]) -> None:
        """Leave cells to the user: copies lose every mark, edited ones keep what they were edited from."""
        for i in group:
            cell = self.cells[i]
            mine = _untouched(cell) or cell.meta.get("offer") is True
            self.present[i] = Slot(i, None, cell.cell_type, cell.source, self._others(i)) if mine else self._edited(i)

    def _edited(self, i: int, index: int | None = None, offered: str = "") -> Slot:
        cell = self.cells[i]
        kept = {key: cell.meta[key] for key in ("index", "role", "digest") if key in cell.meta}
        marks = {**kept, "generated": False, "edited": True, "origin": self.origin}
        place = {} if index is None else {"index": index}
        meta = {**self._others(i), **marks, **place, **({"offered": offered} if offered else {})}
        return Slot(i, None, cell.cell_type, cell.source, meta)

    def _order(self, wanted: Sequence[Wanted]) -> list[_Key]:
        moved = self._in_plan_order()
        keys: list[_Key] = [moved.get(i, i) for i in range(len(self.cells)) if i not in self.gone]
        for index in self.holders:
            if ("offer", index) in self.fresh:
                keys.insert(keys.index(self.holders[index]) + 1, ("offer", index))
        last = keys.index(self.magic)
        for index in range(len(wanted)):
            if ("new", index) in self.fresh:
                last += 1
                keys.insert(last, ("new", index))
            else:
                places = [keys.index(key) for key in (self.holders[index], ("offer", index)) if key in keys]
                last = max(places) if min(places) > keys.index(self.magic) else last
        return keys

    def _in_plan_order(self) -> dict[int, int]:
        """Give which cell takes whose place when the plan's order has changed; none where the user has moved cells."""
        plan = [cell for _, cell in sorted(self.holders.items()) if self.present[cell].wanted is not None]
        places = sorted(plan)
        numbers = [self.cells[i].meta.get("index") for i in places]
        known = [number for number in numbers if isinstance(number, int)]
        as_left = len(known) == len(places) and known == sorted(set(known))
        return dict(zip(places, plan, strict=True)) if as_left and all(i > self.magic for i in places) else {}

    def _group(self, role: str, *, offers: bool) -> list[int]:
        return [i for i in self.mine if self._role(i) == role and (self.cells[i].meta.get("offer") is True) is offers]

    def _role(self, i: int) -> str:
        return str(self.cells[i].meta.get("role", ""))

    def _others(self, i: int) -> dict[str, object]:
        return {key: value for key, value in self.cells[i].meta.items() if key not in _OURS}

    def _generated(self, index: int, each: Wanted) -> dict[str, object]:
        mark = digest(each.cell_type, each.source)
        return {"generated": True, "origin": self.origin, "index": index, "role": each.role, "digest": mark}
