"""Undo: the bytes from before, and no trace where there was nothing before."""

import json
from pathlib import Path

import pytest
from workspace.witness import look

from mlexpert_nb.errors import ConflictError, EnvironmentProblem, OutsideWorkspaceError, UsageError
from mlexpert_nb.workspace import Workspace


def deliver(workspace: Workspace, label: str, **texts: str) -> None:
    """Commit files whose names have __ for / and no ending."""
    with workspace.stage() as stage:
        for name, text in texts.items():
            stage.write(name.replace("__", "/") + ".py", text)
        (stage.state / "receipt.jsonl").write_text(label)
        workspace.commit(stage, label=label, replaces=stage.files())


@pytest.mark.parametrize("root", ["user", "new", "new/deep/er"])
def test_undo_walks_back_to_the_bytes_before_each_commit(place, user, root):
    (place / "user" / "src").mkdir()
    workspace = Workspace.open(place / root)
    seen = [look(place, times=root == "new")]
    for number in range(3):
        deliver(workspace, f"run {number}", run=f"{number}\n", src__a=f"{number}\n", **{f"n{number}__b": "x\n"})
        seen.append(look(place))
    for number in (2, 1, 0):
        assert look(place) == seen.pop()
        undone = workspace.undo()
        assert undone.commit.label == f"run {number}"
        assert f"n{number}/b.py" in undone.removed
        assert ("run.py" in undone.restored) is (number > 0 or root == "user")
    assert look(place, times=root == "new") == seen.pop()
    with pytest.raises(UsageError, match="nothing to undo in"):
        workspace.undo()


def test_undo_gives_back_the_very_file_with_its_time_and_its_links(place, user, workspace):
    (place / "other name").hardlink_to(user / "run.py")
    before = look(user, times=True)
    deliver(workspace, "x", run="new\n")
    assert (place / "other name").read_text() == "print('one')\n"
    workspace.undo()
    assert look(user, times=True) == before
    assert (place / "other name").samefile(user / "run.py")


@pytest.mark.parametrize("how", ["edited", "removed", "deleted file is back"])
def test_undo_refuses_when_a_file_was_edited_since(place, user, workspace, how):
    with workspace.stage() as stage:
        stage.edit("run.py", "one", "two")
        stage.delete("old/gone.py")
        workspace.commit(stage, label="x", replaces=["run.py", "old/gone.py"])
    name = "old/gone.py" if how == "deleted file is back" else "run.py"
    (user / name).parent.mkdir(exist_ok=True)
    (user / name).unlink(missing_ok=True)
    if how != "removed":
        (user / name).write_text("mine\n")
    before = look(place, times=True)
    with pytest.raises(ConflictError, match=f"^{name} changed since; nothing was undone: .* undo with --force"):
        workspace.undo()
    assert look(place, times=True) == before


def test_undo_by_force_loses_the_edits(place, user, workspace):
    before = look(place)
    deliver(workspace, "x", run="new\n", a="new\n")
    (user / "run.py").write_text("mine\n")
    (user / "a.py").write_text("mine\n")
    workspace.undo(force=True)
    assert look(place) == before


@pytest.mark.parametrize("root", ["user", "new/deep"])
def test_caches_in_created_folders_do_not_block_undo(place, user, root):
    (place / "user" / "tests").mkdir()
    workspace = Workspace.open(place / root)
    before = look(place)
    deliver(workspace, "x", src__model__a="x\n", tests__test_a="x\n")
    for cache in ("src/__pycache__", "src/model/__pycache__", "src/.pytest_cache", "src/model/.ruff_cache"):
        (place / root / cache).mkdir()
        (place / root / cache / "x").write_text("x")
    if root != "user":
        (place / root / ".pytest_cache").mkdir()
    workspace.undo()
    assert look(place) == before


def test_caches_in_the_users_own_folders_are_left_alone(user, workspace):
    (user / "src").mkdir()
    deliver(workspace, "x", src__a="x\n")
    (user / "src" / "__pycache__").mkdir()
    workspace.undo()
    assert (user / "src" / "__pycache__").is_dir()


