"""Tests for any network: what it does is measured, what must hold is held, what does not is told as a defect."""

import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexpert_nb.errors import ConflictError, UsageError
from mlexpert_nb.verify import Behaviour, Examination, Ran, Written, examine_live, examine_path, run_tests

if TYPE_CHECKING:
    from torch import nn

PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class TestsWritten:
    """What `add_tests` came to.

    Attributes:
        path: The test file; None if none was written.
        tests: Names of the tests in it.
        examination: What was measured.
        to_do: What is left to fill in before the file runs; empty if nothing.
        text: The text of the file.
        ran: How the tests ended, where they were run.
        kept: Whether there was a test file of that name, which was kept.
    """

    path: Path | None
    tests: tuple[str, ...]
    examination: Examination
    to_do: str = ""
    text: str = ""
    ran: tuple[tuple[str, Ran], ...] = ()
    kept: bool = False

    @property
    def behaviours(self) -> tuple[Behaviour, ...]:
        """Everything that was measured."""
        return self.examination.behaviours

    @property
    def defects(self) -> tuple[Behaviour, ...]:
        """What has to hold and does not."""
        return self.examination.defects

    @property
    def passed(self) -> bool:
        """Whether there is no defect, and every test that was run passed."""
        return not self.defects and all(ran.passed for _, ran in self.ran)

    def to_json(self) -> dict[str, Any]:
        """Give plain data."""
        found = self.examination
        return {
            "passed": self.passed,
            "path": str(self.path) if self.path else None,
            "kept": self.kept,
            "tests": list(self.tests),
            "to_do": self.to_do,
            "defects": [asdict(each) for each in self.defects],
            "examination": found.to_json(),
            "ran": [{"what": what, **asdict(ran)} for what, ran in self.ran],
        }

    def __str__(self) -> str:
        """Give the text for a notebook or a terminal."""
        where = f"{len(self.tests)} tests in {self.path}" if self.path else f"{len(self.tests)} tests"
        told = f"{where}; first {self.to_do}" if self.to_do else where
        return "\n".join([str(self.examination), told, *(f"{what}: {ran.said}" for what, ran in self.ran)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        printer.text(type(self).__name__ if cycle else str(self))


def add_tests(
    module: "nn.Module",
    example_inputs: Any = None,
    *,
    path: str | Path | None = None,
    claims: Sequence[str] | None = None,
) -> TestsWritten:
    """Measure how any network behaves and write a pytest file that holds it to what it must do and to what it does.

    Args:
        module: The network; copies of it are run, on the CPU, and it stays as it is.
        example_inputs: A tensor, a tuple of tensors, or a dict of tensors by argument, one of which may itself be a
            tuple, a list or a dict of tensors; found out by trying if None.
        path: The test file; `tests/test_<class>_behaviour.py` if None.
        claims: What it is to do beyond what every network must, such as `("causal",)` or
            `("padding_invariant:tokens:mask",)`; `mlexpert_nb.verify.CLAIMS` explains each.

    Returns:
        The tests written, every behaviour with its figure, and the defects with what to do.

    Raises:
        UsageError: What the network reads cannot be found out, or a claim cannot be measured.
        ConflictError: There is another file at `path`; nothing was written.
    """
    if not all(hasattr(module, name) for name in ("forward", "named_parameters", "state_dict")):
        raise UsageError(f"{type(module).__name__} is not a torch.nn.Module; pass the network itself")
    place = Path(path).expanduser() if path else Path("tests") / file_name(type(module).__name__)
    tell = _progress(type(module).__name__)
    found, written = examine_live(module, example_inputs, claims=tuple(claims or ()), folder=place.parent, tell=tell)
    _put(place, written)
    return TestsWritten(place, written.tests, found, written.to_do, written.text)


def check_module(module: "nn.Module", example_inputs: Any = None, *, claims: Sequence[str] = ()) -> TestsWritten:
    """Measure how a network behaves, and write nothing."""
    found, written = examine_live(module, example_inputs, claims=claims, tell=_progress(type(module).__name__))
    return TestsWritten(None, written.tests, found, written.to_do, written.text)


def check_target(target: str | Path, *, claims: Sequence[str] = ()) -> TestsWritten:
    """Test the network of a file or a workspace in child processes: its own tests, and those of its behaviour.

    Args:
        target: `FILE.py`, `FILE.py:CLASS`, or a folder with `src/model`.
        claims: As for `add_tests`.

    Raises:
        UsageError: There is no network, or it cannot be examined.
    """
    path, name = split_target(target)
    is_folder = path.is_dir()
    folder = (path if is_folder else path.parent) / "tests"
    found, written = examine_path(path, name, claims=claims, folder=folder)
    place = folder / ("test_model_behaviour.py" if is_folder else file_name(name or found.network, path.stem))
    kept = place.exists()
    if not kept:
        _put(place, written)
    root = place.parent.parent
    ran = [("behaviour tests", run_tests(root, [place.relative_to(root).as_posix()]))]
    own = [each for each in sorted((root / "tests").glob("test_*.py")) if each != place] if is_folder else []
    if own:
        ran.insert(0, ("tests", run_tests(root, [each.relative_to(root).as_posix() for each in own])))
    return TestsWritten(place, written.tests, found, written.to_do, written.text, tuple(ran), kept)


def split_target(target: str | Path) -> tuple[Path, str]:
    """Split `FILE.py:CLASS`."""
    text = str(target)
    path, colon, name = text.rpartition(":")
    return (Path(path).expanduser(), name) if colon and path.endswith(".py") else (Path(text).expanduser(), "")


def file_name(network: str, source: str = "") -> str:
    """Give the name of the test file of a class: `SmallCNN` is tested in `test_small_cnn_behaviour.py`.

    Args:
        network: Name of the class.
        source: Name of the file that it stands in, which may hold others.
    """
    words = "_".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", network)).lower() or "network"
    return f"test_{f'{source}_' if source not in ('', words) else ''}{words}_behaviour.py"


def _progress(network: str) -> Callable[[str], object]:
    """Give a function that says on standard error what is being measured, once it takes long."""
    said = time.monotonic()

    def tell(what: str) -> None:
        nonlocal said
        if time.monotonic() - said > PATIENCE_S:
            said = time.monotonic()
            sys.stderr.write(f"{network} takes a while; now {what.replace('_', ' ')}\n")
            sys.stderr.flush()

    return tell


def _put(place: Path, written: Written) -> None:
    if place.exists():
        if place.read_text("utf-8", errors="replace") == written.text:
            return
        raise ConflictError(f"{place} is there already and was kept; give another path, or remove it")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("x", encoding="utf-8") as file:
        file.write(written.text)
