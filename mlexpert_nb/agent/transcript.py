"""The transcript: every turn, decision and tool result of a run, one JSON object a line."""

import json
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any


class Transcript:
    """Appends records to a file as they happen, so that a crash loses nothing that was said; holds no times."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("", encoding="utf-8")

    def add(self, kind: str, **facts: Any) -> None:
        """Append one record."""
        line = json.dumps({"kind": kind, **facts}, default=_plain, ensure_ascii=False)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"type": type(value).__name__, **asdict(value)}
    return list(value) if isinstance(value, (tuple, set)) else str(value)
