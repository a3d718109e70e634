"""The drawn process shows what its source says: the same boxes with the same words, the same arrows."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

DOCS = Path(__file__).parents[1] / "docs"
SOURCE = re.sub(r"//.*", "", (DOCS / "ml-expert-process.dot").read_text("utf-8"))
DRAWING = ET.fromstring((DOCS / "ml-expert-process.svg").read_text("utf-8"))  # noqa: S314 - our own file
SVG = "{http://www.w3.org/2000/svg}"


def drawn(kind):
    """Give what was drawn of one kind, by its name: the words on it."""
    groups = [group for group in DRAWING.iter(f"{SVG}g") if group.get("class") == kind]
    return {
        group.findtext(f"{SVG}title"): [
            (text.text or "").replace("\xa0", " ").strip() for text in group.iter(f"{SVG}text")
        ]
        for group in groups
    }


def labels():
    found = re.findall(r'^\s*(\w+) \[label="([^"]*)"', SOURCE, re.MULTILINE)
    return {name: label.split("\\n") for name, label in found}


def arrows():
    """Give every arrow of the source with its label."""
    found = {}
    for chain, attributes in re.findall(r"^\s*(\w+(?: -> \w+)+)(?: \[(.*)\])?$", SOURCE, re.MULTILINE):
        label = re.search(r'label="([^"]*)"', attributes)
        names = chain.split(" -> ")
        for one, two in pairwise(names):
            found[f"{one}->{two}"] = [label[1].strip()] if label else []
    return found


def test_the_drawing_has_the_boxes_of_its_source():
    assert len(labels()) > 10
    assert drawn("node") == labels()


def test_the_drawing_has_the_arrows_of_its_source():
    assert len(arrows()) > 10
    assert drawn("edge") == arrows()


def test_the_process_names_every_step_that_is_promised():
    told = " ".join(word for words in labels().values() for word in words).lower()
    steps = (
        "request detect context plan approved staged judge receipt commit card cells refused interrupted undo verify"
    )
    assert [step for step in steps.split() if step not in told] == []


def test_the_exit_codes_of_the_drawing_are_those_of_the_program():
    told = {int(code) for code in re.findall(r"\(exit (\d+)\)", SOURCE)}
    assert told == {2, 3, 4, 130}


def test_the_drawing_has_no_background_of_its_own():
    assert 'bgcolor="transparent"' in SOURCE
    whole = next(group for group in DRAWING.iter(f"{SVG}g") if group.get("class") == "graph")
    assert [each.get("fill") for each in whole.findall(f"{SVG}polygon")] in ([], ["transparent"], ["none"])
