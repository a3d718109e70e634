"""The transcript: every turn, decision and tool result of a run, one JSON object a line, in the words of the API."""

import json
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from mlexpert_nb.agent.llm import Document, Opaque, Text, ToolResult, ToolUse, Usage
from mlexpert_nb.agent.wire import to_block, to_usage
from mlexpert_nb.keys import Redact
from mlexpert_nb.workspace import Draft


class Transcript:
    """Appends records to a file as they happen, so that a crash loses nothing that was said; holds no times and no key.

    Args:
        path: The file, begun anew.
        redact: Hides the key.
        draft: A second place, which outlives a run that is cut off; written from `go_live` on.
    """

    def __init__(self, path: Path, redact: Redact = str, draft: Draft | None = None) -> None:
        self._path, self._redact, self._draft = path, redact, draft
        self._waits = self._is_live = False
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("", encoding="utf-8")

    def go_live(self) -> None:
        """From the next turn on every record also goes into the draft, with what came before it.

        Not at once: a run that never got an answer must not take the place of an earlier one that can go on.
        """
        self._waits = self._draft is not None

    def add(self, kind: str, **facts: Any) -> None:
        """Append one record."""
        line = self._redact(json.dumps({"kind": kind, **facts}, default=_plain, ensure_ascii=False))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        if self._draft is not None and self._waits and kind == "turn":
            self._draft.start(tuple(self._path.read_text("utf-8").splitlines()))
            self._waits, self._is_live = False, True
        elif self._draft is not None and self._is_live:
            self._draft.append(line)


def _plain(value: Any) -> Any:
    match value:
        case ToolUse(problem=problem):
            return to_block(value) | ({"problem": problem} if problem else {})
        case Text() | ToolResult() | Document() | Opaque():
            return to_block(value)
        case Usage():
            return to_usage(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return list(value) if isinstance(value, (tuple, set)) else str(value)
