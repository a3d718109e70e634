"""Temporary folders: gone afterwards, cleared after a kill, and nobody else's is ever touched."""

import os
import subprocess
import sys
import tempfile
import time

import pytest

from mlexpert_nb.workspace import temporary_folder

LEFT_BEHIND = """
import os, signal
from mlexpert_nb.workspace import temporary_folder
with temporary_folder("mlexpert-kind-") as folder:
    print(folder, flush=True)
    {end}
"""


@pytest.fixture(autouse=True)
def shared(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def make_old(folder):
    past = time.time() - 3600
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (past, past))


def test_a_folder_that_a_killed_process_left_is_removed_by_the_next_one(shared):
    code = LEFT_BEHIND.format(end="os.kill(os.getpid(), signal.SIGKILL)")
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    (left,) = shared.iterdir()
    make_old(left)
    with temporary_folder("mlexpert-kind-"):
        assert not left.exists()
    assert list(shared.iterdir()) == []


def test_a_folder_whose_owner_is_alive_is_kept_however_old_it_is(shared):
    code = LEFT_BEHIND.format(end="input()")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        owner.stdout.readline()
        (held,) = shared.iterdir()
        make_old(held)
        with temporary_folder("mlexpert-kind-"):
            pass
        assert held.exists()
        owner.communicate(b"\n")


def test_a_folder_of_the_users_with_a_name_like_ours_is_never_touched(shared):
    mine = shared / "mlexpert-kind-notes"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    make_old(mine)
    with temporary_folder("mlexpert-kind-"):
        pass
    assert (mine / "thesis.txt").read_text() == "mine"


def test_the_judge_is_not_robbed_of_its_folder_by_a_stage_in_another_process(shared):
    with temporary_folder("mlexpert-judge-") as judge:
        make_old(judge)
        with temporary_folder("mlexpert-stage-"):
            assert judge.exists()
