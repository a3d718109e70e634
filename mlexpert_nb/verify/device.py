"""Which device the judge will measure on: torch is asked in a child behind the walls that a delivery runs behind."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from mlexpert_nb.errors import EnvironmentProblem
from mlexpert_nb.workspace import ChildLimits, ChildResult, run_child, temporary_folder

PROBE = Path(__file__).with_name("torch_probe.py")
TIMEOUT_S = 90.0  # a first import from a slow disk


@dataclass(frozen=True, slots=True)
class Device:
    """What torch said.

    Attributes:
        version: Of torch; empty if it could not be loaded.
        built_for: The CUDA or ROCm version that it was built for; empty for a build without.
        cards: Name and bytes of each graphics card that it can use.
        has_mps: Whether it can use Apple's graphics.
        trouble: Why it could not be loaded, or what it warned of; empty if nothing.
    """

    version: str = ""
    built_for: str = ""
    cards: tuple[tuple[str, int], ...] = ()
    has_mps: bool = False
    trouble: str = ""


def find_device(timeout_s: float = TIMEOUT_S) -> Device:
    """Ask torch what it can compute on; never raises, and never loads torch here."""
    try:
        with temporary_folder("mlx-") as folder:
            limits = ChildLimits(timeout_s=timeout_s)
            return read_device(run_child([sys.executable, "-B", "-P", str(PROBE)], cwd=folder, limits=limits))
    except (EnvironmentProblem, OSError) as error:
        return Device(trouble=str(error))


def read_device(ended: ChildResult) -> Device:
    """Read what the child printed, or say how it ended."""
    if ended.timed_out:
        return Device(trouble=f"importing torch took longer than {ended.elapsed_s:.0f} s and was stopped")
    if ended.exit_code != 0:
        lines = ended.stderr.strip().splitlines() or [f"the process ended with {_ending(ended.exit_code)}"]
        return Device(trouble=lines[-1])
    try:
        facts = json.loads(ended.stdout.strip().splitlines()[-1])
        cards = tuple((str(name), int(size)) for name, size in facts["cards"])
        trouble = " ".join(" ".join(facts["warnings"]).split())
        return Device(str(facts["version"]), str(facts["built_for"]), cards, facts["mps"] is True, trouble)
    except (IndexError, KeyError, TypeError, ValueError):
        return Device(trouble="importing torch printed something that is no answer")


def _ending(exit_code: int) -> str:
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
