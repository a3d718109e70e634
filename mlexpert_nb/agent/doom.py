"""Notices a specialist that goes in circles: the same call with the same result, again and again."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from mlexpert_nb.agent.llm import ToolResult, ToolUse

WARN, STOP = 3, 6  # sightings of one call with one result since something last changed in a new way
_NUMBERS = re.compile(r"\d+(\.\d+)?")  # times and counts differ between two runs of the same failing test
_CHANGING = frozenset({"Write", "Edit", "create_model_skeleton", "add_tests"})


@dataclass(slots=True)
class Circles:
    """Counts calls with their results since the specialist last changed anything in a new way."""

    _seen: Counter[str] = field(default_factory=Counter)
    _changes: set[str] = field(default_factory=set)

    def see(self, call: ToolUse, result: ToolResult) -> int:
        """Take note of one call, and give how often it came with this result."""
        key = json.dumps([call.name, call.input], sort_keys=True, default=str)
        if call.name in _CHANGING and not result.is_error and key not in self._changes:
            self._changes.add(key)
            self._seen.clear()
        sighting = f"{key} {_NUMBERS.sub('#', result.content)}"
        self._seen[sighting] += 1
        return self._seen[sighting]


def warning(count: int) -> str:
    """Say it to the llm."""
    return (
        f"\n[the same call gave the same result {count} times, and after {STOP} the run stops; look for the cause, do "
        "something else, or use ask_user or out_of_scope]"
    )
