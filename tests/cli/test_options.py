"""One definition of commands and options: what a line means, and what is said about a wrong one."""

import shlex

import pytest

from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.options import VERBS, help_text, parse


def _parse(line, body=""):
    return parse(shlex.split(line), body)


def test_every_option_of_a_request_is_read():
    call = _parse(
        'implement "Implement TRM" --workspace W --params 25M --vram 6GB --latency 100ms --features a,b '
        "--context x.py y.py --paper p.pdf --approve auto --llm offline --model m --base-url u --budget-usd 1.5 "
        "--max-turns 9 --seed 0 --json"
    )
    assert (call.verb, call.text, call.as_json) == ("implement", "Implement TRM", True)
    assert call.options == {
        "workspace": "W",
        "params": "25M",
        "vram": "6GB",
        "latency": "100ms",
        "features": "a,b",
        "context": ["x.py", "y.py"],
        "paper": ["p.pdf"],
        "approve": "auto",
        "llm": "offline",
        "model": "m",
        "base_url": "u",
        "budget_usd": 1.5,
        "max_turns": 9,
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("line", "body", "verb", "text"),
    [
        ("implement --params 5M", "a TRM\n", "implement", "a TRM"),
        ("implement a TRM --params 5M now", "with ACT", "implement", "a TRM now\nwith ACT"),
        ("", "Implement TRM", "request", "Implement TRM"),
        ("--params 5M", "Implement TRM", "request", "Implement TRM"),
        ('"Implement TRM" --json', "", "request", "Implement TRM"),
        ("", "", "help", ""),
        ("--help", "", "help", ""),
    ],
)
def test_where_the_request_stands(line, body, verb, text):
    call = _parse(line, body)
    assert (call.verb, call.text) == (verb, text)


@pytest.mark.parametrize(
    ("line", "operand", "options"),
    [
        ("undo W", "W", {}),
        ("undo --workspace W", "W", {"workspace": "W"}),
        ("verify", "", {}),
        ("run a.ipynb", "a.ipynb", {}),
        ("diff a.ipynb --workspace W --to files", "a.ipynb", {"workspace": "W", "to": "files"}),
        ("diff --workspace W", "", {"workspace": "W"}),
        ("undo a.ipynb --force", "a.ipynb", {"force": True}),
        ("catalogue trm", "trm", {}),
    ],
)
def test_what_stands_after_other_commands(line, operand, options):
    call = _parse(line)
    assert (call.operand, call.options) == (operand, options)


def test_run_and_verify_have_options_of_their_own():
    assert _parse("run a.ipynb -o b.ipynb").out == "b.ipynb"
    assert _parse("verify W --receipt sha256:12").receipt == "sha256:12"
    assert _parse("verify W").receipt is None
    assert _parse("verify W --receipt ''").receipt == ""  # an unset variable in a script must not pass for no receipt
    assert _parse("undo W --force").options == {"force": True}


def test_a_negative_value_reaches_the_one_who_can_say_what_is_wrong_with_it():
    assert _parse("implement x --vram -1GB --params -5").options == {"vram": "-1GB", "params": "-5"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("implement", 'implement what\\? type: implement "…" \\[options\\]'),
        ("run", "run what\\? type: run NOTEBOOK"),
        ("run a b", "run: 'b' is one argument too many"),
        ("undo W --workspace V", "the workspace is given twice"),
        ("diff a.ipynb b.ipynb", "diff: 'b.ipynb' is one argument too many; type: diff \\[NOTEBOOK\\]"),
        ("implement x --seed banana", "argument --seed: invalid int value: 'banana'; see: help implement"),
        ("implement x --params", "argument --params: expected one argument"),
        ("implement --context a.py 'a GRU'", "implement what\\? 'a GRU' was taken for a file of --context; put"),
        ("help --json", "help has no options, so no '--json'; type: help \\[COMMAND\\]"),
    ],
)
def test_a_wrong_line_says_what_to_type(line, message):
    with pytest.raises(UsageError, match=message) as error:
        _parse(line)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("implemnt x", "no command named 'implemnt'; did you mean 'implement'\\?"),
        ("implement x --parms 3", "no option of implement named '--parms'; did you mean '--params'\\?"),
        ("implement x --param=3", "no option of implement named '--param'; did you mean '--params'\\?"),
        ("undo --params 3", "no option of undo named '--params'; known: --force, --json, --workspace"),
        ("help nope", "no command named 'nope'; known: "),
    ],
)
def test_an_unknown_name_comes_with_the_nearest_one(line, message):
    with pytest.raises(UnknownNameError, match=message):
        help_text(_parse(line).operand, "mlexpert")


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_help_that_names_its_options(verb):
    text = help_text(verb, "mlexpert")
    assert text.startswith(f"mlexpert {verb} ")
    assert VERBS[verb].summary in text
    assert all(option in text for option in VERBS[verb].options)


def test_the_list_of_commands_has_one_short_line_each():
    assert all(len(line) <= 120 for line in help_text("", "%mlexpert").splitlines())
