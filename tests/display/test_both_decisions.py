"""The extension decides as Python does: the shared tables, and random histories through both, step by step."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlexpert_nb.display.insertion import CellView, Wanted, digest, plan_insertion
from mlexpert_nb.display.undo import Entry, Kept, plan_undo

TABLE = json.loads(Path(__file__).with_name("insertion_cases.json").read_text("utf-8"))["cases"]


def _meta(meta):
    marks = {key: value for key, value in meta.items() if isinstance(value, str) and value.startswith("@")}
    return {**meta, **{key: digest(*value[1:].split(":", 1)) for key, value in marks.items()}}


def _resolved(row):
    return {**row, "meta": _meta(row["meta"])}


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case["name"])
def test_the_extension_holds_to_the_table(extension, case):
    cells = [_resolved(row) for row in case["cells"]]
    got = extension("insertion", cells=cells, magic=case["magic"], wanted=case["wanted"], fresh=case["fresh"])
    assert got == [_resolved(row) for row in case["slots"]]


SOURCES = st.sampled_from(["a = 1", "a = 2", "b\n\nc", "# Grüße 🚀", "", "\ud800 half"])
TYPES = st.sampled_from(["code", "markdown", "raw"])
IDS = st.sampled_from(["O", "P", "fresh"])


@st.composite
def marks(draw, cell_type, source):
    kind = draw(st.sampled_from(["none", "magic", "generated", "touched", "edited", "offer", "other"]))
    if kind == "none":
        return {}
    if kind == "magic":
        return {"id": draw(IDS)}
    if kind == "other":
        return {"note": "theirs", "role": draw(st.sampled_from(["a", 7, ""]))}
    other = draw(SOURCES)
    return {
        "generated": kind != "edited",
        "origin": draw(IDS),
        "index": draw(st.integers(0, 3)),
        "role": draw(st.sampled_from("abcd")),
        "digest": digest(cell_type, source if kind in {"generated", "offer"} else other),
        **({"edited": True} if kind == "edited" else {}),
        **({"offered": digest("code", other)} if kind == "edited" and draw(st.booleans()) else {}),
        **({"offer": True} if kind == "offer" else {}),
    }


@st.composite
def views(draw):
    cells = []
    for _ in range(draw(st.integers(1, 8))):
        cell_type, source = draw(TYPES), draw(SOURCES)
        cells.append({"cell_type": cell_type, "source": source, "meta": draw(marks(cell_type, source))})
    return cells


WANTED = st.lists(
    st.builds(lambda t, s, r: {"cell_type": t, "source": s, "role": r}, TYPES, SOURCES, st.sampled_from("abcd")),
    max_size=5,
)
MANY = settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(views(), WANTED, st.integers(0, 99))
def test_the_extension_inserts_as_python_does(extension, cells, wanted, which):
    magic = which % len(cells)
    slots = plan_insertion([CellView(**row) for row in cells], magic, [Wanted(**row) for row in wanted], "fresh")
    got = extension("insertion", cells=cells, magic=magic, wanted=wanted, fresh="fresh")
    assert got == [asdict(slot) for slot in slots]


ENTRIES = st.lists(
    st.builds(Entry, st.sampled_from(["", *"pqrstuv"]), st.sampled_from("xyz"), st.sampled_from(["", "m"])), max_size=7
)


@MANY
@given(ENTRIES, ENTRIES, ENTRIES)
def test_the_extension_takes_back_as_python_does(extension, now, before, after):
    expected = [{"kept" if isinstance(p, Kept) else "restored": p.cell} for p in plan_undo(now, before, after)]
    rows = {name: [asdict(e) for e in each] for name, each in (("now", now), ("before", before), ("after", after))}
    assert extension("undo", **rows) == expected


@MANY
@given(views(), WANTED, st.integers(0, 99), st.data())
def test_a_review_changes_only_what_was_decided(extension, cells, wanted, which, data):
    request = {"cells": cells, "magic": which % len(cells), "wanted": wanted, "fresh": "fresh"}
    changes = extension("changes", **request)
    decisions = {
        each["role"]: data.draw(st.sampled_from(["accept", "reject", "mine"]))
        for each in changes
        if each["kind"] != "same" and data.draw(st.booleans())
    }
    slots = extension("decided", decisions=decisions, **request)
    there = {slot["cell"] for slot in slots if slot["cell"] is not None}
    accepted = {each["cell"] for each in changes if decisions.get(each["role"]) == "accept"}
    offers = {i for i, cell in enumerate(cells) if cell["meta"].get("offer") is True}
    assert set(range(len(cells))) - there <= accepted | offers
    for slot in slots:
        if slot["cell"] is not None and slot["cell"] not in accepted:
            before = cells[slot["cell"]]
            assert (slot["cell_type"], slot["source"]) == (before["cell_type"], before["source"])
        elif slot["cell"] is None:
            assert decisions.get(wanted[slot["wanted"]]["role"]) or "#" in str(slot["meta"]["role"])


@pytest.mark.parametrize(
    ("decision", "sources"),
    [
        (None, ["%%mlexpert x", "mine = 1", "u"]),
        ("reject", ["%%mlexpert x", "mine = 1", "u"]),
        ("mine", ["%%mlexpert x", "mine = 1", "u"]),
        ("accept", ["%%mlexpert x", "b = 2", "u"]),
    ],
)
def test_an_edited_cell_gives_way_only_to_an_accept(extension, decision, sources):
    meta = {"origin": "O", "role": "b", "index": 0, "generated": True, "digest": digest("code", "b = 1")}
    cells = [
        {"cell_type": "code", "source": "%%mlexpert x", "meta": {"id": "O"}},
        {"cell_type": "code", "source": "mine = 1", "meta": meta},
        {"cell_type": "code", "source": "u", "meta": {}},
    ]
    request = {"cells": cells, "magic": 0, "wanted": [{"cell_type": "code", "source": "b = 2", "role": "b"}]}
    (change,) = extension("changes", fresh="N", **request)
    assert change["kind"] == "conflict"
    slots = extension("decided", fresh="N", decisions={"b": decision} if decision else {}, **request)
    assert [slot["source"] for slot in slots] == sources
    again = extension("insertion", fresh="N", **{**request, "cells": [{**s, "meta": s["meta"]} for s in slots]})
    offered = [slot for slot in again if slot["meta"].get("offer")]
    assert len(offered) == (decision not in {"mine", "accept"}), "what was decided is not asked again"


def test_a_review_looks_at_the_cells_of_its_own_request(extension):
    def block(origin, source):
        mark = {"origin": origin, "role": "b", "index": 0, "generated": True, "digest": digest("code", "b = 1")}
        return [
            {"cell_type": "code", "source": f"%%mlexpert {origin}", "meta": {"id": origin}},
            {"cell_type": "code", "source": source, "meta": mark},
        ]

    cells = [*block("O", "precious of O"), *block("P", "mine of P")]
    request = {"cells": cells, "magic": 2, "fresh": "N"}
    wanted = [{"cell_type": "code", "source": "b = 2", "role": "b"}]
    (change,) = extension("changes", wanted=wanted, **request)
    assert (change["kind"], change["mine"]["source"]) == ("conflict", "mine of P")
    slots = extension("decided", wanted=wanted, decisions={"b": "accept"}, **request)
    assert [slot["source"] for slot in slots] == ["%%mlexpert O", "precious of O", "%%mlexpert P", "b = 2"]
