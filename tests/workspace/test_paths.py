"""Paths that a run may not name: each is refused with one line, and nothing is written."""

import pytest
from workspace.witness import look

from mlexpert_nb.errors import OutsideWorkspaceError, UsageError
from mlexpert_nb.workspace import Workspace


@pytest.mark.parametrize(
    "path",
    [
        "../escape.py",
        "src/../../escape.py",
        "a/../b.py",
        "/etc/passwd",
        "~/.bashrc",
        "C:\\Windows\\x.py",
        "\\\\server\\x.py",
        "outside_file",
        "outside_dir/x.py",
        "dangling",
        "dangling/x.py",
        "loop/x.py",
    ],
)
@pytest.mark.parametrize("verb", ["read", "write", "edit", "delete"])
def test_a_path_that_leaves_the_workspace_is_refused(place, user, path, verb):
    (place / "secret").mkdir()
    (place / "secret" / "x.py").write_text("secret\n")
    (user / "outside_file").symlink_to("../secret/x.py")
    (user / "outside_dir").symlink_to(place / "secret")
    (user / "dangling").symlink_to("nowhere")
    (user / "loop").symlink_to("loop")
    before = look(place, times=True)
    with Workspace.open(user).stage() as stage:
        arguments = {"write": ("new\n",), "edit": ("secret", "new")}.get(verb, ())
        with pytest.raises(
            OutsideWorkspaceError, match=r"outside the workspace; use a path|leads nowhere; use another"
        ):
            getattr(stage, verb)(path, *arguments)
        assert stage.changes() == ()
    assert look(place, times=True) == before


@pytest.mark.parametrize(
    "path",
    [".mlexpert/receipt.jsonl", ".MLexpert/x", "src/.mlexpert/x", ".git/hooks/pre-commit", "src/__pycache__/model.pyc"],
)
def test_a_path_into_a_folder_that_is_never_delivered_is_refused(workspace, path):
    with workspace.stage() as stage, pytest.raises(OutsideWorkspaceError, match="which a run never touches"):
        stage.write(path, "x\n")


def test_a_link_into_the_state_is_refused(user):
    (user / ".mlexpert").mkdir()
    (user / ".mlexpert" / "result.json").write_text("{}")
    (user / "sneaky").symlink_to(".mlexpert")
    with Workspace.open(user).stage() as stage, pytest.raises(OutsideWorkspaceError, match="never touches"):
        stage.write("sneaky/result.json", "{}")


@pytest.mark.parametrize("path", ["", ".", "./", "a\0b"])
def test_a_path_that_names_no_file_is_refused(workspace, path):
    with workspace.stage() as stage, pytest.raises(UsageError, match="names no file"):
        stage.write(path, "x\n")


@pytest.mark.parametrize(("path", "meant"), [("./src//model.py", "src/model.py"), ("link.py", "run.py")])
def test_other_spellings_of_a_path_inside_are_fine(workspace, path, meant):
    with workspace.stage() as stage:
        assert stage.write(path, "new\n").path == meant
        assert [change.path for change in stage.changes()] == [meant]


def test_a_workspace_whose_state_is_a_link_is_refused(place, user):
    (user / ".mlexpert").symlink_to(place)
    with pytest.raises(OutsideWorkspaceError, match="symbolic link; replace it by a folder"):
        Workspace.open(user)


def test_a_folder_that_became_a_link_during_the_run_is_not_written_through(place, user):
    (place / "elsewhere").mkdir()
    (user / "src").mkdir()
    workspace = Workspace.open(user)
    with workspace.stage() as stage:
        stage.write("src/model.py", "x\n")
        (user / "src").rmdir()
        (user / "src").symlink_to(place / "elsewhere")
        with pytest.raises(OutsideWorkspaceError, match="would leave"):
            workspace.commit(stage, label="x")
    assert list((place / "elsewhere").iterdir()) == []


def test_a_link_that_the_run_left_is_not_delivered(place, user):
    workspace = Workspace.open(user)
    before = look(place)
    with workspace.stage() as stage:
        (stage.root / "key").symlink_to("/etc/passwd")
        with pytest.raises(OutsideWorkspaceError, match="key: the run left a symbolic link"):
            workspace.commit(stage, label="x")
    assert look(place) == before
