"""Approval without a notebook: exactly the plan, its hash and what would change; no answer is a no."""

import io

import pytest
from display import results

from mlexpert_nb.display import TerminalAsk, TerminalProgress, with_refusal
from mlexpert_nb.packages import Proposal

PLAN = Proposal("# Plan\n\n- write src/model/config.py\n", "sha256:1234", "A  src/model/config.py")


class _Keyboard(io.StringIO):
    def isatty(self):
        return True


def _ask(into):
    out = io.StringIO()
    ask = TerminalAsk(TerminalProgress(io.StringIO()), out, into)
    return ask(PLAN), ask.refusal, out.getvalue()


@pytest.mark.parametrize("typed", ["y\n", "Yes\n", " y \n"])
def test_a_yes_approves_the_plan_that_was_shown_to_the_letter(typed):
    approved, refusal, shown = _ask(_Keyboard(typed))
    assert (approved, refusal) == (True, "")
    assert PLAN.text in shown
    assert "plan hash: sha256:1234" in shown
    assert "A  src/model/config.py" in shown
    assert shown.endswith("[y/N] ")


@pytest.mark.parametrize("typed", ["\n", "n\n", "yes please\n", "why?\n"])
def test_everything_else_is_a_no(typed):
    approved, refusal, _ = _ask(_Keyboard(typed))
    assert not approved
    assert "you did not approve the plan" in refusal


@pytest.mark.parametrize("into", [io.StringIO("y\n"), _Keyboard("")])
def test_nobody_there_is_a_no_that_names_the_options(into):
    approved, refusal, _ = _ask(into)
    assert not approved
    assert "--approve auto" in refusal
    assert "--approve plan" in refusal


def test_hidden_characters_in_a_plan_are_pointed_out():
    out = io.StringIO()
    TerminalAsk(TerminalProgress(io.StringIO()), out, _Keyboard("n\n"))(Proposal("rm\u202e -rf", "sha256:1"))
    assert "the plan holds characters that are not shown" in out.getvalue()


def test_the_reason_for_a_no_is_the_message_of_the_result():
    result = results.ended("plan_ready", "the plan was not approved")
    assert with_refusal(result, "nobody there").message == "nobody there"
    assert with_refusal(result, "") is result
