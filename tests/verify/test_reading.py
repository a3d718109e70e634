"""Judging a delivery as text."""

import pytest

from mlexpert_nb.verify import JudgeSpec
from mlexpert_nb.verify.reading import judge_text, run_ruff
from mlexpert_nb.verify.trial import open_trial

from .conftest import TORCHLESS


def failed(root, *, delivered=tuple(TORCHLESS)) -> dict[str, str]:
    """Give what the failed checks measured."""
    with open_trial(root, JudgeSpec("test", delivered=delivered)) as trial:
        findings = (*judge_text(trial, root), run_ruff(trial)[0])
    return {finding.check: finding.measured for finding in findings if not finding.passed}


def test_a_good_delivery_passes(deliver):
    assert failed(deliver(TORCHLESS)) == {}


def test_what_ruff_complains_of_is_named_also_behind_noqa(deliver):
    text = "# ruff: noqa\nimport os  # noqa: F401\n" + TORCHLESS["src/model/__init__.py"]
    settings = '[tool.ruff.lint]\nignore = ["ALL"]\n'
    root = deliver(TORCHLESS, **{"src/model/__init__.py": text, "pyproject.toml": settings})
    assert failed(root) == {"ruff": "src/model/__init__.py:2: F401 `os` imported but unused"}


def test_a_file_that_cannot_be_parsed_is_named(deliver):
    found = failed(deliver(TORCHLESS, **{"src/model/__init__.py": "def f(:\n"}))
    assert found["ruff"].startswith("src/model/__init__.py:1: invalid-syntax")
    assert found["honest_code"].startswith("src/model/__init__.py: cannot be parsed")


def test_the_code_of_the_user_is_not_held_to_our_style(deliver):
    root = deliver(TORCHLESS, **{"src/theirs/old.py": "import os, numpy\n"})
    assert failed(root) == {}
    assert set(failed(root, delivered=(*TORCHLESS, "src/theirs/old.py"))) == {"ruff", "dependencies"}


def test_a_missing_or_linked_file_is_named(deliver, tmp_path):
    root = deliver(TORCHLESS)
    (tmp_path / "elsewhere.py").write_text("x = 1\n")
    (root / "src" / "model" / "linked.py").symlink_to(tmp_path / "elsewhere.py")
    found = failed(root, delivered=(*TORCHLESS, "docs/architecture.md", "src/model/linked.py"))
    assert found["delivered"] == "docs/architecture.md is missing; src/model/linked.py is a symbolic link"


@pytest.mark.parametrize("path", ["src/torch/__init__.py", "tests/pytest.py", "src/json.py", "coverage.py"])
def test_a_file_that_hides_a_package_is_named(deliver, path):
    assert failed(deliver(TORCHLESS, **{path: '"""Mine."""\n'}))["delivered"] == f"{path} hides an installed package"


def test_code_that_nobody_can_read_is_refused(deliver):
    root = deliver(TORCHLESS, **{"src/model/fast.so": "", "src/theirs/old.so": ""})
    found = failed(root, delivered=(*TORCHLESS, "src/model/fast.so"))
    assert found == {"honest_code": "src/model/fast.so: is compiled, so that nobody can read it"}


def test_a_need_for_other_packages_is_named(deliver):
    text = "import numpy\n\n__all__ = ['numpy']\n"
    found = failed(deliver(TORCHLESS, **{"src/model/__init__.py": text}))
    assert found == {"dependencies": "src/model/__init__.py imports numpy"}
