"""Checks a workspace against its receipt and names everything that was touched since; runs nothing, needs no torch."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify import artefacts, receipt, tree
from mlexpert_nb.verify.result import read_result
from mlexpert_nb.verify.spec import Verification
from mlexpert_nb.workspace import STATE

_RECEIPT, _RESULT = f"{STATE}/{artefacts.RECEIPT}", f"{STATE}/{artefacts.RESULT}"
_KINDS = ("request", "environment", "files", "command", "artefacts", "verdict")


def verify(root: Path, expected: str | None = None) -> Verification:
    """Recompute every hash of a delivery and render its result anew.

    Args:
        root: The workspace.
        expected: A receipt that was kept elsewhere; without it, a receipt that was forged as a whole is not found out.
    """
    try:
        text = artefacts.read_receipt(root)
    except UsageError as error:
        return Verification(passed=False, touched=(f"{_RECEIPT}: missing ({error})",), receipt="")
    head = receipt.head(text)
    touched = [*(f"{_RECEIPT}: {line}" for line in receipt.broken(text)), *_unlike(head, expected)]
    touched += [*_incomplete(receipt.read(text)), *_files(root, receipt.read(text)), *_result(root)]
    return Verification(passed=not touched, touched=tuple(dict.fromkeys(touched)), receipt=head)


def delivered_files(root: Path) -> tuple[str, ...]:
    """List the files that an earlier run delivered here and that nobody has touched since."""
    try:
        text = artefacts.read_receipt(root)
    except UsageError:
        return ()
    records = receipt.read(text)
    sealed, delivered = _hashes(records, "files"), receipt.one(records, "request").get("delivered", [])
    if any(receipt.broken(text)) or not isinstance(delivered, list):
        return ()
    ours = {path: sealed[path] for path in delivered if path in sealed}
    return tuple(path for path in sorted(ours) if not tree.differences(root, {path: ours[path]}))


def _unlike(head: str, expected: str | None) -> Iterator[str]:
    if expected is not None and head != expected:
        yield f"{_RECEIPT}: is another receipt ({head[:19] or 'none'}, expected {expected[:19]})"


def _incomplete(records: tuple[receipt.Record, ...]) -> Iterator[str]:
    for kind in _KINDS:
        if kind not in {record.kind for record in records}:
            yield f"{_RECEIPT}: the record {kind!r} is gone"


def _files(root: Path, records: tuple[receipt.Record, ...]) -> Iterator[str]:
    sealed = _hashes(records, "files")
    yield from tree.differences(root, sealed)
    yield from (f"{path}: added after the verdict" for path in tree.added_files(root, sealed))
    yield from (f"{path}: is a symbolic link" for path in tree.links(root, sealed))
    yield from tree.differences(root, _hashes(records, "artefacts"))


def _hashes(records: tuple[receipt.Record, ...], kind: str) -> dict[str, str]:
    found = receipt.one(records, kind).get("sha256", {})
    pairs = found.items() if isinstance(found, dict) else ()
    return {path: sha for path, sha in pairs if isinstance(sha, str) and _is_inside(path)}


def _is_inside(path: str) -> bool:
    return not path.startswith("/") and ".." not in path.split("/")


def _result(root: Path) -> Iterator[str]:
    try:
        rendered = read_result(root).to_json()
        expected = artefacts.to_json(rendered).encode()
    except (UsageError, ValueError) as error:  # ValueError: an infinite figure, which JSON has no word for
        yield f"{_RESULT}: cannot be compared: {error}"
        return
    path = root / STATE / artefacts.RESULT
    if not path.is_file():
        yield f"{_RESULT}: missing"
        return
    written = path.read_bytes()
    if written != expected:
        lines = list(_unequal(_parsed(written), rendered, "")) or ["its bytes differ from what the judge wrote"]
        yield from (f"{_RESULT}: {line}" for line in lines)


def _parsed(written: bytes) -> object:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def _unequal(found: object, rendered: object, where: str) -> Iterator[str]:
    """Name the fields in which two JSON values differ."""
    if isinstance(found, dict) and isinstance(rendered, dict):
        for key in dict.fromkeys((*rendered, *found)):
            yield from _unequal(_get(found, key), _get(rendered, key), f"{where}.{key}".lstrip("."))
    elif isinstance(found, list) and isinstance(rendered, list) and len(found) == len(rendered):
        for index, pair in enumerate(zip(found, rendered, strict=True)):
            yield from _unequal(*pair, f"{where}[{index}]")
    elif found != rendered or type(found) is not type(rendered):
        yield f"{where or 'the whole'} is {_short(found)}, the artefacts say {_short(rendered)}"


def _get(values: Mapping[str, Any], key: str) -> object:
    return values.get(key)


def _short(value: object, most: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else text[: most - 3] + "..."
