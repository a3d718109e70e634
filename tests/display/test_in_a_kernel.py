"""Progress and approval in a real kernel: what a front end receives, and when."""

import time

import pytest

RUN = """
import time
from mlexpert_nb.display import NotebookProgress, result_card
from mlexpert_nb.packages import Event, ResultPackage
def run(*steps):
    with NotebookProgress() as progress:
        for step in steps:
            time.sleep(step) if isinstance(step, float) else progress(step)
    progress.finish(result_card(ResultPackage("escalated", evidence={"message": "done"})), status="escalated")
"""


@pytest.fixture
def running(kernel):
    assert kernel.run(RUN).reply["status"] == "ok"
    return kernel


def _updates(ran):
    return [m for m in ran.messages if m["msg_type"] in {"display_data", "update_display_data"}]


def test_one_display_lives_through_the_run_and_becomes_the_card(running):
    ran = running.run("run(Event('phase', 'plan'), Event('tool', 'Write a.py'), 0.6, Event('phase', 'verify'), 0.6)")
    assert [m["msg_type"] for m in ran.messages].count("display_data") == 1
    (card,) = ran.shown
    assert "This needs a person" in card["data"]["text/plain"]
    assert card["metadata"] == {"mlexpert": {"status": "escalated"}}
    assert " s" not in card["data"]["text/plain"].split("\n")[-1]
    assert any("Write a.py" in m["content"]["data"]["text/plain"] for m in _updates(ran))


def test_elapsed_time_moves_while_the_run_is_silent(running):
    ran = running.run("run(Event('phase', 'verify'), 2.4)")
    seen = [m["content"]["data"]["text/plain"] for m in _updates(ran)]
    assert {"verify · 0 s", "verify · 1 s", "verify · 2 s"} <= set(seen)


def test_a_flood_of_events_makes_at_most_four_updates_a_second(running):
    began = time.monotonic()
    ran = running.run("run(*(Event('test', 'tests', done=i, total=100_000) for i in range(100_001)), 1.0)")
    assert len(_updates(ran)) <= 4 * (time.monotonic() - began) + 3
    assert "tests 100000/100000" in _updates(ran)[-2]["content"]["data"]["text/plain"]


def test_nothing_comes_after_the_cell_and_nothing_lands_in_the_next_one(running):
    running.run("run(Event('phase', 'plan'), 0.3)")
    assert running.quiet()
    ran = running.run("import threading; print([t.name for t in threading.enumerate() if 'mlexpert' in t.name])")
    assert ran.text == "[]\n"
    assert ran.shown == []


def test_a_run_without_events_shows_only_the_card(running):
    ran = running.run("run(0.5)")
    assert [m["msg_type"] for m in _updates(ran)] == ["display_data"]


def test_the_events_travel_with_the_updates_for_headless_runs(running):
    ran = running.run("run(Event('phase', 'plan'), Event('check', 'ruff', passed=True), 0.5)")
    events = [e for m in _updates(ran)[:-1] for e in m["content"]["metadata"]["mlexpert"]["events"]]
    assert [(e["kind"], e["text"], e["passed"]) for e in events] == [("phase", "plan", None), ("check", "ruff", True)]


ASK = """
from mlexpert_nb.display import NotebookAsk, NotebookProgress
from mlexpert_nb.packages import Event, Proposal
with NotebookProgress() as progress:
    progress(Event("phase", "plan"))
    ask = NotebookAsk(progress)
    answer = ask(Proposal("# Plan <b>\\n- one file", "sha256:42", "A  a.py"))
print(answer, "|", ask.refusal)
"""


@pytest.mark.parametrize(("typed", "printed"), [("y", "True | "), ("no", "False | you did not approve the plan")])
def test_the_plan_is_shown_before_the_question_and_folded_after_the_answer(kernel, typed, printed):
    sent = kernel.start(ASK, allow_stdin=True)
    kernel.wait_for(sent, "display_data")  # the progress
    shown = kernel.wait_for(sent, "display_data")["content"]["data"]
    assert "# Plan &lt;b&gt;\n- one file" in shown["text/html"]
    assert "<details open>" in shown["text/html"]
    assert "plan hash: sha256:42" in shown["text/plain"]
    assert "A  a.py" in shown["text/html"]
    ran = kernel.finish(sent, answer=typed)
    assert ran.text.startswith(printed)
    (after,) = [m for m in ran.messages if m["msg_type"] == "update_display_data"]
    assert "<details open>" not in after["content"]["data"]["text/html"]


def test_where_input_is_not_allowed_the_answer_is_no_and_names_the_options(kernel):
    ran = kernel.run(ASK)
    assert ran.reply["status"] == "ok"
    assert ran.text.startswith("False | nobody can be asked here")
    assert "--approve auto" in ran.text
    assert "--approve plan" in ran.text