@pytest.mark.parametrize(
    "mine",
    [
        ["new/deep/src/mine.txt"],
        ["new/deep/lock"],
        ["new/lock", "new/deep/src/model/x"],
        ["new/deep/.mlexpert/mine.txt"],
    ],
)
def test_the_users_files_in_created_folders_stay(place, mine):
    workspace = Workspace.open(place / "new" / "deep")
    deliver(workspace, "x", src__model__a="x\n", b="x\n")
    for name in mine:
        (place / name).write_text("mine\n")
    workspace.undo()
    kept = {parent.as_posix() for name in mine for parent in (Path(name), *Path(name).parents)} - {"."}
    assert set(look(place)) == kept


def test_a_workspace_that_was_moved_can_be_undone(place):
    deliver(Workspace.open(place / "a" / "b"), "x", src__a="x\n")
    (place / "other").mkdir()
    (place / "a" / "b").rename(place / "other" / "c")
    Workspace.open(place / "other" / "c").undo()
    assert sorted(look(place)) == ["a", "other"]


def test_a_journal_from_elsewhere_cannot_reach_outside(place, workspace):
    deliver(workspace, "x", a="x\n")
    (place / "secret.txt").write_text("secret\n")
    manifest = workspace.root / ".mlexpert/journal/0001/manifest.json"
    data = json.loads(manifest.read_text())
    data["files"].append({"path": "../secret.txt", "before": None, "after": None})
    manifest.with_name("pending.json").write_text(json.dumps(data))
    manifest.unlink()
    with pytest.raises(OutsideWorkspaceError, match=r"names '../secret.txt', which leads outside"):
        Workspace.open(workspace.root)
    assert (place / "secret.txt").read_text() == "secret\n"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 99}', "not json"])
def test_a_damaged_journal_is_one_line(workspace, text):
    deliver(workspace, "x", a="x\n")
    (workspace.root / ".mlexpert/journal/0001/manifest.json").write_text(text)
    for verb in (workspace.history, workspace.undo):
        with pytest.raises(EnvironmentProblem, match="cannot be read: damaged or of another version; move"):
            verb()


def sealed(workspace: Workspace, label: str, receipt: str) -> None:
    """Commit one file under a receipt."""
    with workspace.stage() as stage:
        stage.write("a.py", f"{label}\n")
        workspace.commit(stage, label=label, replaces=["a.py"], receipt=receipt)


def test_the_history_names_the_receipt_of_each_run(workspace):
    sealed(workspace, "one", "sha256:11")
    deliver(workspace, "a plan", b="x\n")
    assert [commit.receipt for commit in workspace.history()] == ["sha256:11", ""]


def test_undo_of_one_receipt_refuses_to_take_back_a_later_run_in_its_place(place, workspace):
    sealed(workspace, "one", "sha256:11")
    sealed(workspace, "two", "sha256:22")
    before = look(place, times=True)
    with pytest.raises(ConflictError, match=r"^'two' was run in .* since; nothing was undone: undo that first$"):
        workspace.undo(receipt="sha256:11")
    with pytest.raises(ConflictError, match=r"no run with the receipt sha256:33 is left in .*; nothing was undone"):
        workspace.undo(receipt="sha256:33")
    assert look(place, times=True) == before
    assert workspace.undo(receipt="sha256:22").commit.receipt == "sha256:22"
    assert workspace.undo(receipt="sha256:11").commit.label == "one"


def test_a_journal_from_before_there_were_receipts_is_read(workspace):
    deliver(workspace, "x", a="x\n")
    manifest = workspace.root / ".mlexpert/journal/0001/manifest.json"
    data = json.loads(manifest.read_text())
    del data["receipt"]
    manifest.write_text(json.dumps(data))
    assert workspace.history()[0].receipt == ""
    assert workspace.undo(receipt="").commit.label == "x"
