"""Commit: all files or none, nothing that the user did is lost, and nothing at all where nothing changed."""

import pytest
from workspace.witness import in_child, look

from mlexpert_nb.errors import ConflictError, UsageError
from mlexpert_nb.workspace import FileChange, Workspace


def test_a_commit_delivers_what_the_stage_holds(user, workspace):
    with workspace.stage() as stage:
        stage.write("src/model/__init__.py", "a = 1\n")
        stage.edit("run.py", "one", "two")
        stage.delete("old/gone.py")
        (stage.root / "data.bin").write_bytes(b"\0\1")
        (stage.root / "src" / "train.sh").write_text("#!/bin/sh\n")
        (stage.root / "src" / "train.sh").chmod(0o755)
        (stage.state / "receipt.jsonl").write_text("{}\n")
        commit = workspace.commit(stage, label="first", replaces={"run.py", "old/gone.py", "data.bin"})
    assert (user / "src" / "model" / "__init__.py").read_text() == "a = 1\n"
    assert (user / "run.py").read_text() == "print('two')\n"
    assert (user / "run.py").stat().st_mode & 0o777 == 0o755
    assert (user / "src" / "train.sh").stat().st_mode & 0o777 == 0o755
    assert (user / "data.bin").read_bytes() == b"\0\1"
    assert (user / ".mlexpert" / "receipt.jsonl").read_text() == "{}\n"
    assert not (user / "old").exists()
    assert (commit.number, commit.label) == (1, "first")
    assert commit.changes == (
        FileChange("data.bin", 0, 0, created=False),
        FileChange("old/gone.py", 0, 1, created=False, deleted=True),
        FileChange("run.py", 1, 1, created=False),
        FileChange("src/model/__init__.py", 1, 0, created=True),
        FileChange("src/train.sh", 1, 0, created=True),
    )
    assert Workspace.open(user).history() == (commit,)


def test_opening_and_staging_creates_nothing(place, user):
    before = look(place, times=True)
    for root in (user, place / "new" / "deep"):
        with Workspace.open(root).stage():
            pass
    assert look(place, times=True) == before


@pytest.mark.parametrize("again", [False, True])
def test_a_stage_without_changes_writes_nothing_at_all(place, workspace, again):
    if again:
        with workspace.stage() as stage:
            stage.write("a.py", "x\n")
            workspace.commit(stage, label="first")
    before = look(place, times=True)
    with workspace.stage() as stage:
        stage.write("run.py", stage.read("run.py"))
        commit = workspace.commit(stage, label="nothing", replaces=["run.py"])
    assert look(place, times=True) == before
    assert (commit.number, commit.changes) == (0, ())


def test_caches_that_running_the_code_left_are_not_delivered(user, workspace):
    with workspace.stage() as stage:
        stage.write("src/a.py", "x\n")
        for cache in ("src/__pycache__", ".pytest_cache", ".hypothesis"):
            (stage.root / cache).mkdir()
            (stage.root / cache / "x").write_text("x")
        workspace.commit(stage, label="x")
    assert [path.name for path in (user / "src").iterdir()] == ["a.py"]
    assert not (user / ".pytest_cache").exists()


def test_a_file_of_the_user_that_nobody_offered_is_not_overwritten(place, workspace):
    before = look(place, times=True)
    with workspace.stage() as stage:
        stage.edit("run.py", "one", "two")
        stage.delete("old/gone.py")
        stage.write("new.py", "x\n")
        with pytest.raises(ConflictError, match=r"old/gone.py, run.py existed before the run; nothing was written"):
            workspace.commit(stage, label="x", replaces=["new.py"])
        assert stage.read("run.py") == "print('two')\n"
    assert look(place, times=True) == before


@pytest.mark.parametrize("meanwhile", ["edited", "removed", "created", "folder"])
def test_a_file_that_changed_meanwhile_is_kept(place, user, workspace, meanwhile):
    with workspace.stage() as stage:
        stage.edit("run.py", "one", "two")
        stage.write("new.py", "x\n")
        if meanwhile == "edited":
            (user / "run.py").write_text("print('mine')\n")
        elif meanwhile == "removed":
            (user / "run.py").unlink()
        elif meanwhile == "created":
            (user / "new.py").write_text("mine\n")
        else:
            (user / "new.py").mkdir()
        before = look(place, times=True)
        name = "run.py" if meanwhile in ("edited", "removed") else "new.py"
        with pytest.raises(ConflictError, match=f"^{name} changed since the run started; nothing was written"):
            workspace.commit(stage, label="x", replaces=["run.py"])
    assert look(place, times=True) == before


def test_other_files_of_the_user_may_change_meanwhile(user, workspace):
    with workspace.stage() as stage:
        stage.write("new.py", "x\n")
        (user / "run.py").write_text("print('mine')\n")
        (user / "more.py").write_text("mine\n")
        workspace.commit(stage, label="x")
    assert (user / "run.py").read_text() == "print('mine')\n"
    assert (user / "new.py").read_text() == "x\n"


def test_two_runs_that_write_the_same_new_file_conflict(place):
    first, second = Workspace.open(place / "new"), Workspace.open(place / "new")
    with first.stage() as one, second.stage() as two:
        one.write("a.py", "1\n")
        two.write("a.py", "2\n")
        first.commit(one, label="one")
        with pytest.raises(ConflictError, match=r"a\.py changed since"):
            second.commit(two, label="two")
    assert (place / "new" / "a.py").read_text() == "1\n"


def test_many_conflicts_are_one_short_line(user, workspace):
    with workspace.stage() as stage:
        for number in range(9):
            stage.write(f"{number}.py", "x\n")
            (user / f"{number}.py").write_text("mine\n")
        with pytest.raises(ConflictError, match=r"^0.py, 1.py, 2.py, 3.py, 4.py and 4 more changed"):
            workspace.commit(stage, label="x")


def test_a_file_may_become_a_folder_and_a_folder_a_file(place, user, workspace):
    before = look(place)
    with workspace.stage() as stage:
        stage.delete("run.py")
        stage.delete("link.py") if (stage.root / "link.py").exists() else (stage.root / "link.py").unlink()
        stage.write("run.py/main.py", "x\n")
        stage.delete("old/gone.py")
        stage.write("old", "now a file\n")
        workspace.commit(stage, label="swap", replaces=["run.py", "old/gone.py", "link.py"])
    assert (user / "run.py" / "main.py").read_text() == "x\n"
    assert (user / "old").read_text() == "now a file\n"
    assert not (user / "link.py").is_symlink()
    workspace.undo()
    assert look(place) == before


def test_a_change_of_permissions_alone_is_delivered_and_taken_back(place, user, workspace):
    before = look(place)
    with workspace.stage() as stage:
        (stage.root / "run.py").chmod(0o644)
        workspace.commit(stage, label="x", replaces=["run.py"])
    assert (user / "run.py").stat().st_mode & 0o777 == 0o644
    workspace.undo()
    assert look(place) == before


def test_a_workspace_that_is_a_file_is_refused(user):
    for path in (user / "run.py", user / "run.py" / "below"):
        with pytest.raises(UsageError, match=r"run.py is a file, not a folder; choose another folder"):
            Workspace.open(path)


def test_a_forked_run_sees_what_the_first_one_wrote(place):
    def run() -> None:
        workspace = Workspace.open(place / "new")
        with workspace.stage() as stage:
            stage.write("a.py", "1\n")
            workspace.commit(stage, label="one")

    assert in_child(run) == 0
    assert [commit.label for commit in Workspace.open(place / "new").history()] == ["one"]
