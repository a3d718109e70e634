"""Small facts that are kept between runs outside the user's folder: a cache, and the drafts of unfinished runs."""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

from mlexpert_nb.workspace.folders import save
from mlexpert_nb.workspace.problems import explained

_PRIVATE = 0o600
_CACHES, _STATES = ("XDG_CACHE_HOME", ".cache"), ("XDG_STATE_HOME", ".local/state")


def recall(name: str, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Give facts that were kept under a name; empty where there are none, or they cannot be read."""
    try:
        facts = json.loads((_folder(environ, _CACHES) / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def remember(name: str, facts: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> None:
    """Keep facts for the next run; a disk that refuses is no reason to stop."""
    folder = _folder(environ, _CACHES)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        incoming = folder / f".{name}.{os.getpid()}"
        save(incoming, json.dumps(facts, indent=2, sort_keys=True).encode(), _PRIVATE)
        incoming.replace(folder / f"{name}.json")


class Draft:
    """The record of a run that is not finished: one line an entry, durable at once, outside the user's folder.

    It is kept under the workspace's path, so that a run that was cut off leaves the workspace itself untouched and can
    still go on. The run that writes it holds a lock on it, which the operating system lets go when the process ends:
    the record of a run that is going on is neither replaced, nor mixed with another one's, nor dropped by it.
    """

    def __init__(self, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        place = str(Path(os.path.realpath(root.expanduser())))
        name = f"{hashlib.sha256(place.encode()).hexdigest()[:24]}.jsonl"
        self.path = _folder(environ, _STATES) / "unfinished" / name
        self._root = root
        self._file: FileIO | None = None

    def start(self, lines: tuple[str, ...] = ()) -> bool:
        """Begin anew; an older draft of the same workspace is replaced.

        Returns:
            Whether it was begun: another run of the workspace that is going on keeps its own.
        """
        if self.is_held:
            return False
        with explained(self._root):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            incoming = self.path.with_suffix(f".{os.getpid()}")
            save(incoming, "".join(f"{line}\n" for line in lines).encode(), _PRIVATE)
            self.close()
            self._file = FileIO(incoming, "ab")
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            incoming.replace(self.path)
        return True

    def append(self, line: str) -> None:
        """Add one line and hand it to the operating system, so that a killed process has lost nothing."""
        if self._file is not None:
            self._file.write(f"{line}\n".encode())

    def lines(self) -> tuple[str, ...]:
        """Give what is there; empty where no run is unfinished."""
        try:
            return tuple(each for each in self.path.read_text("utf-8").split("\n") if each)
        except (OSError, UnicodeDecodeError):
            return ()

    @property
    def is_held(self) -> bool:
        """Whether another run of this workspace is writing it at this moment."""
        if self._file is not None:
            return False
        try:
            with self.path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # there is none
            return False
        return False

    def drop(self) -> None:
        """Forget it: the run is finished."""
        if not self.is_held:
            with suppress(OSError):
                self.path.unlink()
        self.close()

    def close(self) -> None:
        """Let the next run have it; what was written stays."""
        held, self._file = self._file, None
        if held is not None:
            held.close()


def _folder(environ: Mapping[str, str], place: tuple[str, str]) -> Path:
    variable, below_home = place
    given = environ.get(variable, "")
    base = Path(given) if Path(given).is_absolute() else Path(environ.get("HOME") or Path.home()) / below_home
    return base / "mlexpert_nb"
