"""The transcript: every turn, decision and tool result of a run, one JSON object a line, in the words of the API."""

import json
import os
import re
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from mlexpert_nb.agent.llm import Document, Opaque, Text, ToolResult, ToolUse, Usage
from mlexpert_nb.agent.wire import to_block, to_usage
from mlexpert_nb.keys import Redact
from mlexpert_nb.workspace import Draft, make_own

_HALF = re.compile("[\ud800-\udfff]")  # of a character; the name of a file that is not UTF-8 has some


class Transcript:
    """Appends records to a file as they happen, so that a crash loses nothing that was said; holds no times and no key.

    Commands of the llm can reach the file, so that nothing is read back from it: what was said is kept in memory too.

    Args:
        path: The file, begun anew.
        redact: Hides the key.
        draft: A second place, which outlives a run that is cut off; written from `go_live` on.
    """

    def __init__(self, path: Path, redact: Redact = str, draft: Draft | None = None) -> None:
        self._path, self._redact, self._draft = path, redact, draft
        self._waits = self._is_live = False
        self._lines: list[str] = []
        self.settle()

    def go_live(self) -> None:
        """From the next turn on every record also goes into the draft, with what came before it.

        Not at once: a run that never got an answer must not take the place of an earlier one that can go on.
        """
        self._waits = self._draft is not None

    def add(self, kind: str, **facts: Any) -> None:
        """Append one record."""
        line = self._redact(json.dumps({"kind": kind, **facts}, default=_plain, ensure_ascii=False))
        line = _HALF.sub(lambda match: f"\\u{ord(match[0]):04x}", line)  # as JSON has it; UTF-8 has no way to
        self._lines.append(line)
        make_own(self._path.parent)
        if self._path.is_file():
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        else:
            self.settle()
        if self._draft is not None and self._waits and kind == "turn":
            self._waits, self._is_live = False, self._draft.start(tuple(self._lines))
        elif self._draft is not None and self._is_live:
            self._draft.append(line)

    def settle(self) -> None:
        """Put the file back as it was said, whatever a command has done to it or to its folder."""
        make_own(self._path.parent)
        incoming = self._path.with_suffix(f".{os.getpid()}")
        incoming.write_text("".join(f"{line}\n" for line in self._lines), encoding="utf-8")
        incoming.replace(self._path)

    def close(self) -> None:
        """Let the draft go: the run is over, or somebody else carries it on."""
        if self._draft is not None:
            self._draft.close()


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
