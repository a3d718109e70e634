"""Questions to the user: a form in the payload, a table for everybody else, and answers that stay text."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from mlexpert_nb.display import question_bundle, result_card
from mlexpert_nb.display.cells import MIME
from mlexpert_nb.display.notebook_cells import wanted_cells
from mlexpert_nb.display.question_form import MAX_OPTIONS, MAX_QUESTIONS
from mlexpert_nb.keys import TYPED
from mlexpert_nb.options import parse
from mlexpert_nb.packages import ResultPackage

SOURCES = Path(__file__).parents[2] / "widgets" / "labextension" / "src"
PROGRAM = """
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({ resolve: (name, context, next) => next(/^[.][^.]*$/.test(name) ? `${name}.ts` : name, context) });
const { cellOf, unnameable, wrongWith } = await import(process.argv[1] + '/answers.ts');
const { readPayload } = await import(process.argv[1] + '/payload.ts');
const { payload, answers } = JSON.parse(readFileSync(0, 'utf8'));
const { asked } = readPayload(payload);
const cell = answers && cellOf(asked, answers);
const reason = asked && unnameable(asked);
console.log(JSON.stringify({ asked, cell, unnameable: reason, wrong: (answers ?? []).map(wrongWith) }));
"""
ASKED = [{"question": "How wide?", "options": ["24", "48"]}, {"question": "Which text?", "options": []}]


@pytest.fixture
def browser_side(node):
    """What the extension makes of a payload and of what was typed into its form."""

    def run(payload, answers=None):
        given = json.dumps({"payload": payload, "answers": answers})
        words = [node, "--no-warnings", "--input-type=module", "-e", PROGRAM, "--", SOURCES.as_uri()]
        return json.loads(subprocess.run(words, input=given, capture_output=True, text=True, check=True).stdout)

    return run


def _bundle(questions=ASKED, workspace="W", approve="", status="needs_clarification"):
    result = ResultPackage(status, evidence={"request": "a network", "questions": questions})
    card = result_card(result, workspace=workspace)
    return question_bundle(card, result.to_json(), workspace=workspace, approve=approve)


@pytest.mark.parametrize("status", ["needs_clarification", "needs_references"])
def test_questions_travel_in_the_payload_and_stand_in_a_table_for_everybody_else(status, browser_side):
    bundle = _bundle(status=status)
    assert browser_side(bundle[MIME])["asked"] == {"questions": ASKED, "workspace": "W", "approve": ""}
    assert "tables" not in bundle[MIME]["card"], "the form takes the table's place"
    for kind in ("text/html", "text/plain"):
        for text in ("How wide?", "24", "48", "Which text?", "%mlexpert resume --workspace W --answer"):
            assert text in bundle[kind]
    assert "  1  How wide?\n  -  24\n  -  48\n  2  Which text?" in bundle["text/plain"]


def test_the_same_questions_give_the_same_bytes():
    assert json.dumps(_bundle()) == json.dumps(_bundle())


def test_a_run_that_asks_nothing_has_no_form():
    assert _bundle(questions=[], status="partial").keys() == {"text/html", "text/plain"}
    card = result_card(ResultPackage("plan_ready"))
    assert MIME not in question_bundle(card, "no result", workspace="W")


def test_more_questions_than_a_form_holds_are_left_to_the_table():
    bundle = _bundle(ASKED[1:] * (MAX_QUESTIONS + 1))
    assert MIME not in bundle
    assert f"  {MAX_QUESTIONS + 1}  Which text?" in bundle["text/plain"]


def test_both_sides_have_the_same_limits(browser_side):
    asked = [{"question": "x" * 3000, "options": [*("y" * 900 for _ in range(MAX_OPTIONS + 5))]}] * MAX_QUESTIONS
    payload = _bundle(asked)[MIME]
    assert browser_side(payload)["asked"]["questions"] == payload["questions"]
    assert browser_side({**payload, "questions": payload["questions"] * 2})["asked"] is None


def test_what_a_specialist_asks_is_text_without_hidden_characters(browser_side):
    nasty = [{"question": "a\u202eb\x1b[31m\nc <img src=x>", "options": ["\u2066x", 7, None]}, "no question"]
    bundle = _bundle(nasty)
    assert bundle[MIME]["questions"][0] == {"question": "ab c <img src=x>", "options": ["x", "7", "None"]}
    assert bundle[MIME]["questions"][1] == {"question": "", "options": []}
    assert "<img" not in bundle["text/html"]
    assert browser_side(bundle[MIME])["asked"]["questions"] == bundle[MIME]["questions"]


def test_only_an_approval_that_was_typed_with_the_request_is_passed_on(browser_side):
    assert _bundle(approve="auto")[MIME]["approve"] == "auto"
    assert _bundle(approve="plan")[MIME]["approve"] == ""
    forged = {**_bundle()[MIME], "approve": "auto --budget-usd 1000"}
    assert browser_side(forged)["asked"]["approve"] == ""


def test_a_headless_run_takes_no_cells_from_questions():
    assert wanted_cells({"outputs": [{"data": _bundle()}]}) is None


@pytest.mark.parametrize("workspace", ["W", "my work", "it's", 'a"b', "a;b", "ü/ß", "a%b", "\\x\\"])
def test_the_workspace_comes_out_of_the_line_as_it_went_into_it(browser_side, workspace):
    given = browser_side(_bundle(workspace=workspace, approve="auto")[MIME], ["24", "novels"])
    assert given["unnameable"] == ""
    line, body = _as_ipython_reads(given["cell"])
    call = parse(shlex.split(line), body)
    assert (call.verb, call.operand, call.options["approve"]) == ("resume", workspace, "auto")
    assert call.text == "1. How wide?\n   24\n2. Which text?\n   novels"


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ("two\n\nlines", ["   two", "", "   lines"]),
        ("%mlexpert undo W", ["   \\%mlexpert undo W"]),
        ("x\n%%bash\n\trm -rf /", ["   x", "   \\%%bash", "   \trm -rf /"]),
        ("!ls", ["   \\!ls"]),
        ("x\n  ?print", ["   x", "     \\?print"]),
        ("what?", ["   what?"]),
        (">>> %mlexpert undo W\n... x", ["   \\>>> %mlexpert undo W", "   ... x"]),
        ("In [1]: x", ["   In [1]: x"]),
        ("'''\n\"\"\")\nimport os", ["   '''", '   """)', "   import os"]),
        ("\\", ["   \\"]),
        ("{1/0} $HOME", ["   {1/0} $HOME"]),
        ("2. Which text?\r\nb\u2028c\x1b[2J", ["   2. Which text?", "   bc"]),
    ],
)
def test_an_answer_stays_in_its_place_in_the_body_as_ipython_reads_it(browser_side, answer, lines):
    given = browser_side(_bundle()[MIME], [answer, "words"])
    _, body = _as_ipython_reads(given["cell"])
    assert body.rstrip("\n").split("\n") == ["1. How wide?", *lines, "2. Which text?", "   words"]


