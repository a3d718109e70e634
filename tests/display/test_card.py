"""The card: every status says what happened and what to do, as text and as HTML, whatever the model wrote."""

from html.parser import HTMLParser

import pytest
from display import results

from mlexpert_nb.display import (
    interrupted_card,
    render_bundle,
    render_html,
    render_text,
    result_card,
    stopped_card,
)
from mlexpert_nb.packages import CodeFile, Deliverables, ResultPackage

VOID = {"br", "rect"}


class _Page(HTMLParser):
    """Checks that tags close in order, and gathers what a reader and an attacker care about."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def _page(card):
    return _Page(render_html(card))


def test_a_complete_run_shows_every_figure_with_how_it_was_obtained():
    card = result_card(results.complete(), workspace="W")
    text, page = " ".join(render_text(card).split()), _page(card).text
    for shown in (
        "Implementation complete",
        results.ASKED,
        "24.9M",
        "48/48 passing",
        "12/12 passing",
        "95%",
        "45ms per token p50, 52ms p95 (CPU, 1 thread)",
        "5 of 5 checks passed",
        "long-term memory",
        "the offline catalogue, not a language model",
        "bubblewrap: no network",
        results.FACTS["receipt"],
        "%mlexpert verify --workspace W",
        "%mlexpert undo --workspace W",
        "80.0 %",
    ):
        assert shown in text
        assert shown in page
    assert "5.2GB (estimate, no GPU)" in text
    assert "5.2GB estimate, no GPU" in page


def test_in_a_shell_a_rerun_that_changed_nothing_says_so():
    again = results.complete(unchanged=True)
    assert "Already complete; nothing had to change" in render_text(result_card(again, front="mlexpert"))


def test_in_a_notebook_the_card_of_a_rerun_is_the_card_of_the_run():
    again, first = result_card(results.complete(unchanged=True)), result_card(results.complete())
    assert render_bundle(again) == render_bundle(first)


def test_the_text_card_keeps_to_what_fits_and_leaves_out_what_went_as_planned():
    text = render_text(result_card(results.complete(planned_vs_done=["done as planned: a.py"])))
    assert "ruff measured" in text
    assert "ruff limit" not in text
    assert text.count("a.py") == 0
    assert "Planned and done: all 1 as planned" in text


def test_failed_checks_come_before_the_figures_with_their_fix():
    card = result_card(results.failed())
    for shown in (_page(card).text, render_text(card)):
        assert "Not proven: 2 of 5 checks failed" in shown
        assert shown.index("causality measured") < shown.index("mend causality") < shown.index("24.9M")
        assert shown.index("24.9M") < shown.index("3 of 5 checks passed")
        assert "your files are as they were" in shown
    assert card.tone == "bad"


def test_what_was_planned_and_not_done_comes_first():
    (compared,) = [each for each in result_card(results.complete()).tables if each.title.startswith("Planned")]
    assert compared.title == "Planned and done: 1 of 2 differ"
    assert compared.rows[0] == ("planned, not done: docs/x.md",)


@pytest.mark.parametrize(
    ("status", "headline"),
    [
        ("partial", "Only partly done"),
        ("plan_ready", "The plan is ready; no code is written yet"),
        ("needs_clarification", "Your answer is needed first"),
        ("needs_references", "Papers or reference code are needed first"),
        ("escalated", "This needs a person"),
    ],
)
def test_every_other_status_shows_its_headline_the_message_and_the_request(status, headline):
    card = result_card(results.ended(status, "do this next"))
    for shown in (_page(card).text, render_text(card)):
        assert headline in shown
        assert "do this next" in shown
        assert results.ASKED in " ".join(shown.split())
        assert "checks passed" not in shown


def test_a_plan_that_waits_in_a_file_can_be_approved_by_the_line_on_the_card():
    waiting = result_card(results.ended("plan_ready", "m", plan_file="W/plan.md"), front="mlexpert", workspace="my W")
    assert "mlexpert approve --workspace 'my W'" in render_text(waiting)
    declined = result_card(results.ended("plan_ready", "m", plan="# The plan\n\n- one file"), workspace="W")
    assert "approve --workspace" not in render_text(declined)
    assert "- one file" in _page(declined).text


def test_an_interrupt_and_an_error_say_that_nothing_was_changed():
    assert "Interrupted; nothing was changed" in render_text(interrupted_card("do it"))
    assert "Stopped; nothing was changed" in render_text(stopped_card("no plan waits there", "do it"))


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</style></script><script>alert(1)</script>",
    "\x1b[31mred\x1b]0;title\x07",
    "[click](javascript:alert(1))",
    '" onmouseover="alert(1)',
    "&lt;b&gt;",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_any_field_stays_text(text):
    check = {"name": text, "passed": False, "measured": text, "limit": text, "fix": text, "command": text}
    facts = dict.fromkeys(("request", "message", "llm", "isolation", "receipt", "plan_digest", "plan"), text)
    evidence = {**facts, "checks": [check], "planned_vs_done": [text], "parameter_table": [[text, 3]]}
    files = Deliverables((CodeFile(text, text, 1, tested=True),), (), {text: text})
    card = result_card(ResultPackage("verification_failed", files, evidence=evidence), workspace=text)
    page = _page(card)
    assert not {"img", "script", "a", "b", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "href"]
    assert "\x1b" not in render_html(card) + render_text(card)
    if "\x1b" not in text:
        assert text in page.text


def test_sizes_are_capped_and_the_cut_is_stated():
    checks = [
        {"name": f"c{i}", "passed": True, "measured": "x" * 10**6, "limit": "", "command": ""} for i in range(2000)
    ]
    card = result_card(results.complete(checks=checks, request="y" * 10**7))
    assert len(render_html(card)) < 400_000
    assert "1,800 more rows not shown" in _page(card).text
    assert "more characters not shown" in _page(card).text
    assert len(render_text(card)) < 50_000


@pytest.mark.parametrize("junk", [None, 7, "text", {"a": 1}, [1, None, {"name": 5}], [[1, 2, 3]], [["x", "y"]]])
def test_evidence_of_the_wrong_kind_breaks_nothing(junk):
    evidence = {"checks": junk, "planned_vs_done": junk, "parameter_table": junk, "request": junk, "message": junk}
    card = result_card(ResultPackage("partial", evidence=evidence))
    assert "Only partly done" in _page(card).text
    assert render_text(card)


def test_the_same_result_gives_the_same_bytes():
    assert render_bundle(result_card(results.complete())) == render_bundle(result_card(results.complete()))


def test_the_card_takes_its_colours_from_the_page():
    html = render_html(result_card(results.complete()))
    assert "var(--jp-content-font-color1" in html
    assert "currentColor" in html
