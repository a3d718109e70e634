"""The hash chain: no line of it can be changed, left out, swapped or added unnoticed."""

import json

import pytest

from mlexpert_nb.verify.receipt import START, Record, broken, canonical, head, one, read, seal

RECORDS = [
    Record("request", {"request": "a\u2028b"}),
    Record("files", {"sha256": {"b": "1", "a": "2"}}),
    Record("end", {}),
]
SEALED = seal(RECORDS)


def test_a_chain_starts_at_nothing_and_ends_in_its_head():
    lines = [json.loads(line) for line in SEALED.split("\n")[:-1]]
    assert [line["seq"] for line in lines] == [0, 1, 2]
    assert [line["prev"] for line in lines] == [START, lines[0]["hash"], lines[1]["hash"]]
    assert head(SEALED) == lines[2]["hash"]
    assert list(broken(SEALED)) == []


def test_equal_records_have_equal_receipts():
    assert seal([Record("files", {"sha256": {"a": "2", "b": "1"}})]) == seal(
        [Record("files", {"sha256": {"b": "1", "a": "2"}})]
    )
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'


def test_records_are_read_back():
    assert [record.kind for record in read(SEALED)] == ["request", "files", "end"]
    assert one(read(SEALED), "files")["sha256"] == {"a": "2", "b": "1"}
    assert one(read(SEALED), "nothing") == {}


def changed(start: int, stop: int, text: str) -> str:
    return SEALED[:start] + text + SEALED[stop:]


@pytest.mark.parametrize("position", range(0, len(SEALED), 7))
def test_a_change_of_any_character_is_noticed(position):
    assert list(broken(changed(position, position + 1, "~")))


FIRST, SECOND, THIRD = (line + "\n" for line in SEALED.split("\n")[:-1])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SECOND + THIRD, "line 1 (files): does not follow the line before it"),
        (FIRST + THIRD, "line 2 (end): does not follow the line before it"),
        (FIRST + THIRD + SECOND, "line 2 (end): does not follow the line before it"),
        (SEALED + "\n", "line 4 (not a record): is not a line that the judge wrote"),
        (SEALED + "[]\n", "line 4 (not a record): is not a line that the judge wrote"),
        (SEALED[:-1], "the last line is cut off"),
        (SEALED.replace(",", ", ", 1), "line 1 (request): is not a line that the judge wrote"),
        (SEALED.replace("\n", "\r\n"), "line 1 (request): is not a line that the judge wrote"),
        (SEALED.replace('"b":"1"', '"b":"3"'), "line 2 (files): its content does not match its hash"),
    ],
)
def test_what_was_done_to_a_chain_is_named(text, complaint):
    assert complaint in list(broken(text))


def test_a_chain_that_was_forged_as_a_whole_has_another_head():
    forged = seal([RECORDS[0], Record("files", {"sha256": {}}), RECORDS[2]])
    assert list(broken(forged)) == []
    assert head(forged) != head(SEALED)
    assert head("") == ""
