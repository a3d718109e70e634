"""Text from outside: what reaches a screen is what a person may read, and no more."""

import pytest

from mlexpert_nb.display.safe import fields, html, items, one_line, plain


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07click\x1b]8;;\x07", "click"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("\x9b2Jgone", "gone"),
        ("a\rb\x00\x08c", "abc"),
        ("line\r\nnext\ttab", "line\nnext\ttab"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("half \ud83d character", "half  character"),
        ("Grüße 🚀 ✓", "Grüße 🚀 ✓"),
    ],
)
def test_terminal_codes_and_hidden_characters_are_left_out(raw, shown):
    assert plain(raw) == shown


def test_a_cut_is_stated():
    assert plain("x" * 5_000_000, 10) == "xxxxxxxxxx… (4,999,990 more characters not shown)"
    assert plain("x" * 10, 10) == "x" * 10


def test_one_line_is_one_short_line():
    assert one_line("a\n  b\t c") == "a b c"
    assert one_line("word " * 100, 20) == "word word word word…"


def test_html_runs_nothing():
    assert html("<img src=x onerror='alert(1)'></script>&") == (
        "&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt;&lt;/script&gt;&amp;"
    )


def test_json_of_the_wrong_kind_is_empty():
    assert items({"a": 1}) == items("text") == []
    assert fields(["a"]) == fields(None) == {}
