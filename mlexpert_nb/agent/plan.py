"""The plan: an editable Markdown file that is signed by its hash.

The text is the plan. What a person approves is the hash of exactly that text, and what the specialist works from is
read back out of it, so that an edit of the file is an edit of the work.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast

from mlexpert_nb.errors import UsageError

_FILE = re.compile(r"^- (create|modify) `([^`]+)`: ?(.*)$", re.MULTILINE)
_STEP = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
_TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"\A# Plan: (.+)\n")


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file that the plan announces."""

    path: str
    action: Literal["create", "modify"]
    description: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the specialist means to do.

    Attributes:
        title: One line.
        summary: Why this, in a paragraph.
        steps: What happens, in order.
        files: Every file that will be written.
        entry: Catalogue entry the code comes from; empty where it is written by hand.
        configuration: Values the network is built from.
    """

    title: str
    summary: str
    steps: tuple[str, ...]
    files: tuple[PlannedFile, ...]
    entry: str = ""
    configuration: Mapping[str, Any] = field(default_factory=dict)

    def to_text(self) -> str:
        """Write the plan as Markdown; `from_text` reads the same plan back."""
        steps = "\n".join(f"{n}. {_one_line(step)}" for n, step in enumerate(self.steps, 1))
        files = "\n".join(f"- {each.action} `{each.path}`: {_one_line(each.description)}" for each in self.files)
        values = "\n".join(f"{key} = {_toml(value)}" for key, value in self.configuration.items())
        return (
            f"# Plan: {_one_line(self.title)}\n\n{self.summary.strip()}\n\n"
            f"## Configuration\n\nEdit any value; what is approved is exactly this text.\n\n"
            f"```toml\nentry = {_toml(self.entry)}\n\n[configuration]\n{values}\n```\n\n"
            f"## Steps\n\n{steps}\n\n## Files\n\n{files}\n"
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a plan, also one that a person edited.

        Raises:
            UsageError: The title or the configuration block is missing or not TOML.
        """
        title, block = _TITLE.search(text), _TOML.search(text)
        if title is None or block is None:
            raise UsageError("the plan lost its title or its ```toml block; undo the edit or make a new plan")
        try:
            values = tomllib.loads(block[1])
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"the plan's configuration is not TOML: {error}; mend the ```toml block") from error
        head, _, rest = text.partition("\n## Steps\n")
        steps, _, files = rest.partition("\n## Files\n")
        return cls(
            title=title[1],
            summary=head[title.end() :].partition("\n## Configuration\n")[0].strip(),
            steps=tuple(_STEP.findall(steps)),
            files=tuple(
                PlannedFile(path, cast('Literal["create", "modify"]', action), description)
                for action, path, description in _FILE.findall(files)
            ),
            entry=str(values.get("entry", "")),
            configuration=values.get("configuration", {}),
        )


def digest(text: str) -> str:
    """Give the hash that stands for exactly this plan text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _toml(value: Any) -> str:
    """Write one scalar or flat list as TOML, whose strings, numbers and lists are JSON's."""
    if value is None:
        raise ValueError("a plan's configuration holds no null; leave the key out")
    return json.dumps(value, ensure_ascii=False)
