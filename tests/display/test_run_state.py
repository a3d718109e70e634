"""The fold over events: phases, counts, verdicts."""

import pytest

from mlexpert_nb.display.progress_view import progress_html, progress_text
from mlexpert_nb.display.run_state import RunState, duration, phase_name
from mlexpert_nb.packages import Event


def _after(*events):
    state = RunState()
    for event in events:
        state = state.after(event)
    return state


def test_phases_before_the_open_one_are_done():
    state = _after(Event("phase", "plan"), Event("phase", "write"))
    assert state.phase_states() == [("plan", "done"), ("write", "now"), ("verify", "next"), ("commit", "next")]


def test_a_phase_of_another_name_stands_where_it_was_opened():
    state = _after(Event("phase", "plan"), Event("phase", "repair: second try"))
    assert [name for name, _ in state.phase_states()] == ["plan", "repair", "write", "verify", "commit"]
    assert state.doing == "repair: second try"


def test_counts_and_verdicts_are_kept_and_start_anew_with_the_judge():
    state = _after(Event("test", "12 of 48", done=12, total=48), Event("check", "causality", passed=False))
    assert (state.tests_done, state.tests_total, state.checks[0].passed) == (12, 48, False)
    again = state.after(Event("phase", "verify"))
    assert (again.tests_total, again.checks) == (0, ())


def test_the_line_says_phase_counts_tool_and_time():
    state = _after(
        Event("phase", "verify"), Event("test", "tests", done=3, total=9), Event("check", "ruff", passed=True)
    )
    assert progress_text(state, 65) == "verify · tests 3/9 · 1 check passed · ruff · 1 min 05 s"


def test_what_events_say_is_text_on_the_page():
    page = progress_html(_after(Event("phase", "<b>x"), Event("tool", "<script>alert(1)</script>")), 1)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(("text", "name"), [("verify", "verify"), ("Write: 12 files", "write"), ("", "run")])
def test_phase_names(text, name):
    assert phase_name(text) == name


@pytest.mark.parametrize(("seconds", "said"), [(0.9, "0 s"), (59.9, "59 s"), (60, "1 min 00 s"), (3725, "62 min 05 s")])
def test_durations(seconds, said):
    assert duration(seconds) == said
