"""Progress and approval in a real kernel: what a front end receives, and when."""

import time

import pytest
from lab import VIEW, lab_of, model_of

RUN = """
import time
from mlexpert_nb.display import NotebookProgress, render_bundle, result_card
from mlexpert_nb.packages import Event, ResultPackage
def run(*steps):
    with NotebookProgress() as progress:
        for step in steps:
            time.sleep(step) if isinstance(step, float) else progress(step)
    card = result_card(ResultPackage("escalated", evidence={"message": "done"}))
    progress.finish(render_bundle(card), status="escalated")
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


@pytest.fixture
def lab(running):
    with lab_of(running) as lab:
        yield lab


def _told(ran):
    """Give what the live card was told, message for message."""
    return [m["content"]["data"]["state"] for m in ran.messages if m["msg_type"] == "comm_msg"]


LEFT = """
import comm
from ipywidgets.widgets.widget import _instances
print(len(_instances), len(comm.get_comm_manager().comms))
"""


def test_a_front_end_gets_one_live_card_and_only_the_result_is_left_of_it(lab):
    before = lab.run(LEFT).text
    ran = lab.run("run(Event('phase', 'plan'), 0.6, Event('check', 'causality: leaks', passed=False), 0.6)")
    first, last = _updates(ran)
    assert set(first["content"]["data"]) == {VIEW, "text/html", "text/plain"}
    assert "plan · 0 s" in first["content"]["data"]["text/plain"]
    assert set(last["content"]["data"]) == {"text/html", "text/plain"}
    assert last["content"]["metadata"] == {"mlexpert": {"status": "escalated"}}
    assert ["causality: leaks"] in [told.get("failed") for told in _told(ran)]
    closed = [m["content"]["comm_id"] for m in ran.messages if m["msg_type"] == "comm_close"]
    assert model_of(first) in closed
    assert [m["msg_type"] for m in ran.messages].index("comm_close") > ran.messages.index(last)
    assert lab.run(LEFT).text == before


def test_a_flood_of_events_and_of_printed_lines_sends_the_live_card_four_messages_a_second(lab):
    flood = "with NotebookProgress() as p:\n    p(Event('phase', 'verify'))\n    for i in range(20_000):\n        "
    began = time.monotonic()
    ran = lab.run(
        f"{flood}print(i); p(Event('test', f't{{i}}', done=i, total=20_000))\n    time.sleep(1)\np.finish({{}})"
    )
    took_s = time.monotonic() - began
    assert ran.text.count("\n") == 20_000
    ours = [m for m in ran.messages if m["msg_type"] in {"comm_msg", "display_data", "update_display_data"}]
    assert len(ours) <= 4 * took_s + 4
    assert [told["tests"] for told in _told(ran) if "tests" in told][-1] == [19_999, 20_000]


def test_the_button_is_offered_once_the_browser_is_heard_while_the_cell_runs(lab):
    sent = lab.start("run(Event('phase', 'verify'), 1.2)")
    lab.say(model_of(lab.kernel.wait_for(sent, "display_data")), "seen")
    assert True in [told.get("stoppable") for told in _told(lab.kernel.finish(sent))]


WITHOUT_A_BROWSER = """
now = [0.0]
with NotebookProgress(lambda: now[0]) as progress:
    progress(Event("phase", "plan"))
    for now[0] in (1.0, 6.0, 7.0):
        time.sleep(0.6)
progress.finish({"text/plain": "the result"})
"""


def test_where_no_browser_shows_the_live_card_the_run_goes_on_as_html(lab):
    ran = lab.run(WITHOUT_A_BROWSER)
    shown = [m["content"]["data"] for m in _updates(ran)]
    assert [VIEW in data for data in shown] == [True, False, False, False]
    assert [data["text/plain"] for data in shown] == ["plan · 0 s", "plan · 6 s", "plan · 7 s", "the result"]


def test_where_the_widgets_do_not_load_the_run_is_shown_as_html(lab):
    broken = "import sys; sys.modules['mlexpert_widgets.progress_card'] = None\n"
    ran = lab.run(f"{broken}run(Event('phase', 'plan'), 1.3)\ndel sys.modules['mlexpert_widgets.progress_card']")
    assert ran.reply["status"] == "ok"
    assert {VIEW in m["content"]["data"] for m in _updates(ran)} == {False}
    assert len(_updates(ran)) >= 3


def test_the_live_card_says_when_an_answer_is_awaited(lab):
    sent = lab.start(ASK, allow_stdin=True)
    lab.kernel.client.get_stdin_msg(timeout=30)
    time.sleep(0.6)
    lab.kernel.client.input("y")
    ran = lab.kernel.finish(sent)
    assert ran.text.startswith("True")
    assert "waiting for your answer below" in [told.get("doing") for told in _told(ran)]
