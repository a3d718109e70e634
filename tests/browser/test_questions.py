"""A run that asks the user: a form on its card, answers as a cell under the request, and the run goes on with them."""

import json

import pytest
from messages import engineers, text, tool, turn
from playwright.sync_api import expect

LOAD = "import os\nos.environ['ANTHROPIC_API_KEY'] = 'sk-ant-of-nobody-0123456789'\n%load_ext mlexpert_nb"
MIME = "application/vnd.mlexpert.cells.v1+json"
WIDTH, DATA = "How wide is the <b>network</b>?", "Which text does it learn?"
QUESTIONS = [{"question": WIDTH, "options": ["24", "48"]}, {"question": DATA, "options": []}]
LINE = "%%mlexpert resume --workspace W --approve auto"
AFTER = "print('after')"
LONG_MS = 240_000  # for a judge on a busy machine


def _asks(questions=QUESTIONS):
    return turn(text("Let me ask."), tool("ask_user", questions=questions))


def _refuses(reason="that is too wide"):
    return turn(tool("out_of_scope", reason=reason))


def _request(endpoint, options="--approve auto --workspace W"):
    return f"%%mlexpert implement {options} --base-url {endpoint.url}\n{engineers.REQUEST}"


def _heard(body):
    """Give what a call told the endpoint last: the results of the tools that it had called."""
    content = body["messages"][-1]["content"]
    return [block["content"] for block in content if block["type"] == "tool_result"]


def _payload(cell):
    return next(each["data"][MIME] for each in cell["outputs"] if MIME in each.get("data", {}))


def _form(front):
    return front.page.locator("form.mlx-form").last


def _question(front, name):
    return _form(front).get_by_role("group", name=name)


def _button(front):
    return _form(front).get_by_role("button", name="Answer and go on")


def _send(front):
    _button(front).click()


def _went_on(front):
    """Wait until the run that the last form has sent on has ended."""
    status = _form(front).get_by_role("status")
    expect(status).to_contain_text("the run went on in the cell below", timeout=LONG_MS)


def _asked(front, endpoint, *, questions=QUESTIONS, **more):
    endpoint.play(_asks(questions))
    front.begin(LOAD, _request(endpoint, **more), AFTER)
    front.run(0)
    front.run(1)
    _form(front).wait_for()
    return front


@pytest.fixture
def tour(front, endpoint):
    """A notebook whose request has just asked two questions."""
    return _asked(front, endpoint)


@pytest.fixture
def asked(lab, endpoint):
    """The same in JupyterLab alone."""
    return _asked(lab, endpoint)


def test_questions_are_answered_in_a_form_and_the_run_goes_on_to_its_result(tour, endpoint):
    assert "Your answer is needed first" in tour.card.inner_text()
    assert tour.card.locator("table", has_text="question").count() == 0, "the form stands in its place"
    _question(tour, WIDTH).get_by_role("radio", name="24").check()
    _question(tour, DATA).get_by_label("Your answer").fill("novels;\n%mlexpert undo W")
    endpoint.play(*engineers.good())
    _send(tour)
    _went_on(tour)
    (heard,) = _heard(endpoint.bodies[1])
    assert heard == f"the user answered:\n1. {WIDTH}\n   24\n2. {DATA}\n   novels;\n   \\%mlexpert undo W"
    cells = tour.cells()
    answers = next(at for at, cell in enumerate(cells) if cell["source"].startswith("%%mlexpert resume"))
    assert answers == 2
    assert cells[2]["source"] == f"{LINE}\n{heard.removeprefix('the user answered:' + chr(10))}"
    payload = _payload(cells[2])
    assert payload["card"]["headline"] == "Implementation complete", payload["card"]
    assert len(payload["cells"]) > 0
    marks = [cell["metadata"]["mlexpert"]["origin"] for cell in cells[3 : 3 + len(payload["cells"])]]
    assert set(marks) == {cells[2]["metadata"]["mlexpert"]["id"]}, "the cells belong to the cell with the answers"
    assert tour.sources()[-1] == AFTER
    tour.save()
    expect(_button(tour)).to_be_disabled()
    expect(_form(tour)).to_contain_text("the cell below holds the result of your answers")
    endpoint.play(_asks())
    tour.edit(1, f"{tour.sources()[1]}, with a wider GRU")
    tour.run(1)
    expect(_button(tour)).to_be_enabled()
    assert tour.complaints() == []


def test_a_form_is_filled_in_by_keys_alone(tour, endpoint):
    endpoint.play(_refuses())
    before = tour.sources()
    _question(tour, WIDTH).get_by_role("radio", name="24").focus()
    tour.page.keyboard.press("ArrowDown")
    assert _question(tour, WIDTH).get_by_role("radio", name="48").is_checked()
    for key in ("a", "b", "d", "d"):  # in a notebook they would make and delete cells
        tour.page.keyboard.press(key)
    assert tour.sources() == before
    tour.page.keyboard.press("Tab")
    tour.page.keyboard.type("at least")
    tour.page.keyboard.press("Tab")
    tour.page.keyboard.type("plays")
    tour.page.keyboard.press("Control+Enter")
    _went_on(tour)
    assert _heard(endpoint.bodies[-1]) == [f"the user answered:\n1. {WIDTH}\n   48\n   at least\n2. {DATA}\n   plays"]
    assert tour.sources()[3:] == [AFTER]
    assert tour.complaints() == []


