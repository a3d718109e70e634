"""The staged copy: what a run sees and does in it, and that the user's bytes are out of reach."""

import errno
import os
import re
import signal
import tempfile
from pathlib import Path

import pytest
from workspace.witness import TEMPORARY, in_child, look

from mlexpert_nb.errors import EnvironmentProblem, OutsideWorkspaceError, UsageError
from mlexpert_nb.workspace import FileChange, Workspace
from mlexpert_nb.workspace.snapshot import MAX_FILE_MIB, MAX_TOTAL_MIB


def test_a_stage_is_a_copy_that_shares_no_bytes_with_the_user(place, user, workspace):
    before = look(place, times=True)
    with workspace.stage() as stage:
        for path in ("run.py", "data.bin", "old/gone.py"):
            assert (stage.root / path).read_bytes() == (user / path).read_bytes()
            assert (stage.root / path).stat().st_ino != (user / path).stat().st_ino
            with (stage.root / path).open("r+b") as file:
                file.write(b"overwritten in place")
        assert not (stage.root / "link.py").readlink().is_absolute()
    assert look(place, times=True) == before


def test_a_full_disk_under_the_stage_is_one_line(workspace):
    message = "no space left to write .*; free some space and run again"
    with pytest.raises(EnvironmentProblem, match=message), workspace.stage() as stage:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(stage.root / "x"))


def test_a_stage_of_a_folder_that_does_not_exist_is_empty(place):
    with Workspace.open(place / "a" / "b").stage() as stage:
        assert stage.files() == ()
        assert stage.state.is_dir()
        assert stage.changes() == ()
    assert not (place / "a").exists()


def test_what_is_never_delivered_is_not_staged(user):
    for path in (
        ".git/config",
        ".venv/x",
        "env/pyvenv.cfg",
        "env/lib.py",
        "node_modules/x.js",
        "src/__pycache__/a.pyc",
    ):
        (user / path).parent.mkdir(parents=True, exist_ok=True)
        (user / path).write_text("x")
    os.mkfifo(user / "pipe")
    with Workspace.open(user).stage() as stage:
        assert stage.files() == ("data.bin", "link.py", "old/gone.py", "run.py")
        assert not (stage.root / ".git").exists()


def test_what_cannot_be_read_is_left_out_with_a_note(user):
    """In a process without root's privileges."""

    def as_nobody() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setuid(65534)
        with Workspace(user).stage() as stage:
            assert stage.notes == ("old was left out: it cannot be read", "run.py was left out: it cannot be read")
            with pytest.raises(UsageError, match=r"'old/new.py' was left out of the run: it cannot be read"):
                stage.write("old/new.py", "x")

    for path, mode in ((user.parent, 0o755), (user, 0o755), (user / "old", 0), (user / "run.py", 0)):
        path.chmod(mode)
    with tempfile.TemporaryDirectory(dir=TEMPORARY) as folder:
        Path(folder).chmod(0o777)
        tempfile.tempdir = folder
        assert in_child(as_nobody) == 0


def test_a_link_to_data_outside_can_be_read_and_one_inside_stays_inside(place, user):
    (place / "data").mkdir()
    (place / "data" / "train.csv").write_text("1,2\n")
    (user / "sub").mkdir()
    (user / "sub" / "data").symlink_to("../../data")
    (user / "sub" / "absolute.py").symlink_to(user / "run.py")
    with Workspace.open(user).stage() as stage:
        assert (stage.root / "sub" / "data" / "train.csv").read_text() == "1,2\n"
        assert (stage.root / "sub" / "absolute.py").resolve() == stage.root / "run.py"
        assert stage.changes() == ()


def test_a_huge_file_is_left_out_with_a_note_and_cannot_be_overwritten(user):
    with (user / "weights.pt").open("wb") as file:
        file.truncate((MAX_FILE_MIB + 1) * 2**20)
    with Workspace.open(user).stage() as stage:
        assert stage.notes == ("weights.pt was left out: it is 51 MiB; files above 50 MiB are not staged",)
        with pytest.raises(UsageError, match=r"'weights.pt' was left out of the run: it is 51 MiB"):
            stage.write("weights.pt", "x")
        assert stage.changes() == ()


