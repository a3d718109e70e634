"""File walls of the `unshare` level: what bubblewrap does, with the mount calls of the kernel.

Run by path with `python -I -S` as the first process of fresh user, mount, process and network namespaces. It makes
everything read-only but the places it is given, hides folders, raises the loopback device, gives up every privilege
and becomes the command.

Arguments: a JSON list of [kind, source, place] in the order of mounting, then the command. Kinds: `hide` (an empty
folder), `show` (read-only), `write`, `link` (a symbolic link at `place`).
"""

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeAlias

MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
SYS_MOUNT_SETATTR = 442  # the same number on every architecture
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY = 1
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

Call: TypeAlias = Callable[..., None]


def main() -> NoReturn:
    """Build the walls and become the command."""
    plan, command = json.loads(sys.argv[1]), sys.argv[2:]
    folder = Path.cwd()
    libc = ctypes.CDLL(None, use_errno=True)
    call = _checked(libc)
    _mount(call, "", "/", flags=MS_REC | MS_PRIVATE)
    for kind, source, place in _opened(plan):
        _place(call, kind, source, place)
    _set_read_only(call, "/", flags=AT_RECURSIVE, read_only=True)
    for kind, _, place in plan:
        if kind in ("write", "memory"):
            _set_read_only(call, place, flags=0, read_only=False)
    _raise_loopback()
    os.chdir(folder)  # by its name again: there is a mount of its own on it now
    _give_up_privileges(call, libc)
    os.execv(command[0], command)  # noqa: S606 - becoming the command is what this is for


def _checked(libc: ctypes.CDLL) -> Call:
    def call(name: str, *arguments: object) -> None:
        if getattr(libc, name)(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{name}: {os.strerror(number)}")

    return call


def _opened(plan: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Hold every folder or file that will be mounted open, since an earlier mount may hide it."""
    held = {source: os.open(source, os.O_PATH) for kind, source, _ in plan if kind in ("show", "write")}
    return [
        (kind, f"/proc/self/fd/{held[source]}" if source in held else source, place) for kind, source, place in plan
    ]


def _place(call: Call, kind: str, source: str, place: str) -> None:
    target = Path(place)
    if kind == "link":
        target.symlink_to(source)
    elif kind in ("hide", "memory"):
        target.mkdir(parents=True, exist_ok=True)
        _mount(call, "tmpfs", place, kind="tmpfs", flags=MS_NOSUID | MS_NODEV)
    else:
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.mkdir() if Path(source).is_dir() else target.touch()
        _mount(call, source, place, flags=MS_BIND | MS_REC)


def _mount(call: Call, source: str, place: str, *, kind: str = "", flags: int) -> None:
    call("mount", os.fsencode(source), os.fsencode(place), kind.encode(), ctypes.c_ulong(flags), None)


def _set_read_only(call: Call, place: str, *, flags: int, read_only: bool) -> None:
    switched = (MOUNT_ATTR_RDONLY, 0) if read_only else (0, MOUNT_ATTR_RDONLY)
    attributes = struct.pack("=4Q", *switched, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    call("syscall", ctypes.c_long(SYS_MOUNT_SETATTR), AT_FDCWD, os.fsencode(place), flags, attributes, size)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        flags: int = struct.unpack_from("16sh", fcntl.ioctl(device, SIOCGIFFLAGS, struct.pack("40s", b"lo")))[1]
        fcntl.ioctl(device, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def _give_up_privileges(call: Call, libc: ctypes.CDLL) -> None:
    """Empty the bounding set, so that the coming exec keeps no capability and could not undo the mounts."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:  # past the last one that this kernel knows
            break
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


if __name__ == "__main__":
    main()
