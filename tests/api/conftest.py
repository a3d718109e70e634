"""Requests answered by a script that delivers a tiny network, judged for real."""

import pytest
import tiny_delivery

from mlexpert_nb.agent import ScriptedLLM, Text, ToolUse, Turn

REQUEST = "Implement this small GRU language model architecture"


def turns(files=tiny_delivery.FILES, *, dim=24):
    """Give the turns of a specialist that plans and then writes `files`."""
    proposal = {
        "title": "a small language model",
        "summary": "One GRU.",
        "steps": ["write it"],
        "files": [{"path": path, "action": "create", "description": "a file"} for path in files],
        "configuration": {"dim": dim},
    }
    writes = [ToolUse(f"w{n}", "Write", {"path": path, "text": text}) for n, (path, text) in enumerate(files.items())]
    return [
        Turn((ToolUse("p", "propose_plan", proposal),), "tool_use"),
        Turn(tuple(writes), "tool_use"),
        Turn((Text("written"),), "end_turn"),
    ]


@pytest.fixture
def scripted():
    """Give a fresh llm that delivers the tiny network, with some files replaced."""

    def make(**changes):
        files = {**tiny_delivery.FILES, **{key.replace("__", "/"): text for key, text in changes.items()}}
        return ScriptedLLM(turns(files))

    return make


@pytest.fixture
def contents():
    """Give a function that reads a whole folder: path -> (bytes, modification time)."""

    def read(root):
        return {
            path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    return read
