"""The receipt: a chain of records in which each holds the hash of the one before, so that no line can change alone."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

START = "sha256:" + 64 * "0"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a receipt.

    Attributes:
        kind: What it is about: request, environment, files, command, artefacts or verdict.
        facts: What it says.
    """

    kind: str
    facts: Mapping[str, Any]


def seal(records: Iterable[Record]) -> str:
    """Write records as lines of JSON, each sealed by its hash."""
    lines, prev = [], START
    for seq, record in enumerate(records):
        entry = {**record.facts, "seq": seq, "kind": record.kind, "prev": prev}
        prev = _hash(entry)
        lines.append(canonical({**entry, "hash": prev}))
    return "".join(line + "\n" for line in lines)


def head(text: str) -> str:
    """Give the hash of the last line, which stands for the whole receipt; empty if there is none."""
    found = _parse(_lines(text)[-1]).get("hash", "") if text else ""
    return found if isinstance(found, str) else ""


def read(text: str) -> tuple[Record, ...]:
    """Read the records; lines that are not records are left out (`broken` names them)."""
    entries = (_parse(line) for line in _lines(text))
    return tuple(Record(entry["kind"], entry) for entry in entries if isinstance(entry.get("kind"), str))


def broken(text: str) -> Iterator[str]:
    """Say, one line each, where the chain does not hold."""
    prev = START
    if text and not text.endswith("\n"):
        yield "the last line is cut off"
    for seq, line in enumerate(_lines(text)):
        entry = _parse(line)
        where = f"line {seq + 1} ({entry.get('kind', 'not a record')})"
        sealed = entry.pop("hash", "")
        if not entry or canonical({**entry, "hash": sealed}) != line:
            yield f"{where}: is not a line that the judge wrote"
        elif sealed != _hash(entry):
            yield f"{where}: its content does not match its hash"
        if entry and (entry.get("seq") != seq or entry.get("prev") != prev):
            yield f"{where}: does not follow the line before it"
        prev = sealed


def one(records: Iterable[Record], kind: str) -> Mapping[str, Any]:
    """Give the facts of the first record of a kind; empty if there is none."""
    return next((record.facts for record in records if record.kind == kind), {})


def canonical(value: object) -> str:
    """Write JSON in the one way that is hashed: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")  # splitlines() would also split at characters inside a string


def _hash(entry: Mapping[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(canonical(entry).encode()).hexdigest()


def _parse(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}
