"""A commit or an undo that is cut off at any of its steps: the bytes before it, or the bytes after it, nothing else.

The steps are the file operations that Python announces to its audit hooks; the fault is planted in a forked process
that runs the real code on a real folder.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace.witness import in_child, look

from mlexpert_nb.errors import ConflictError, EnvironmentProblem
from mlexpert_nb.workspace import Workspace

STEPS = (
    "open",
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "shutil.copyfile",
)


def count_steps(run: Callable[[Callable[[], None]], None]) -> int:
    """Tell how many file operations a run makes once it is armed."""
    seen = []
    reading, writing = os.pipe()
    hook = lambda event, _: seen.append(event) if event in STEPS else None  # noqa: E731 - it is one expression
    assert in_child(lambda: (run(lambda: sys.addaudithook(hook)), os.write(writing, b"%d" % len(seen)))) == 0
    os.close(writing)
    with os.fdopen(reading) as file:
        return int(file.read())


def fault_at(step: int, kind: str) -> None:
    """Let the `step`-th file operation from here on fail; it cannot be undone, so this is for a forked process."""
    count = 0

    def returned(_frame: object, event: str, _: object) -> None:
        if event == "c_return" and count == step:
            raise KeyboardInterrupt  # Python removes a profiler that raises

    def hook(event: str, _: tuple[object, ...]) -> None:
        nonlocal count
        if event in STEPS:
            count += 1
            if count == step and kind != "interrupt just after":
                if kind == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                if kind == "interrupt":
                    raise KeyboardInterrupt
                raise OSError(getattr(errno, kind), os.strerror(getattr(errno, kind)))

    if kind == "interrupt just after":
        sys.setprofile(returned)
    sys.addaudithook(hook)


def change(root: Path) -> Callable[[Callable[[], None]], None]:
    """Give a run that changes, removes and creates files, once it is armed."""

    def run(arm: Callable[[], None]) -> None:
        workspace = Workspace.open(root)
        with workspace.stage() as stage:
            stage.write("run.py", "print('two')\n")
            stage.write("src/model/a.py", "x\n")
            if "old/gone.py" in stage.files():
                stage.delete("old/gone.py")
            (stage.state / "receipt.jsonl").write_text(f"{len(workspace.history())}\n")
            arm()
            workspace.commit(stage, label="x", replaces=["run.py", "old/gone.py"])

    return run


def take_back(root: Path) -> Callable[[Callable[[], None]], None]:
    """Give an undo, once it is armed."""

    def run(arm: Callable[[], None]) -> None:
        workspace = Workspace.open(root)
        arm()
        workspace.undo()

    return run


def earlier(root: Path) -> None:
    """Let one commit be there already."""
    with Workspace.open(root).stage() as stage:
        stage.write("first.py", "x\n")
        Workspace.open(root).commit(stage, label="earlier")


SITUATIONS = {
    "first commit": ("user", [], change),
    "later commit": ("user", [earlier], change),
    "commit that creates the workspace": ("new/deep", [], change),
    "undo": ("user", [earlier, lambda root: change(root)(lambda: None)], take_back),
    "undo of the commit that created the workspace": ("new/deep", [lambda root: change(root)(lambda: None)], take_back),
}


@pytest.mark.parametrize("kind", ["kill", "interrupt", "interrupt just after", "ENOSPC"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_fault_at_any_step_leaves_the_bytes_before_or_after(place, user, situation, kind):
    name, preparations, make = SITUATIONS[situation]
    root = place / name
    for prepare in preparations:
        prepare(root)
    before = look(place)
    steps = count_steps(make(root))
    after = look(place)
    codes = {"kill": {-signal.SIGKILL}, "ENOSPC": {0, 5}}.get(kind, {130})  # 0: an error that does not matter
    _reset(place, before)
    seen = set()
    for step in range(1, steps + 1, {"interrupt": 2, "ENOSPC": 3}.get(kind, 1)):
        code = in_child(lambda step=step: make(root)(lambda: fault_at(step, kind)))
        assert code in codes, f"step {step} of {steps}"
        if make is change and kind != "kill":  # in order at once, before anybody opens it again
            assert look(place) in ((before, after) if code == 130 else (after,) if code == 0 else (before,)), (
                f"step {step}"
            )
        Workspace.open(root)
        seen.add(look(place) == before)
        assert look(place) in (before, after), f"step {step} of {steps}"
        if look(place) != before:
            _reset(place, before)
    assert True in seen
    assert steps > 20


@pytest.mark.parametrize("name", ["user", "new/deep"])
def test_a_recovery_that_is_killed_itself_is_finished_by_the_next_one(place, user, name):
    root = place / name
    before = look(place)
    steps = count_steps(change(root))
    _reset(place, before)
    killed = 0
    for step in (steps * part // 12 for part in range(4, 9)):
        for again in (2, 5, 9, 14, 20, 27):
            assert in_child(lambda step=step: change(root)(lambda: fault_at(step, "kill"))) < 0
            killed += in_child(lambda again=again: (fault_at(again, "kill"), Workspace.open(root))) < 0
            Workspace.open(root)
            assert look(place) == before, f"killed at step {step} of {steps}, recovery at step {again}"
    assert killed > 10


def test_a_second_interrupt_does_not_stop_the_way_back(place, user):
    """Ctrl-C pressed again, by people in a hurry."""
    before = look(place)
    steps = count_steps(change(user))
    _reset(place, before)

    def twice(step: int, later: int) -> None:
        change(user)(lambda: (fault_at(step, "interrupt"), fault_at(step + later, "interrupt")))

    for step in (steps * part // 12 for part in range(4, 8)):
        for later in (1, 3, 8, 15, 22):
            assert in_child(lambda step=step, later=later: twice(step, later)) == 130
            assert look(place) == before, f"at step {step} of {steps} and {later} steps later"


@pytest.mark.parametrize("how", ["in place", "by a new file"])
def test_a_file_that_is_edited_while_the_commit_renames_is_kept(place, user, how):
    before = look(place)

    def edit(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and str(arguments[0]).endswith("/after/0"):  # the first of three
            if how == "by a new file":
                (user / "run.py").unlink()
            (user / "run.py").write_text("mine\n")

    def run() -> None:
        with pytest.raises(
            ConflictError, match=r"run.py was changed at this moment; it was kept and nothing was written"
        ):
            change(user)(lambda: sys.addaudithook(edit))

    assert in_child(run) == 0
    assert (user / "run.py").read_text() == "mine\n"
    (user / "run.py").write_text("print('one')\n")
    (user / "run.py").chmod(0o755)
    assert look(place) == before


def test_edits_after_a_crash_are_kept_beside_what_was_there(place, user):
    steps = count_steps(change(user))
    Workspace.open(user).undo()
    before = look(user)
    for step in range(steps // 2, steps):
        assert in_child(lambda step=step: change(user)(lambda: fault_at(step, "kill"))) < 0
        if (user / "run.py").read_text() == "print('two')\n" and (user / "src" / "model" / "a.py").exists():
            break
        Workspace.open(user)
    (user / "run.py").write_text("mine\n")
    (user / "src" / "model" / "a.py").write_text("mine\n")
    Workspace.open(user)
    assert (user / "run.py").read_text() == "mine\n"
    assert (user / "run.py.before-mlexpert").read_text() == "print('one')\n"
    assert (user / "src" / "model" / "a.py").read_text() == "mine\n"
    assert look(user).keys() - before.keys() == {"run.py.before-mlexpert", "src", "src/model", "src/model/a.py"}


def test_an_undo_that_fails_in_the_middle_says_so_and_is_finished_by_the_next_open(place, user):
    before = look(place)
    change(user)(lambda: None)

    def run() -> None:
        with pytest.raises(
            EnvironmentProblem, match=r"'x' is taken back only in part .* repair that and open .* again"
        ):
            take_back(user)(lambda: fault_at(14, "ENOSPC"))

    assert in_child(run) == 0
    assert look(place) != before
    Workspace.open(user)
    assert look(place) == before


def _reset(place: Path, before: dict[str, tuple[object, ...]]) -> None:
    """Bring the folder back to how it was, files, links and permissions."""
    for path in sorted(place.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, (mode, held, _) in before.items():
        path = place / name
        if str(mode).startswith("d"):
            path.mkdir()
        elif str(mode).startswith("l"):
            path.symlink_to(str(held))
        else:
            path.write_bytes(bytes(held))
        if not path.is_symlink():
            bits = ["rwxrwxrwx"[index] == letter for index, letter in enumerate(str(mode)[1:])]
            path.chmod(int("".join("1" if bit else "0" for bit in bits), 2))
    assert look(place) == before
