"""One judgement in progress: a pristine copy of the delivery, and a room of its own for each child process.

A child may write into its room. Nothing it leaves there reaches another child, the workspace or the receipt; what it
changed among the delivered files is noted.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from mlexpert_nb.verify import tree
from mlexpert_nb.verify.spec import JudgeSpec
from mlexpert_nb.workspace import ChildLimits, ChildResult, run_child, temporary_folder

THREADS = 1
_ENVIRONMENT = {
    "MKL_NUM_THREADS": str(THREADS),
    "OMP_NUM_THREADS": str(THREADS),
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONHASHSEED": "0",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the judge, as the receipt records it."""

    name: str
    argv: tuple[str, ...]
    exit_code: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What the judge works on.

    Attributes:
        pristine: Copy of the delivery that no child is ever shown.
        rooms: Folder in which the rooms are.
        spec: What the delivery is measured against.
        sealed: Files that the verdict rests on, with their hashes.
        commands: Commands run so far, oldest first.
        touched: Delivered files that a child changed in its room, one line each.
    """

    pristine: Path
    rooms: Path
    spec: JudgeSpec
    sealed: Mapping[str, str]
    commands: list[Command] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    @property
    def sources(self) -> tuple[str, ...]:
        """Python files that the verdict rests on."""
        return tree.python_files(self.sealed)

    @property
    def judged(self) -> tuple[str, ...]:
        """Python files that were delivered, which alone are held to rules of style; all of them if none was named."""
        return tuple(path for path in self.sources if path in self.spec.delivered) or self.sources

    def text(self, path: str) -> str:
        """Read one file of the delivery."""
        return (self.pristine / path).read_text("utf-8", errors="replace")

    def room(self, name: str) -> "Room":
        """Open a room: a fresh copy of the delivery and an empty folder for results."""
        room = Room(self, self.rooms / name / "delivery", self.rooms / name / "results")
        room.results.mkdir(parents=True)
        tree.copy(self.pristine, room.root)
        return room


@dataclass(frozen=True, slots=True)
class Room:
    """Where the children of one question run: `root` is a copy of the delivery, what they find goes to `results`."""

    trial: Trial
    root: Path
    results: Path

    def run(
        self,
        name: str,
        argv: Sequence[str],
        *,
        limits: ChildLimits,
        env: Mapping[str, str] = MappingProxyType({}),
        on_line: Callable[[str], None] | None = None,
    ) -> ChildResult:
        """Run one command in a child process that can write nowhere but in this room."""
        result = run_child(
            argv,
            cwd=self.root,
            writable=(self.results,),
            env={**_ENVIRONMENT, **env},
            limits=limits,
            on_line=on_line,
        )
        shown = tuple(self.anonymous(each) for each in argv)
        times = (round(result.elapsed_s, 3), round(result.cpu_s, 3))
        self.trial.commands.append(Command(name, shown, result.exit_code, *times))
        self.trial.touched.extend(tree.differences(self.root, self.trial.sealed))
        return result

    def anonymous(self, text: str) -> str:
        """Take the names of temporary folders out of a text."""
        shown = text.replace(f"{self.root}/", "").replace(str(self.root), ".").replace(str(self.results), "$RESULTS")
        return "python" if shown == sys.executable else shown

    def how_it_ended(self, result: ChildResult) -> str:
        """Say how a child ended and what it said last."""
        ended = f"stopped after {result.elapsed_s:.0f} s" if result.timed_out else f"exit code {result.exit_code}"
        return self.anonymous(f"{ended}: {_last_lines(result)}")


@contextmanager
def open_trial(root: Path, spec: JudgeSpec) -> Iterator[Trial]:
    """Copy the delivery into a private folder, which is removed at the end, whatever happens."""
    with temporary_folder("mlexpert-judge-") as folder:
        pristine, rooms = folder / "pristine", folder / "rooms"
        pristine.mkdir()
        tree.copy(root, pristine)
        yield Trial(pristine, rooms, spec, tree.digests(pristine, tree.sealed_files(pristine, spec.delivered)))


def _last_lines(result: ChildResult, count: int = 3) -> str:
    lines = [line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip()]
    return " | ".join(lines[-count:]) or "no output"