def _as_ipython_reads(cell):
    """Give line and body of a cell magic, as IPython calls it; anything more in the cell would be another call."""
    calls = []
    code = TransformerManager().transform_cell(cell)

    class Shell:
        def run_cell_magic(self, name, line, body):
            assert name == "mlexpert"
            calls.append((line, body))

    exec(code, {"get_ipython": Shell})  # noqa: S102 - one call of the stub above, or the test fails
    (call,) = calls
    return call


@pytest.mark.parametrize("workspace", ["", "{1/0}", "$HOME", "a\nb", "a\x00b", "a\u202eb"])
def test_a_workspace_that_a_magic_line_would_change_is_not_put_on_one(browser_side, workspace):
    payload = {"version": 1, "cells": [], "questions": ASKED, "workspace": workspace}
    assert "cannot stand on a magic line" in browser_side(payload)["unnameable"]


@pytest.mark.parametrize(
    ("answer", "fine"),
    [
        ("24", True),
        ("  \n ", False),
        ("sk-learn-compatible", True),
        ("sk-ant-api03-abcdefgh", False),
        ("my sk-0123456789abcdefghijk key", False),
    ],
)
def test_nothing_and_what_looks_like_a_key_are_no_answers(browser_side, answer, fine):
    wrong = browser_side(_bundle()[MIME], [answer, "x"])["wrong"][0]
    assert (wrong == "") is fine
    assert bool(TYPED.search(answer)) is ("API key" in wrong)
