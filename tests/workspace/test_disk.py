"""Disks that are full or read-only, for real: a small file system in memory, in a process that may mount one.

Such a process has a user and mount space of its own. Where that is not permitted, a file-size limit and permissions
make the kernel refuse the same things.
"""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from workspace.witness import in_child, look

from mlexpert_nb.errors import EnvironmentProblem
from mlexpert_nb.workspace import Stage, Workspace, edit_private_file

MIB = 2**20
NEW_USER, NEW_MOUNTS = 0x10000000, 0x00020000


def enter_private_space() -> None:
    """Become root of a user space whose mounts nobody else sees; a plain user may do this too."""
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None).unshare(NEW_USER | NEW_MOUNTS) != 0:
        raise PermissionError
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def mount(options: str, folder: Path) -> None:
    """Mount a small file system in memory, or change the options of one."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)


@cache
def may_mount() -> bool:
    """Tell whether a process may have mounts of its own here."""
    with tempfile.TemporaryDirectory() as folder:
        return in_child(lambda: (enter_private_space(), mount("size=1m", Path(folder)))) == 0


def on_disk(place: Path, options: str, body: Callable[[Path], object], otherwise: Callable[[], object]) -> int:
    """Run a test on a small file system that holds a copy of the user's folder, or after `otherwise` on this one."""

    def run() -> None:
        if not may_mount():
            otherwise()
            body(place)
            return
        enter_private_space()
        disk = place / "disk"
        disk.mkdir(exist_ok=True)
        mount(options, disk)
        shutil.copytree(place / "user", disk / "user", symlinks=True)
        body(disk)

    return in_child(run)


