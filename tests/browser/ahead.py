"""Kernels that are up before their notebooks are opened: a kernel takes longer to start than most tests to run."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from browser.server import Server


class Ahead:
    """Places for notebooks, each in a folder of its own, with a fresh kernel; the next one is made meanwhile."""

    def __init__(self, server: Server) -> None:
        self.server, self._numbers = server, count(1)
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._next = self._worker.submit(self._start)

    def take(self) -> Path:
        """Give the path of a notebook that is still to be written, and on which its kernel waits."""
        ready, self._next = self._next, self._worker.submit(self._start)
        return ready.result()

    def shut(self, path: Path) -> None:
        """Shut the kernel of a notebook down, while the next test begins."""
        self._worker.submit(self._shut, self._name(path))

    def close(self) -> None:
        """Let what has begun end."""
        self._worker.shutdown()

    def _start(self) -> Path:
        path = self.server.folder / f"ahead-{next(self._numbers)}" / "tour.ipynb"
        path.parent.mkdir()
        kernel = {"name": "python3"}
        self.server.ask("POST", "sessions", path=self._name(path), name=path.name, type="notebook", kernel=kernel)
        return path

    def _shut(self, name: str) -> None:
        for session in self.server.ask("GET", "sessions"):
            if session["path"] == name:
                self.server.ask("DELETE", f"sessions/{session['id']}")

    def _name(self, path: Path) -> str:
        return path.relative_to(self.server.folder).as_posix()
