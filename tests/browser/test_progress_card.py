"""The progress card in a page of its own: what it shows, its clock, its button, narrow pages, its end."""

from pathlib import Path

import pytest

PAGE = Path(__file__).with_name("progress_card.html")
PHASES = [{"name": "plan", "state": "done"}, {"name": "verify", "state": "now"}, {"name": "commit", "state": "next"}]


@pytest.fixture
def page(page_of):
    return page_of(PAGE)


def _set(page, **values):
    page.evaluate("values => Object.entries(values).forEach(([name, value]) => model.set(name, value))", values)


def test_the_card_shows_what_it_is_told_and_takes_markup_for_text(page):
    markup = "<img src=x onerror=\"document.title='run'\">"
    phases = [*PHASES, {"name": markup, "state": "next"}]
    _set(page, phases=phases, doing=markup, counts="tests 1/4", failed=[markup], tests=[1, 4])
    assert page.locator("li[aria-current=step]").inner_text().startswith("verify")
    assert page.locator(".mlx-live-doing").inner_text() == markup
    assert page.locator(".mlx-live-failure").inner_text() == markup
    assert page.get_by_role("progressbar").get_attribute("aria-valuetext") == "1 of 4 tests"
    assert page.get_by_role("status").inner_text() == "Phase verify, 1 failed"
    assert page.locator("img").count() == 0
    assert page.title() == ""


def test_the_clock_counts_on_between_updates(page):
    _set(page, elapsed_s=58)
    page.wait_for_function("document.querySelector('[role=timer]').textContent === '1 min 00 s'", timeout=5000)


def test_the_button_is_pressed_by_keyboard_once_and_says_so(page):
    button = page.get_by_role("button", name="Stop the assistant")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert button.is_disabled()
    assert button.inner_text() == "stopping…"
    page.keyboard.press("Enter")
    assert page.evaluate("sent") == [{"kind": "seen"}, {"kind": "stop"}]


def test_there_is_no_button_where_a_press_would_not_arrive(page):
    _set(page, stoppable=False)
    assert page.get_by_role("button").count() == 0


@pytest.mark.parametrize("width", [240, 320, 900])
def test_nothing_sticks_out_of_a_narrow_page(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    _set(page, phases=PHASES, doing="x" * 300, failed=["y" * 300], counts="z" * 200, tests=[1, 2], elapsed_s=100)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_its_end_leaves_nothing_behind(page):
    assert page.evaluate("listeners()") > 5
    page.evaluate("end()")
    assert page.evaluate("listeners()") == 0
    assert page.locator("section").count() == 0
