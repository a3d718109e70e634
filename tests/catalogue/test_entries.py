"""What holds for every entry: its size, its solver, its pages, its documents, its place in the tables."""

import ast
import importlib
import subprocess
import sys

import pytest
import torch

from mlexpert_nb.catalogue.entries import ENTRIES
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.traits import HAS
from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify import CLAIMS

PLAIN = {name: entry for name, entry in ENTRIES.items() if isinstance(entry, PlainEntry)}
TARGETS = (1_000_000, 5_000_000, 25_000_000, 110_000_000)
EXAMPLES_MAY_USE = {"torch", "numpy", "sklearn", "model", *sys.stdlib_module_names}


def imported(text):
    """Give the packages that a file imports, without its own."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("name", PLAIN)
def test_the_network_has_as_many_parameters_as_the_formula_says(name):
    entry = PLAIN[name]
    config = entry.solve(None)
    build = importlib.import_module(f"mlexpert_nb.catalogue.families.{entry.package}.model.build")
    with torch.device("meta"):
        model = build.build_model(
            **{key: tuple(each) if isinstance(each, list) else each for key, each in config.items()}
        )
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == entry.count_parameters(config) == entry.default_parameters
    assert sum(part for _, part in entry.parameter_table(config)) == count


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ENTRIES)
def test_a_size_is_met_within_two_percent(name, target):
    entry = ENTRIES[name]
    assert abs(entry.count_parameters(entry.solve(target)) / target - 1) <= 0.02


@pytest.mark.parametrize("name", ENTRIES)
def test_a_size_out_of_reach_is_refused_with_those_that_can_be_reached(name):
    with pytest.raises(UsageError, match=r"10 parameters are out of reach.*; ask for [\d,]+ to [\d,]+"):
        ENTRIES[name].solve(10)


@pytest.mark.parametrize("name", ENTRIES)
def test_published_sizes_can_be_built_and_what_is_unknown_is_refused(name):
    entry = ENTRIES[name]
    for preset in entry.presets.values():
        assert entry.count_parameters(entry.solve(None, preset)) > 0
    with pytest.raises(UsageError, match="no configuration key named 'no_such_key'"):
        entry.solve(None, {"no_such_key": 1})


@pytest.mark.parametrize("name", PLAIN)
def test_pages_need_torch_only_and_nothing_names_its_maker(name):
    entry = PLAIN[name]
    files = {**entry.skeleton(entry.solve(None)), **entry.tests(entry.solve(None))}
    assert {"src/model/functional.py", "docs/architecture.md", "examples/train.py", "tests/conftest.py"} <= set(files)
    for path, text in files.items():
        assert "mlexpert" not in text.lower(), path
        assert "noqa" not in text, path
        assert "{{" not in text.replace("{{{", "").replace('f"{{', ""), path
        if path.startswith("src/"):
            assert set(imported(text)) <= {"torch", *sys.stdlib_module_names}, path
        elif path.startswith("examples/"):
            assert set(imported(text)) <= EXAMPLES_MAY_USE, path
    assert list(dict(entry.describe(entry.solve(None)))) == list(files)


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_says_what_it_is_and_claims_what_can_be_judged(name):
    entry = ENTRIES[name]
    assert name in HAS
    assert entry.keywords
    assert entry.papers
    for claim in entry.claims:
        assert claim.partition(":")[0] in {pattern.partition(":")[0] for pattern in CLAIMS}
    assert not entry.summary.endswith(".")


def test_what_is_delivered_is_clean(tmp_path):
    for name, entry in PLAIN.items():
        for path, text in entry.skeleton(entry.solve(None)).items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text, "utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--isolated", "--line-length", "120", "--no-cache"]
    linted = subprocess.run(
        [*ruff, "check", *rules, "--select", "E,F,W,B", "--ignore", "E741", "--output-format", "concise", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout
