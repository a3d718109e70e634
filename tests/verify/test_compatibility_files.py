"""What a change breaks where several files, packages or unreadable files take part; and that nothing is executed."""

import logging
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlexpert_nb.verify import Break, broken_names, compare_names

PACKAGE = {"src/model/__init__.py": "from model.net import f", "src/model/net.py": "def f(a): ..."}
FILES = {
    "file deleted": (
        PACKAGE,
        {"src/model/__init__.py": ""},
        [
            "src/model/__init__.py f: the re-export was removed or renamed",
            "src/model/net.py model.net: the file was removed or renamed",
        ],
    ),
    "only file deleted": ({"net.py": ""}, {}, ["net: the file was removed or renamed"]),
    "package deleted": (
        PACKAGE,
        {},
        [
            "src/model/__init__.py model: the file was removed or renamed",
            "src/model/net.py model.net: the file was removed or renamed",
        ],
    ),
    "file made a package": (
        {"net.py": "def f(): ...\nX = 1"},
        {"net/__init__.py": "from net._f import f\nX = 1", "net/_f.py": "def f(): ..."},
        [],
    ),
    "re-export removed": (
        PACKAGE,
        {**PACKAGE, "src/model/__init__.py": ""},
        ["src/model/__init__.py f: the re-export was removed or renamed"],
    ),
    "re-export in __all__ removed": (
        {**PACKAGE, "src/model/__init__.py": "from model.net import f\n__all__ = ['f']"},
        {**PACKAGE, "src/model/__init__.py": "__all__ = []"},
        ["src/model/__init__.py f: the re-export was removed or renamed"],
    ),
    "re-export out of __all__": (
        {**PACKAGE, "src/model/__init__.py": "from model.net import f\n__all__ = ['g']\ng = 1"},
        {**PACKAGE, "src/model/__init__.py": "__all__ = ['g']\ng = 1"},
        [],
    ),
    "moved and re-exported": (
        PACKAGE,
        {
            "src/model/__init__.py": "from model.core import f",
            "src/model/core.py": "def f(a): ...",
            "src/model/net.py": "from model.core import f",
        },
        [],
    ),
    "moved and re-exported by a star": (
        PACKAGE,
        {
            "src/model/__init__.py": "from .core import *",
            "src/model/core.py": "def f(a): ...",
            "src/model/net.py": "from .core import *",
        },
        [],
    ),
    "moved to a file beside it": (
        {"net.py": "def f(a): ..."},
        {"net.py": "from core import f", "core.py": "def f(a): ..."},
        [],
    ),
    "moved and changed": (
        {"net.py": "def f(a): ..."},
        {"net.py": "from core import f", "core.py": "def f(): ..."},
        ["f: parameter 'a' was removed or renamed"],
    ),
    "method moved to a base in another file": (
        {"net.py": "class A:\n def f(self): ..."},
        {"net.py": "import base\nclass A(base.B): ...", "base.py": "class B:\n def f(self): ..."},
        [],
    ),
    "moved and gone from where it was": (
        PACKAGE,
        {
            "src/model/__init__.py": "from model.core import f",
            "src/model/core.py": "def f(a): ...",
            "src/model/net.py": "",
        },
        ["src/model/net.py f: the function was removed or renamed"],
    ),
    "public through a private file": (
        {"m/__init__.py": "from m._net import f", "m/_net.py": "def f(a): ...\ndef g(a): ..."},
        {"m/__init__.py": "from m._net import f", "m/_net.py": "def f(): ..."},
        ["m/_net.py f: parameter 'a' was removed or renamed"],
    ),
    "gone from a private file": (
        {"m/__init__.py": "from m._net import f", "m/_net.py": "def f(a): ..."},
        {"m/__init__.py": "from m._net import f", "m/_net.py": ""},
        ["m/_net.py f: m.f can no longer be imported: m._net.f is gone"],
    ),
    "private file deleted": (
        {"m/__init__.py": "from m._net import f", "m/_net.py": "def f(a): ..."},
        {"m/__init__.py": "from m._net import f"},
        ["m/_net.py f: m.f can no longer be imported: m._net.f is gone"],
    ),
    "package no longer parses": (
        PACKAGE,
        {**PACKAGE, "src/model/__init__.py": "def"},
        ["src/model/__init__.py model: no longer parses: line 1"],
    ),
    "module no longer parses": (
        PACKAGE,
        {**PACKAGE, "src/model/net.py": "\ndef"},
        ["src/model/net.py model.net: no longer parses: line 2"],
    ),
    "only for type checkers": (
        {
            **PACKAGE,
            "src/model/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING: from model.net import f",
        },
        {**PACKAGE, "src/model/__init__.py": ""},
        [],
    ),
    "__init__ without names deleted": (
        {"m/__init__.py": '"""A package."""', "m/net.py": "def f(): ..."},
        {"m/net.py": "def f(): ..."},
        [],
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), FILES.values(), ids=FILES)
def test_files_and_packages(broken, before, after, expected):
    assert broken(before, after) == expected


