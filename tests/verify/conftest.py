"""A small delivery to judge, written to disk with some files replaced."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tiny_delivery import FILES

from mlexpert_nb.verify import JudgeSpec

TORCHLESS: Mapping[str, str] = {
    "src/model/__init__.py": '"""A package that needs no torch."""\n\n\ndef double(x):\n'
    '    """Double."""\n    return 2 * x\n',
    "tests/test_double.py": '"""It doubles."""\n\nfrom model import double\n\n\n'
    "def test_it_doubles():\n    assert double(2) == 4\n",
}
Deliver = Callable[..., Path]


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """Give a function that writes a delivery: the good one, with some files replaced."""

    def write(files: Mapping[str, str] = FILES, *, name: str = "delivery", **changes: str) -> Path:
        root = tmp_path / name
        for path, text in {**files, **changes}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return root

    return write


@pytest.fixture
def spec() -> JudgeSpec:
    """Give what the good delivery is measured against."""
    return JudgeSpec("sha256:request", delivered=tuple(FILES))
