"""Requests answered by a script that delivers a tiny network, judged for real."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny_delivery

from mlexpert_nb import api
from mlexpert_nb.agent import ScriptedLLM, Text, ToolUse, Turn
from mlexpert_nb.packages import Proposal, ResultPackage

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


@dataclass(frozen=True)
class Delivered:
    """A finished run: its workspace, what it gave, and the plans that the person was shown."""

    root: Path
    result: ResultPackage
    shown: list[Proposal]


@pytest.fixture(scope="session")
def first_delivery(tmp_path_factory):
    """Deliver the tiny network once for all tests."""
    root, shown = tmp_path_factory.mktemp("api") / "work", []
    result = api.implement(
        REQUEST, workspace=root, llm=ScriptedLLM(turns()), ask=lambda proposal: shown.append(proposal) or True
    )
    return Delivered(root, result, shown)


@pytest.fixture
def delivered(first_delivery, tmp_path):
    """Give a copy of the delivered workspace that a test may change."""
    shutil.copytree(first_delivery.root, tmp_path / "work")
    return Delivered(tmp_path / "work", first_delivery.result, first_delivery.shown)


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