def limit_file_size() -> None:
    """Let the kernel refuse to write more than a mebibyte to any file of this process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))


@pytest.mark.parametrize("name", ["user", "new/deep"])
def test_a_full_disk_leaves_the_bytes_as_they_were(place, user, name):
    def body(folder: Path) -> None:
        before = look(folder)
        workspace = Workspace.open(folder / name)
        with workspace.stage() as stage:
            stage.write("src/small.py", "x\n")
            stage.write("run.py", "print('two')\n")
            big = stage.root / "weights.bin"
            for part in range(30):  # below the limit of one write, where that is what stands in for the disk
                big.with_name(f"{part}.bin").write_bytes(bytes(MIB if may_mount() else 1))
            subprocess.run(["dd", "if=/dev/zero", f"of={big}", "bs=1M", "count=2"], check=True, capture_output=True)
            with pytest.raises(EnvironmentProblem, match=r"no space left to write .* free some space and run again"):
                commit_limited(workspace, stage)
        assert look(folder) == before
        assert Workspace.open(folder / name).history() == ()

    assert on_disk(place, "size=24m", body, lambda: None) == 0


def commit_limited(workspace: Workspace, stage: Stage) -> None:
    """Commit; without a small disk, under the limit that stands in for it."""
    if not may_mount():
        limit_file_size()
    workspace.commit(stage, label="x", replaces=["run.py"])


def test_running_out_of_names_at_any_moment_leaves_all_or_nothing(place, user):
    """A file system with room for a number of files: the commit is refused while it prepares or while it renames."""

    def body(folder: Path) -> None:
        before = look(folder)
        workspace = Workspace.open(folder / "user")
        with workspace.stage() as stage:
            for number in range(3):
                stage.write(f"a{number}/b/c.py", "x\n")
            try:
                workspace.commit(stage, label="x")
            except EnvironmentProblem as error:
                assert "no space left" in str(error)  # noqa: PT017 - whether it is raised depends on the room
                assert look(folder) == before
                raise
        assert len(look(folder)) > len(before)

    codes = [on_disk(place, f"size=24m,nr_inodes={room + 8}", body, lambda: None) for room in range(1, 24)]
    assert set(codes) == ({0, 5} if may_mount() else {0})
    assert codes == sorted(codes, reverse=True)


def test_a_full_temporary_folder_is_one_line(place, user):
    def body(folder: Path) -> None:
        tempfile.tempdir = str(folder)
        stage = Workspace.open(user).stage()
        with pytest.raises(EnvironmentProblem, match=r"^no space left to write [^;]*; free some space and run again$"):
            stage.__enter__()
        assert [path.name for path in folder.iterdir() if path.name.startswith("mlexpert-")] == []

    (user / "a.bin").write_bytes(bytes(4 * MIB))
    assert on_disk(place, "size=6m", body, limit_file_size) == 0


def test_too_little_space_is_refused_before_anything_is_done(place, user):
    def body(folder: Path) -> None:
        with pytest.raises(
            EnvironmentProblem, match=r"has \d+ MiB free, 16 are needed; free some space|cannot be written"
        ):
            Workspace.open(folder / "new" if may_mount() else Path("/proc/new"))
        assert not (folder / "new").exists()

    assert on_disk(place, "size=8m", body, lambda: None) == 0


@pytest.mark.parametrize("name", ["user", "new/deep"])
def test_a_read_only_folder_is_refused_at_once(place, user, name):
    def body(folder: Path) -> None:
        make_read_only(folder)
        with pytest.raises(
            EnvironmentProblem, match=r"(read-only file system|cannot be written by you); choose another"
        ):
            Workspace.open(folder / name)
        assert not (folder / "new").exists()
        make_writable(folder)

    assert on_disk(place, "size=24m", body, lambda: None) == 0


def test_a_disk_that_becomes_read_only_during_the_run_is_one_line(place, user):
    def body(folder: Path) -> None:
        workspace = Workspace.open(folder / "user")
        before = look(folder)
        with workspace.stage() as stage:
            stage.write("run.py", "print('two')\n")
            make_read_only(folder)
            with pytest.raises(
                EnvironmentProblem, match=r"is on a read-only file system; choose|no permission to write"
            ):
                workspace.commit(stage, label="x", replaces=["run.py"])
        make_writable(folder)
        assert look(folder) == before

    assert on_disk(place, "size=24m", body, lambda: None) == 0


def test_a_settings_file_on_a_read_only_disk_is_one_line_and_stays(place, user):
    def body(folder: Path) -> None:
        before = look(folder)
        make_read_only(folder)
        for file in (folder / "user" / "model.py", folder / "user" / "new" / "config.toml"):
            with pytest.raises(
                EnvironmentProblem, match=r"(read-only file system;|permissions or) name another file in A_VARIABLE"
            ):
                edit_private_file(file, str.upper, otherwise="name another file in A_VARIABLE")
        make_writable(folder)
        assert look(folder) == before

    assert on_disk(place, "size=24m", body, lambda: None) == 0


def make_read_only(folder: Path) -> None:
    """Let the kernel refuse every write below a folder; permissions alone do not stop root."""
    if may_mount():
        mount("remount,ro,size=24m", folder)
    else:
        (folder / "user").chmod(0o555)
        folder.chmod(0o555)


def make_writable(folder: Path) -> None:
    """Take that back."""
    if may_mount():
        mount("remount,rw,size=24m", folder)
    else:
        folder.chmod(0o700)
        (folder / "user").chmod(0o755)


def test_a_folder_that_only_others_may_write_is_refused(place):
    """Permissions, in a process without root's privileges."""

    def as_nobody() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setuid(65534)
        with pytest.raises(EnvironmentProblem, match=r"/usr cannot be written by you; choose another folder"):
            Workspace.open(Path("/usr/mlexpert"))
        with pytest.raises(EnvironmentProblem, match=r"no permission to write .*/closed/a/b"):
            Workspace.open(place / "closed" / "a" / "b")

    (place / "closed").mkdir()
    (place / "closed").chmod(0)
    place.chmod(0o755)
    assert in_child(as_nobody) == 0


def test_part_of_the_workspace_on_another_disk_is_one_line(place, user):
    def body(folder: Path) -> None:
        other = folder / "user" / "other"
        other.mkdir()
        if may_mount():
            mount("size=1m", other)
        workspace = Workspace.open(folder / "user")
        before = look(folder)
        with workspace.stage() as stage:
            stage.write("other/a.py", "x\n")
            stage.write("a.py", "x\n")
            if may_mount():
                with pytest.raises(EnvironmentProblem, match=r"is on another file system than .* one file system$"):
                    workspace.commit(stage, label="x")
                assert look(folder) == before
            else:
                workspace.commit(stage, label="x")

    assert on_disk(place, "size=24m", body, lambda: None) == 0
