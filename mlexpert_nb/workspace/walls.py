"""What keeps a child in: three levels, the strongest first, and what each of them holds."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlexpert_nb.workspace.paths import real

Level = Literal["bubblewrap", "unshare", "none"]
STATEMENTS: Mapping[Level, str] = {
    "bubblewrap": "bubblewrap: no network, own process space, files outside the workspace read-only, home hidden",
    "unshare": "unshare: no network, own process space, files outside the workspace read-only, home hidden",
    "none": "process limits only: network NOT blocked, files outside the workspace NOT protected (install bubblewrap)",
}
NAMESPACE = Path(__file__).with_name("namespace.py")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - semaphores and shared tensors live there; each child gets its own
_PYTHON = (sys.executable, "-I", "-S")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_GPU_DEVICES = ("nvidia*", "dri", "kfd")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


@dataclass(frozen=True, slots=True)
class Mount:
    """One place that a child sees differently; `source` is what it sees there, "" is an empty folder."""

    kind: Literal["hide", "show", "write"]
    source: str
    place: str


@dataclass(frozen=True, slots=True)
class Walls:
    """What a child may see and change.

    Attributes:
        folder: Where the child starts; writable.
        writable: Other places it may write in.
        scratch: What it sees as the temporary folder.
        needed: What it must be able to read even where its surroundings are hidden.
        hidden: Folders that it sees as empty.
    """

    folder: Path
    writable: Sequence[Path]
    scratch: Path
    needed: Sequence[Path]
    hidden: Sequence[Path]

    def mounts(self) -> list[Mount]:
        """List what is mounted where, outer places first, so that inner ones stay visible."""
        shared = {real(place) for place in (Path("/tmp"), Path("/var/tmp"), Path(tempfile.gettempdir()))}  # noqa: S108 - the places to take away
        shared = {place for place in shared if place.is_dir()}
        writable = {real(place) for place in (self.folder, *self.writable)}
        hidden = {real(place) for place in self.hidden if place.is_dir()} - writable - {Path("/")}
        covered = hidden | shared | writable
        needed = {place for place in self.needed if any(place.is_relative_to(each) for each in covered)}
        mounts = [Mount("hide", "", str(place)) for place in hidden - shared]
        mounts += [Mount("write", str(real(self.scratch)), str(place)) for place in shared - writable]
        mounts += [Mount("show", str(place), str(place)) for place in needed - covered]
        mounts += [Mount("write", str(place), str(place)) for place in writable]
        mounts.sort(key=lambda mount: len(Path(mount.place).parts))
        return [mount for index, mount in enumerate(mounts) if not _is_shown(mount, mounts[:index])]


def _is_shown(mount: Mount, outer: Sequence[Mount]) -> bool:
    """Tell whether a place is read-only already because one around it is."""
    around = [each for each in outer if Path(mount.place).is_relative_to(each.place)]
    return mount.kind == "show" and bool(around) and around[-1].kind == "show"


def gpu_devices() -> tuple[Path, ...]:
    """Find the device files of the graphics cards."""
    return tuple(place for pattern in _GPU_DEVICES for place in sorted(Path("/dev").glob(pattern)))


def _bubblewrap(walls: Walls) -> list[str]:
    options = ["--unshare-all", "--die-with-parent", "--cap-drop", "ALL"]
    options += ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", SHARED_MEMORY]
    for device in gpu_devices():
        options += ["--dev-bind", str(device), str(device)]
    options += ["--remount-ro", "/dev"]
    mounts = walls.mounts()
    for mount in mounts:
        options += {
            "hide": ["--tmpfs", mount.place],
            "show": ["--ro-bind", mount.source, mount.place],
            "write": ["--bind", mount.source, mount.place],
        }[mount.kind]
    for mount in mounts:
        if mount.kind == "hide":
            options += ["--remount-ro", mount.place]
    return [_found("bwrap"), *options, "--chdir", str(real(walls.folder)), "--"]


def _unshare(walls: Walls) -> list[str]:
    namespaces = ["--user", "--map-root-user", "--net", "--pid", "--ipc", "--uts", "--mount"]
    plan = [["hide", "", "/dev"], *_devices(), ["memory", "", SHARED_MEMORY]]
    plan += [[mount.kind, mount.source, mount.place] for mount in walls.mounts()]
    process = [_found("unshare"), *namespaces, "--fork", "--kill-child", "--mount-proc", "--"]
    return [*process, *_PYTHON, str(NAMESPACE), json.dumps(plan)]


def _devices() -> Iterator[list[str]]:
    for device in (*(Path("/dev", name) for name in _DEVICES), *gpu_devices()):
        if device.exists():
            yield ["write", str(device), str(device)]
    for name, target in _DEVICE_LINKS.items():
        yield ["link", target, f"/dev/{name}"]


def _found(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise FileNotFoundError(tool)
    return path


PREFIXES: Mapping[Level, Callable[[Walls], list[str]]] = {
    "bubblewrap": _bubblewrap,
    "unshare": _unshare,
    "none": lambda _: [],
}