def test_only_the_files_that_were_named_are_reported(versions):
    before, after, _ = versions({"a.py": "X = 1", "b.py": "X = 1"}, {"a.py": "", "b.py": ""})
    assert broken_names(before, after, ["./b.py", "b.py", "new.py"]) == (
        Break("b.py", "X", "the attribute was removed or renamed"),
    )


@pytest.mark.parametrize("path", ["../before/net.py", "/etc/passwd", "no/such.py", "net", ""])
def test_a_path_that_is_no_file_of_the_workspace_is_passed_over(versions, path):
    before, after, _ = versions("X = 1", "")
    assert broken_names(before, after, [path]) == ()


def test_nothing_of_the_files_is_executed(versions, tmp_path):
    text = f"open({str(tmp_path / 'ran')!r}, 'w')\nimport sys\nsys.modules['caught'] = sys\nclass A: ...\n"
    files = {"m/__init__.py": text, "m/net.py": text, "net.py": text, "x.pth": "import m\n"}
    before, after, paths = versions(files, {**files, "m/net.py": "", "other.so": b""})
    assert [each.name for each in broken_names(before, after, paths)] == ["A"]
    assert not (tmp_path / "ran").exists()
    assert "caught" not in sys.modules


def test_a_file_that_did_not_parse_before_is_named_in_a_note(versions):
    found = compare_names(*versions({"a.py": "X = 1\ndef", "b.py": "X = 1"}, {"a.py": "", "b.py": "X = 1"}))
    assert (found.breaks, found.notes) == ((), ("a.py did not parse before: line 2",))


def test_a_file_in_a_package_that_did_not_parse_before_is_named_in_a_note(versions):
    found = compare_names(*versions({"m/__init__.py": "def", "m/a.py": "X = 1"}, {"m/__init__.py": "", "m/a.py": ""}))
    assert found.breaks == ()
    assert found.notes == (
        "m/__init__.py did not parse before: line 1",
        "m/a.py was not compared: it, or the package around it, cannot be read",
    )


@pytest.mark.parametrize(
    "text", ["x = " + "(" * 5000, "x = " + "+1" * 20000, "x = a" + ".b" * 20000, "# -*- coding: x -*-"]
)
def test_a_monstrous_file_is_a_break_or_a_note_never_a_crash(versions, text):
    found = compare_names(*versions({"a.py": "X = 1", "b.py": text}, {"a.py": text, "b.py": "X = 1"}))
    assert {each.path for each in found.breaks} | {note.split()[0] for note in found.notes} == {"a.py", "b.py"}


def test_parsers_stay_silent(versions, capfd, recwarn):
    before, after, paths = versions(
        {"m/__init__.py": "x = '\\d'", "m/a.py": "X = 1"}, {"m/__init__.py": "", "m/a.py": "def"}
    )
    assert broken_names(before, after, paths)
    assert (capfd.readouterr().err, list(recwarn)) == ("", [])
    assert not logging.getLogger("griffe").disabled


NAMES = st.from_regex(r"_[a-z]{1,6}", fullmatch=True)
PARAMETERS = st.sampled_from(["", "a", "a, b=1", "*args", "*, k", "a, /, b, **kw"])
HELPERS = st.one_of(
    st.builds("def {}({}): ...".format, NAMES, PARAMETERS),
    st.builds("async def {}({}): ...".format, NAMES, PARAMETERS),
    st.builds("class {}: x = 1".format, NAMES),
    st.builds("{} = 1".format, NAMES),
    st.builds("import os as {}".format, NAMES),
)
PARTS = (
    "import torch",
    "SIZE = 3",
    "def run(a, b=SIZE, *c, d=4): ...",
    "class Net(torch.nn.Module):\n def __init__(self, dim):\n  self.dim = dim\n def forward(self, x): ...",
    "Old = Net",
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(PARTS)), HELPERS), max_size=8), st.lists(HELPERS, max_size=4))
def test_private_helpers_never_break_anything(versions, helpers, methods):
    parts = [*PARTS[:3], "\n ".join([PARTS[3], *methods]), PARTS[4]]
    for place, helper in sorted(helpers, key=lambda each: -each[0]):
        parts.insert(place, helper)
    assert broken_names(*versions("\n".join(PARTS), "\n".join(parts))) == ()
