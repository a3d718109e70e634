"""The recordings that the notebooks play: what they write, and what they must not hold."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORDINGS = sorted((ROOT / "notebooks" / "recordings").glob("*.jsonl"))
MADE = {"__pycache__", ".ruff_cache", ".pytest_cache"}
SMALL_GPT = ROOT / "notebooks" / "recordings" / "small_gpt.jsonl"


def records(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def calls(path):
    """Give every tool call of a recording, in order."""
    blocks = (block for each in records(path) if each["kind"] == "turn" for block in each["content"])
    return [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]


def test_the_recording_of_the_small_gpt_writes_the_files_that_are_kept_beside_its_script():
    written = {}
    for name, given in calls(SMALL_GPT):
        if name == "Write":
            written[given["path"]] = given["text"]
        elif name == "Edit":
            assert written[given["path"]].count(given["old"]) == 1
            written[given["path"]] = written[given["path"]].replace(given["old"], given["new"])
    folder = Path(__file__).with_name("small_gpt")
    kept = {path for path in folder.rglob("*") if path.is_file() and not MADE & set(path.parts)}
    assert written == {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in kept}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_holds_no_key_and_nothing_of_the_machine_it_was_made_on(path):
    text = path.read_text("utf-8")
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|Users|private|mnt)/[^\s\"']*|127\.0\.0\.1|localhost", text) == []
    (context,) = (each["package"] for each in records(path) if each["kind"] == "context")
    assert {"hardware", "versions"} & context["evidence"].keys() == set()
    assert re.search(r"sk-[A-Za-z0-9-]{8,}", text) is None


def test_a_recording_of_a_script_says_so():
    (run,) = (each for each in records(SMALL_GPT) if each["kind"] == "run")
    assert run["llm"] == "scripted-engineer"
