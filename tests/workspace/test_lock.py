"""Two runs in one workspace: the second one is told so, and a killed one stands in nobody's way."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from workspace.witness import in_child, look

from mlexpert_nb.errors import NeedsUserError
from mlexpert_nb.workspace import Workspace


def run(root: Path, arm: Callable[[], None] = lambda: None) -> None:
    """Deliver one file."""
    workspace = Workspace.open(root)
    with workspace.stage() as stage:
        stage.write(f"{os.getpid()}.py", "x\n")
        arm()
        workspace.commit(stage, label="x")


@contextmanager
def paused(root: Path, event: str, what: str) -> Iterator[int]:
    """Start a run in another process and stop it in the middle of its commit."""

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        if name == event and what in str(arguments):
            os.kill(os.getpid(), signal.SIGSTOP)

    pid = os.fork()
    if pid == 0:
        run(root, lambda: sys.addaudithook(hook))
        os._exit(0)
    os.waitpid(pid, os.WUNTRACED)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


MOMENTS = {
    "prepares": ("open", "/after/0"),
    "renames": ("os.rename", "/after/0"),
    "ends": ("os.rename", "pending.json"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", ["user", "new/deep"])
@pytest.mark.parametrize("earlier", [False, True])
def test_the_second_of_two_runs_is_told_and_a_killed_one_is_cleaned_up(place, user, moment, name, earlier):
    root = place / name
    if earlier:
        assert in_child(lambda: run(root)) == 0
    before = look(place)
    workspace = Workspace.open(root)
    with workspace.stage() as stage:
        stage.write("mine.py", "x\n")
        with paused(root, *MOMENTS[moment]):
            with pytest.raises(
                NeedsUserError, match=r"another run is writing to .* wait until it is done or use another"
            ):
                workspace.commit(stage, label="x")
            if moment != "prepares" or not earlier:
                with pytest.raises(NeedsUserError, match=r"another run is writing"):
                    Workspace.open(root)
        Workspace.open(root)
        assert look(place) == before
        workspace.commit(stage, label="x")
    assert (root / "mine.py").exists()


def test_many_runs_at_once_leave_a_journal_in_order(place):
    root, start = place / "new" / "deep", time.monotonic() + 0.3
    pids = []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            time.sleep(max(0.0, start - time.monotonic()))
            for _ in range(40):
                if in_child(lambda: run(root)) == 0:
                    os._exit(0)
                time.sleep(0.02)
            os._exit(1)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 8
    assert [commit.number for commit in Workspace.open(root).history()] == list(range(1, 9))
    assert len(list(root.glob("*.py"))) == 8
    for _ in range(8):
        Workspace.open(root).undo()
    assert look(place) == {}
