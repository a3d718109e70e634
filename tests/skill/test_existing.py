"""How far the user's own code is, judged by its syntax tree."""

import pytest

from mlexpert_nb.skill.documents import Document
from mlexpert_nb.skill.existing import judge_existing, unfinished

WHOLE = '''
from typing import Protocol, overload
from abc import abstractmethod

class Reader(Protocol):
    def read(self) -> str: ...

class Base:
    @abstractmethod
    def forward(self, x):
        """Give the output."""

    @overload
    def f(self, x: int) -> int: ...
    def f(self, x):
        if x:
            pass
        return x

class MyError(Exception):
    pass
'''


def judged(*sources):
    return judge_existing([Document(f"{n}.py", "code", source) for n, source in enumerate(sources)])


def test_no_code_is_none():
    existing, open_ends = judge_existing([Document("notes.md", "text", "words")])
    assert (existing.files, existing.status, open_ends) == ((), "none", ())


def test_finished_code_is_complete():
    existing, open_ends = judged(WHOLE, "", "x = 1\n")
    assert (existing.files, existing.status, open_ends) == (("0.py", "1.py", "2.py"), "complete", ())


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def f():\n    pass\n", "line 1: f has no body yet"),
        (
            "class A:\n    def g(self):\n        '''Doc.'''\n        raise NotImplementedError\n",
            "line 2: g has no body yet",
        ),
        ("async def h():\n    raise NotImplementedError('later')\n", "line 1: h has no body yet"),
        ("def f(): ...\n", "line 1: f has no body yet"),
        (
            "def f(x):\n    return x\n\ndef outer():\n    def inner():\n        pass\n    return inner\n",
            "line 5: inner has no",
        ),
        ("def f(:\n", "line 1: syntax error"),
        ("x = 1\n  y = 2\n", "line 2: syntax error: unexpected indent"),
        ("x = " + "(" * 5000 + ")" * 5000, "too many nested parentheses"),
    ],
)
def test_unfinished_code_is_partial_and_says_where(source, why):
    existing, open_ends = judged(WHOLE, source)
    assert existing.status == "partial_implementation"
    assert [verdict.file for verdict in open_ends] == ["1.py"]
    assert why in open_ends[0].why


def test_code_that_no_parser_can_hold_is_judged_all_the_same():
    assert unfinished("a" + ".b" * 50_000) in (
        "",
        "cannot be parsed (RecursionError)",
        "cannot be parsed (MemoryError)",
    )


def test_judging_never_runs_the_code(tmp_path):
    unfinished(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit\n")
    assert not list(tmp_path.iterdir())


def test_a_warning_about_the_users_code_is_not_shown():
    assert unfinished('pattern = "\\d"\n') == ""
