"""The files that the judge leaves in the workspace's state folder, and how they are read back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify import receipt
from mlexpert_nb.verify.cases import Case, read_junit
from mlexpert_nb.verify.spec import Finding
from mlexpert_nb.workspace import STATE

JUNIT, COVERAGE, RUFF, BENCH, CHECKS = "junit.xml", "coverage.json", "ruff.json", "bench.json", "checks.json"
RECEIPT, RESULT = "receipt.jsonl", "result.json"
_UNSEALED = frozenset({RECEIPT, RESULT, "pending.json"})  # what comes after the seal, or lives beside it
_UNSEALED_FOLDERS = frozenset({"journal"})


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What the judge measured, as the files have it.

    Attributes:
        cases: Tests that ran.
        coverage: coverage.json.
        bench: Exact figures: parameters, latency, memory.
        findings: Every check with its verdict.
        records: The receipt.
        head: Hash of the receipt's last line.
    """

    cases: tuple[Case, ...]
    coverage: Mapping[str, Any]
    bench: Mapping[str, Any]
    findings: tuple[Finding, ...]
    records: tuple[receipt.Record, ...]
    head: str


def write(root: Path, name: str, content: object) -> None:
    """Write one artefact; text as it is, anything else as JSON."""
    path = root / STATE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else to_json(content)
    path.write_bytes(text.encode())


def to_json(content: object) -> str:
    """Write JSON for people: indented, keys in their own order."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_findings(root: Path, findings: Iterable[Finding]) -> None:
    """Write checks.json."""
    write(root, CHECKS, [asdict(finding) for finding in findings])


def state_files(root: Path) -> tuple[str, ...]:
    """List what the receipt seals in the state folder, by path relative to the workspace."""
    state = root / STATE
    found = (path.relative_to(state) for path in state.rglob("*") if path.is_file() and not path.is_symlink())
    sealed = [each for each in found if each.as_posix() not in _UNSEALED and each.parts[0] not in _UNSEALED_FOLDERS]
    return tuple(sorted(f"{STATE}/{each.as_posix()}" for each in sealed))


def read(root: Path) -> Artefacts:
    """Read what the judge left.

    Raises:
        UsageError: Nothing was judged here, or a file cannot be read any more.
    """
    sealed = read_receipt(root)
    try:
        return Artefacts(
            cases=read_junit(junit) if (junit := _text(root, JUNIT)) else (),
            coverage=_object(root, COVERAGE),
            bench=_object(root, BENCH),
            findings=tuple(Finding(**each) for each in json.loads(_text(root, CHECKS))),
            records=receipt.read(sealed),
            head=receipt.head(sealed),
        )
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"the artefacts in {root / STATE} cannot be read: {error}; run the request again") from error


def read_receipt(root: Path) -> str:
    """Read the receipt, byte for byte.

    Raises:
        UsageError: There is none.
    """
    path = root / STATE / RECEIPT
    if not path.is_file():
        raise UsageError(f"{root} holds no receipt; nothing was delivered there, or {STATE}/{RECEIPT} is gone")
    return path.read_bytes().decode("utf-8", errors="replace")


def _text(root: Path, name: str) -> str:
    return (root / STATE / name).read_bytes().decode("utf-8")


def _object(root: Path, name: str) -> Mapping[str, Any]:
    value = json.loads(_text(root, name))
    if not isinstance(value, dict):
        raise TypeError(f"{name} is not an object")
    return value
