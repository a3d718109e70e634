"""Networks that `add_tests` is tried on, and what it finds in them, measured once."""

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mlexpert_nb import add_tests
from mlexpert_nb.api import TestsWritten

MODULES = Path(__file__).with_name("modules")


@dataclass(frozen=True)
class Seen:
    """A network, what was found in it, and what it was like before."""

    module: torch.nn.Module
    done: TestsWritten
    before: dict[str, Tensor]
    random_state: tuple[Tensor, Tensor]


def _table(name, table="MODULES"):
    sys.path.insert(0, str(MODULES))
    try:
        return getattr(import_module(name), table)
    finally:
        sys.path.remove(str(MODULES))


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def networks():
    """Give the table of a file in modules/: constructors by name, with the planted defect where there is one."""
    return _table


@pytest.fixture(scope="session")
def seen(tmp_path_factory):
    """Examine a network of modules/ in training mode; the second time, give what was found the first time."""

    @cache
    def see(file, name, table="MODULES"):
        row = _table(file, table)[name]
        build, *more = row if isinstance(row, tuple) else (row,)
        torch.manual_seed(1)  # a seed that the measures have no right to use for another network
        examples, claims = (more[0](), more[1]) if file == "third" else (None, ())
        module = build().train()
        before = {} if name == "lazy" else {key: each.clone() for key, each in module.state_dict().items()}
        state = torch.get_rng_state()
        path = tmp_path_factory.mktemp("seen") / "test_it.py"
        done = add_tests(module, examples, claims=claims, path=path)
        return Seen(module, done, before, (state, torch.get_rng_state()))

    return see


@pytest.fixture(scope="session")
def run_files():
    """Run test files in one process as a user does, warnings being errors; give the failed tests of each file."""

    def run(folder, texts):
        for name, text in texts.items():
            (folder / f"test_{name}.py").write_text(text)
        argv = [sys.executable, "-B", "-m", "pytest", "-q", "--color=no", "--tb=no", "-p", "no:cacheprovider"]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(
            [*argv, "-W", "error", "-rfEs", "."], cwd=folder, capture_output=True, text=True, check=False, env=env
        )
        assert " passed" in done.stdout, done.stdout
        assert all("test_delivered" in line for line in done.stdout.splitlines() if line.startswith("SKIPPED"))
        failed = {name: set() for name in texts}
        for line in done.stdout.splitlines():
            if line.startswith(("FAILED ", "ERROR ")):
                place, _, test = line.split()[1].partition("::")
                failed[Path(place).stem.removeprefix("test_")].add(test.partition("[")[0])
        return failed

    return run
