"""A small delivery to judge, written to disk with some files replaced."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from tiny_delivery import FILES

from mlexpert_nb.verify import JudgeSpec, broken_names

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


@pytest.fixture
def versions(tmp_path):
    """Give a function that writes two versions of a workspace; a text alone is the file net.py."""

    def write(before, after):
        for name, files in (("before", before), ("after", after)):
            for path, text in (files if isinstance(files, dict) else {"net.py": files}).items():
                place = tmp_path / name / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
            (tmp_path / name).mkdir(exist_ok=True)
        paths = [each.relative_to(tmp_path / "before").as_posix() for each in (tmp_path / "before").rglob("*.*")]
        return tmp_path / "before", tmp_path / "after", paths

    return write


@pytest.fixture
def broken(versions):
    """Give a function that lists what a change breaks, as "name: what", with the path in front if it is not net.py."""

    def listed(before, after):
        found = broken_names(*versions(before, after))
        return [f"{'' if each.path == 'net.py' else each.path + ' '}{each.name}: {each.what}" for each in found]

    return listed
