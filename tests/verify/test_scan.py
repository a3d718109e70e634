"""Reading code without running it: which tests there are, and what no delivery may contain."""

import pytest

from mlexpert_nb.verify.scan import Source, foreign_imports, names_of_tests, refusals, summary

TESTS, SOURCE = "tests/test_a.py", "src/model/a.py"


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        (
            "tests/conftest.py",
            "def pytest_runtest_makereport(item): ...",
            "1: defines the hook pytest_runtest_makereport",
        ),
        ("conftest.py", "pytest_plugins = ['evil']", "1: sets pytest_plugins"),
        ("tests/conftest.py", "collect_ignore: list = []", "1: sets collect_ignore"),
        (TESTS, "import os\nos._exit(0)", "2: uses os._exit, which ends the runner"),
        (TESTS, "from os import _exit", "1: uses os._exit"),
        (TESTS, "import pytest\npytest.exit('x')", "2: uses pytest.exit"),
        (TESTS, "import _pytest.runner", "1: imports _pytest, which reaches into the runner"),
        (TESTS, "from coverage import Coverage", "1: imports coverage, which reaches the meter"),
        (TESTS, "import atexit", "1: imports atexit, which acts after the tests"),
        (TESTS, "def test_a():\n    assert f()\n\ndef test_a():\n    assert g()", "4: test_a is defined twice"),
        (TESTS, "class TestA:\n    def test_b(self):\n        pass", "2: test_b asserts nothing"),
        (TESTS, "def test_a():\n    '''It works.'''\n    assert True", "1: test_a asserts nothing"),
        (SOURCE, "import sys\nsys.settrace(None)", "2: uses sys.settrace, which replaces the meter"),
        (TESTS, "def test_a():\n    x = 1\n    del x", "1: test_a asserts nothing"),
        (TESTS, "def test_a():\n    assert 1 == 1", "1: test_a asserts nothing"),
        (SOURCE, "import time\ntime.perf_counter = lambda: 0.0", "2: changes time.perf_counter, which is not its own"),
        (SOURCE, "from torch import nn\nnn.Linear.forward = f", "2: changes nn.Linear.forward"),
        (SOURCE, "import torch\nsetattr(torch, 'equal', f)", "2: changes torch, which is not its own"),
        (SOURCE, "import sys\njudge = sys.modules['x']", "2: uses sys.modules, which reaches into the process"),
        (SOURCE, "from sys import modules", "1: uses sys.modules"),
        (SOURCE, "judge = __import__('mlexpert_nb')", "1: uses __import__, which reaches into the process"),
        (SOURCE, "exec('import mlexpert_nb')", "1: uses exec"),
        (SOURCE, "import importlib", "1: imports importlib, which reaches into the process"),
        (SOURCE, "out = f.__globals__", "1: uses __globals__"),
        (SOURCE, "import pytest", "1: imports pytest, which is for tests"),
        (SOURCE, "from mlexpert_nb import verify", "1: imports mlexpert_nb, which must not be needed"),
        (SOURCE, "def f(:", "cannot be parsed"),
    ],
)
def test_what_would_let_a_delivery_pass_without_being_right_is_refused(path, text, complaint):
    (line,) = refusals(Source.parse(path, text))
    assert line.startswith(path)
    assert complaint in line


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\n\n\n@pytest.fixture\ndef model():\n    return 1\n",
        "def test_a(): assert f()\n\nclass TestB:\n    def test_a(self): assert g()\n",
        "import pytest\n\ndef test_a():\n    with pytest.raises(ValueError):\n        f()\n",
        "def test_a():\n    check(1)\n",
    ],
)
def test_ordinary_tests_are_not_refused(text):
    assert refusals(Source.parse(TESTS, text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.backends.cudnn.deterministic = True\n",
        "from model.config import ModelConfig\nModelConfig.default = 1\n",
        "import sys\nsys.path.insert(0, 'src')\nmodel.eval()\nconfig.dim = 2\nself.__dict__\n",
    ],
)
def test_ordinary_sources_are_not_refused(text):
    assert refusals(Source.parse(SOURCE, text)) == ()


def test_tests_are_found_as_pynames_of_tests_them():
    text = """
def test_plain(): ...
async def test_async(): ...
def helper(): ...
if True:
    def test_conditional(): ...
class TestA:
    def test_b(self): ...
    class TestC:
        def test_d(self): ...
class Helper:
    def test_no(self): ...
class Unit(unittest.TestCase):
    def test_e(self): ...
"""
    names = ["test_plain", "test_async", "test_conditional", "TestA::test_b", "TestA::TestC::test_d", "Unit::test_e"]
    assert names_of_tests(Source.parse(TESTS, text)) == tuple(f"{TESTS}::{name}" for name in names)
    assert names_of_tests(Source.parse("tests/helpers.py", text)) == ()


def test_foreign_imports_are_those_outside_torch_and_the_standard_library():
    text = (
        "import os, numpy as np\nimport torch.nn\nfrom model.a import b\nfrom . import c\nfrom einops import rearrange"
    )
    assert foreign_imports(Source.parse(SOURCE, text)) == ("einops", "numpy")


def test_an_example_may_import_what_brings_its_data_along():
    text = "import numpy\nfrom sklearn.datasets import load_digits\nimport pandas"
    assert foreign_imports(Source.parse("examples/train.py", text)) == ("pandas",)
    assert foreign_imports(Source.parse(SOURCE, text)) == ("numpy", "pandas", "sklearn")


def test_a_file_is_described_by_the_first_line_of_its_docstring():
    assert summary(Source.parse(SOURCE, '"""Reads tokens.\n\nMore."""')) == "Reads tokens."
    assert summary(Source.parse(SOURCE, "x = 1")) == ""
