"""Networks that `add_tests` is tried on, and what it finds in them, measured once."""

import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import torch

MODULES = Path(__file__).with_name("modules")


@cache
def _table(name):
    sys.path.insert(0, str(MODULES))
    try:
        return import_module(name).MODULES
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