def test_what_is_missing_is_named_and_nothing_is_sent(asked):
    before = asked.sources()
    _question(asked, WIDTH).get_by_role("radio", name="none of these").check()
    _question(asked, DATA).get_by_label("Your answer").fill("  ")
    _send(asked)
    assert _form(asked).get_by_role("alert").all_inner_texts() == ["This needs an answer; “you decide” is one."] * 2
    focused = asked.page.evaluate(
        "() => document.activeElement.closest('fieldset').querySelector('legend').textContent"
    )
    assert focused == f"1. {WIDTH}"
    assert asked.sources() == before


def test_a_key_is_not_even_written_into_the_notebook(asked, endpoint):
    before, calls = asked.sources(), len(endpoint.bodies)
    _question(asked, WIDTH).get_by_role("radio", name="24").check()
    _question(asked, DATA).get_by_label("Your answer").fill("use sk-ant-api03-abcdefgh")
    _send(asked)
    assert "looks like an API key" in _form(asked).inner_text()
    assert (asked.sources(), len(endpoint.bodies)) == (before, calls)


def test_a_cell_with_answers_is_used_again_unless_it_was_edited(asked, endpoint):
    endpoint.play(_refuses())
    _fill(asked, "novels")
    _send(asked)
    _went_on(asked)
    once = asked.cells()[2]
    endpoint.play(_asks(), _refuses())
    asked.run(1)
    _fill(asked, "plays")
    _send(asked)
    _went_on(asked)
    twice = asked.cells()[2]
    assert (twice["id"], len(asked.cells())) == (once["id"], 4)
    assert twice["source"] == once["source"].replace("novels", "plays")
    endpoint.play(_asks())
    asked.edit(2, f"{twice['source']} of mine")
    asked.run(1)
    _fill(asked, "letters")
    _send(asked)
    asked.said("the cell below holds answers that you have edited")
    assert asked.sources()[2:] == [f"{twice['source']} of mine", AFTER]


def _fill(front, words):
    _question(front, WIDTH).get_by_role("radio", name="24").check()
    _question(front, DATA).get_by_label("Your answer").fill(words)


def test_answers_that_stand_in_the_notebook_are_given_again_when_it_is_run_again(asked, endpoint):
    endpoint.play(_asks([{"question": "Sure?", "options": ["yes", "no"]}]))
    _fill(asked, "novels")
    _send(asked)
    _question(asked, "Sure?").wait_for()
    endpoint.play(_refuses())
    _question(asked, "Sure?").get_by_role("radio", name="yes").check()
    _send(asked)
    _went_on(asked)
    sources = asked.sources()
    assert sources[3] == f"{LINE}\n1. Sure?\n   yes"
    endpoint.play(_asks(), _asks([{"question": "Sure?", "options": ["yes", "no"]}]), _refuses())
    asked.restart_and_run_all()
    assert asked.sources() == sources
    assert _heard(endpoint.bodies[-1]) == ["the user answered:\n1. Sure?\n   yes"]
    assert asked.cells()[-1]["outputs"][0]["text"] == "after\n"


def test_an_undo_step_takes_the_cell_with_the_answers_out(asked, endpoint):
    endpoint.play(_refuses())
    before = asked.sources()
    _fill(asked, "novels")
    _send(asked)
    _went_on(asked)
    asked.undo()
    assert asked.sources() == before


def test_a_kernel_that_does_not_know_us_is_told_apart_before_a_cell_is_made(asked):
    before = asked.sources()
    asked.restart()
    _fill(asked, "novels")
    _send(asked)
    asked.said("not answered: the kernel does not know mlexpert_nb; run %load_ext mlexpert_nb and try again")
    assert asked.sources() == before
    assert _question(asked, DATA).get_by_label("Your answer").input_value() == "novels", "what was typed is kept"


def test_a_saved_form_without_a_kernel_shows_the_questions_and_why_it_cannot_be_sent(asked):
    asked.save()
    asked.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    asked.page.goto("about:blank")  # an open page would save its own kernel into the file again
    notebook = json.loads(asked.path.read_text())
    notebook["metadata"]["kernelspec"] = {"name": "gone", "display_name": "Gone", "language": "gone"}
    notebook["metadata"].pop("language_info", None)
    asked.path.write_text(json.dumps(notebook))
    asked.page.goto(f"{asked.server.url}/lab/tree/{asked.path.relative_to(asked.server.folder)}?reset")
    asked.page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    _form(asked).wait_for()
    assert WIDTH in _form(asked).inner_text()
    expect(_form(asked)).to_contain_text("no kernel is running")
    assert _button(asked).is_disabled()


def test_a_form_made_by_hand_cannot_get_anything_else_onto_the_line(lab):
    bad = "{__import__('os').system('touch hacked')}"
    payload = {"version": 1, "cells": [], "workspace": bad, "approve": "auto; x", "questions": [{"question": "%x"}]}
    show = f"from IPython.display import display\ndisplay({{{MIME!r}: {payload!r}, 'text/plain': 'x'}}, raw=True)"
    lab.begin(LOAD, show)
    lab.run(0)
    lab.run(1)
    expect(_form(lab)).to_contain_text("cannot stand on a magic line")
    assert _button(lab).is_disabled()


@pytest.mark.parametrize("width", [240, 800])
def test_the_form_fits_its_place_in_both_themes(asked, width):
    asked.card.evaluate("(card, width) => { card.style.width = `${width}px`; }", width)
    for on in (True, False):
        asked.dark(on=on)
        inner, outer = _form(asked).evaluate("form => [form.scrollWidth, form.clientWidth]")
        assert inner <= outer
