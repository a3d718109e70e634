"""What the oracle tests share: no network, one thread, and the figures that docs/catalogue.md is made of."""

import json
import os
import random
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[3] / "build" / "oracles"
LIMITS = {"output": 1e-9, "output_float32": 1e-5, "gradient": 1e-9}  # largest absolute differences after a weight copy

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"


def pytest_ignore_collect(config):
    """Leave these tests alone unless they are asked for: without the extra `test` they cannot even be imported."""
    return None if config.option.markexpr == "oracle" else True


class Figures:
    """Asserts what an oracle test measured, and keeps it for the table."""

    def __init__(self, test: str) -> None:
        self.test = test

    def add(self, entry, oracle, *, parameters=None, **differences):
        """Hold differences to their limits and keep them.

        Args:
            entry: Name of the catalogue's entry.
            oracle: The library and class that it was compared with.
            parameters: Counts (ours, theirs), which must be equal; None where the oracle has none.
            differences: Largest absolute differences by kind: output, output_float32, gradient.
        """
        assert differences, "an oracle test measures something"
        for kind, difference in differences.items():
            assert difference <= LIMITS[kind], f"{entry} differs from {oracle} by {difference:.2e} ({kind})"
        if parameters is not None:
            assert parameters[0] == parameters[1] > 0
        kept = {"entry": entry, "oracle": oracle, "parameters": parameters and parameters[0], **differences}
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{self.test}.json"
        rows = json.loads(path.read_text("utf-8")) if path.exists() and path in _WRITTEN else []
        _WRITTEN.add(path)
        path.write_text(json.dumps([*rows, kept], indent=2) + "\n", "utf-8")


_WRITTEN: set[Path] = set()  # files of this run; older ones are written anew


@pytest.fixture
def figures(request):
    """Give the place where an oracle test leaves its figures."""
    name = "".join(letter if letter.isalnum() else "_" for letter in f"{request.path.stem}_{request.node.name}")
    return Figures(name)


@pytest.fixture(autouse=True)
def _same_start():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)


@pytest.fixture(autouse=True)
def _float64_is_not_left_behind():
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)