def test_a_folder_that_is_far_too_big_is_refused(user):
    for number in range(MAX_TOTAL_MIB // MAX_FILE_MIB + 1):
        with (user / f"{number}.bin").open("wb") as file:
            file.truncate(MAX_FILE_MIB * 2**20)
    workspace = Workspace.open(user)
    with (
        pytest.raises(UsageError, match=r"holds more than 512 MiB or 20000 files; choose a smaller"),
        workspace.stage(),
    ):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_the_copy_is_gone_afterwards_whatever_happened(workspace, error):
    def work() -> None:
        with workspace.stage() as stage:
            places.append(stage.root)
            (stage.root / "locked").mkdir()
            (stage.root / "locked" / "x").write_text("x")
            (stage.root / "locked").chmod(0)
            raise error

    places: list[Path] = []
    with pytest.raises(error):
        work()
    assert not places[0].parent.exists()


def test_the_copy_of_a_killed_run_is_removed_by_a_later_one(workspace):
    def run() -> None:
        with workspace.stage():
            os.kill(os.getpid(), signal.SIGKILL)

    temporary = Path(tempfile.gettempdir())
    assert in_child(run) == -signal.SIGKILL
    (left,) = temporary.iterdir()
    with workspace.stage() as alive:
        assert left.exists()  # it could be one that was made this moment
        for folder in temporary.iterdir():
            for path in (folder, *folder.glob(".mlexpert-*")):
                os.utime(path, (1, 1))
        with workspace.stage() as stage:
            assert set(temporary.iterdir()) == {alive.base.parent, stage.base.parent}
    assert list(temporary.iterdir()) == []


def test_write_says_what_changed(workspace):
    with workspace.stage() as stage:
        assert stage.write("src/a.py", "1\n2\n") == FileChange("src/a.py", 2, 0, created=True)
        assert stage.write("src/a.py", "1\n3\n4\n") == FileChange("src/a.py", 2, 1, created=False)
        assert stage.write("src/a.py", "1\n3\n4\n") == FileChange("src/a.py", 0, 0, created=False)
        assert stage.read("src/a.py") == "1\n3\n4\n"
        assert stage.changes() == (FileChange("src/a.py", 3, 0, created=True),)


def test_line_ends_and_permissions_are_kept(user):
    (user / "dos.py").write_bytes(b"a\r\nb\r\n")
    with Workspace.open(user).stage() as stage:
        stage.edit("dos.py", "b", "c")
        stage.edit("run.py", "one", "two")
        assert (stage.root / "dos.py").read_bytes() == b"a\r\nc\r\n"
        assert (stage.root / "run.py").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("old", "message"),
    [("nothing", "0 times .* not once; quote it exactly"), ("n", "2 times .* quote more lines"), ("", "0 times")],
)
def test_an_edit_that_is_not_unique_is_refused(workspace, old, message):
    with workspace.stage() as stage:
        with pytest.raises(UsageError, match=message):
            stage.edit("run.py", old, "x")
        assert stage.changes() == ()


def test_a_file_that_is_not_text_is_refused_for_reading(workspace):
    with workspace.stage() as stage, pytest.raises(UsageError, match=r"'data.bin' is not UTF-8 text \(byte 128\)"):
        stage.read("data.bin")


@pytest.mark.parametrize(("path", "message"), [("absent.py", "is not there"), ("old", "is a folder")])
def test_a_file_that_is_not_there_is_refused_for_reading_and_deleting(workspace, path, message):
    with workspace.stage() as stage:
        for verb in (stage.read, stage.delete):
            with pytest.raises(UsageError, match=message):
                verb(path)


@pytest.mark.parametrize("path", ["old", "run.py/below.py"])
def test_a_file_cannot_take_the_place_of_a_folder_or_stand_below_a_file(workspace, path):
    with workspace.stage() as stage, pytest.raises(UsageError, match="cannot be a file"):
        stage.write(path, "x\n")


def test_text_that_is_no_unicode_is_refused(workspace):
    with workspace.stage() as stage:
        with pytest.raises(UsageError, match=r"not valid Unicode \(character 1\); nothing was written"):
            stage.write("a.py", "x\ud800")
        assert stage.changes() == ()


def test_a_name_that_the_file_system_refuses_is_one_line(workspace):
    with workspace.stage() as stage, pytest.raises(UsageError, match="File name too long; use a shorter one"):
        stage.write("x" * 300, "x\n")


def test_delete_takes_empty_folders_along(workspace):
    with workspace.stage() as stage:
        assert stage.delete("old/gone.py") == FileChange("old/gone.py", 0, 1, created=False, deleted=True)
        assert not (stage.root / "old").exists()
        stage.delete("data.bin")
        assert [change.path for change in stage.changes()] == ["data.bin", "old/gone.py"]


def test_grep_finds_lines_in_text_files_only(workspace):
    with workspace.stage() as stage:
        stage.write("src/a.py", "import torch\nx = 1\n")
        assert stage.grep(r"x = \d") == ("old/gone.py:1: x = 1", "src/a.py:2: x = 1")
        assert stage.grep(r"x = \d", "src/**/*.py") == ("src/a.py:2: x = 1",)


@pytest.mark.parametrize(
    ("pattern", "glob", "error"),
    [
        ("(", "**/*", UsageError),
        ("x", "", OutsideWorkspaceError),
        ("x", "../*", OutsideWorkspaceError),
        ("x", "/etc/*", OutsideWorkspaceError),
        ("x", "a**/b", UsageError),
    ],
)
def test_grep_refuses_what_it_cannot_use(workspace, pattern, glob, error):
    with workspace.stage() as stage, pytest.raises(error, match=r"escape special|outside the workspace|is not a glob"):
        assert stage.grep(pattern, glob) == ()


def test_the_diff_is_one_that_git_applies(user, workspace):
    with workspace.stage() as stage:
        stage.write("new file.py", "a\x0cb\n")
        stage.edit("run.py", "print('one')\n", "print('two')")
        stage.delete("old/gone.py")
        (stage.root / "data.bin").write_bytes(b"\0")
        (stage.state / "receipt.jsonl").write_text("{}")
        assert stage.diff() == (
            "Files a/data.bin and b/data.bin differ\n"
            "--- /dev/null\n+++ b/new file.py\n@@ -0,0 +1 @@\n+a\x0cb\n"
            "--- a/old/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n"
            "--- a/run.py\n+++ b/run.py\n@@ -1 +1 @@\n-print('one')\n+print('two')\n\\ No newline at end of file\n"
        )


def test_the_diff_is_against_the_start_even_if_the_user_goes_on(user, workspace):
    with workspace.stage() as stage:
        stage.edit("run.py", "one", "two")
        (user / "run.py").write_text("print('meanwhile')\n")
        assert re.search(r"-print\('one'\)\n\+print\('two'\)", stage.diff())


def test_a_temporary_folder_that_cannot_be_written_is_one_line(workspace, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    with pytest.raises(EnvironmentProblem, match=r"No such file or directory \(/proc/nowhere"), workspace.stage():
        pass
