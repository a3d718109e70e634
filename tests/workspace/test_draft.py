"""Drafts of unfinished runs: two runs in one workspace neither mix their words nor lose them."""

import subprocess
import sys

import pytest

from mlexpert_nb.workspace import Draft

WAITS = """
import sys
from pathlib import Path
from mlexpert_nb.workspace import Draft
draft = Draft(Path(sys.argv[1]))
print(draft.start(("theirs",)), flush=True)
sys.stdin.readline()
draft.append("theirs again")
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "work"


@pytest.fixture
def draft(root):
    made = Draft(root)
    yield made
    made.close()


def test_what_was_said_is_there_for_the_next_run(draft, root):
    assert draft.start(("a\u2028b\x85c",))
    draft.append("d")
    draft.close()
    assert Draft(root).lines() == ("a\u2028b\x85c", "d")


def test_a_run_of_another_process_keeps_its_draft_until_it_ends(draft, root, reachable):
    with subprocess.Popen([sys.executable, "-c", WAITS, str(root)], stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout.readline() == "True\n"
        assert draft.is_held
        assert not draft.start(("ours",))
        draft.append("ours again")
        draft.drop()
        assert draft.lines() == ("theirs",)
        other.communicate("\n", timeout=30)
    assert draft.lines() == ("theirs", "theirs again")
    assert not draft.is_held
    assert draft.start(("ours",))
    assert draft.lines() == ("ours",)


def test_a_finished_run_leaves_nothing(draft, root):
    draft.start(("a",))
    draft.drop()
    assert Draft(root).lines() == ()
