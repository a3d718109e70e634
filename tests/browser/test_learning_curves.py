"""Learning curves in a page of their own: what is drawn, pointed at, zoomed into, unfolded, stopped; and their end."""

import base64
import json

import numpy as np
import pytest

from mlexpert_widgets import LearningCurves, Recorder
from mlexpert_widgets.live.feed import Feed

ADDRESS = "http://127.0.0.1:9/"
TRAITS = (
    "smoothing",
    "log_scale",
    "axis",
    "names",
    "lines",
    "epochs",
    "verdicts",
    "stopping",
    "key",
    "title",
    "summary",
)
PAGE = """<!doctype html><meta charset="utf-8"><body data-jp-theme-light="true"><div id="root"></div>
<script type="module">
import widget from "./bundle.js";
const [state, heard] = [await (await fetch("./state.json")).json(), new Map()];
window.sent = [];
window.model = {
  get: (name) => (name === "snapshot" ? new DataView(new ArrayBuffer(0)) : state[name]),
  set(name, value) { state[name] = value; this.emit(`change:${name}`); },
  save_changes() {},
  on: (event, hears) => heard.set(event, [...(heard.get(event) ?? []), hears]),
  off: (event, hears) => heard.set(event, (heard.get(event) ?? []).filter((each) => each !== hears)),
  send: (message) => sent.push(message),
  emit: (event, ...told) => [...(heard.get(event) ?? [])].forEach((hears) => hears(...told)),
};
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (each) => each.charCodeAt(0)).buffer);
window.push = (chunks) => chunks.forEach(([content, buffers]) => model.emit("msg:custom", content, buffers.map(bytes)));
window.listeners = () => [...heard.values()].reduce((sum, each) => sum + each.length, 0);
window.before = listeners();
window.end = widget.render({ model, el: document.getElementById("root") });
</script>"""


class Screen:
    """Keeps what a feed sends."""

    snapshot = b""

    def __init__(self):
        self.sent = []

    def send(self, content, buffers=None):
        self.sent.append([content, [base64.b64encode(each).decode() for each in buffers]])


class Shown:
    """A view in a page, and the feed to it."""

    def __init__(self, page, view):
        self.page, self.view = page, view
        self._feed = Feed(self, view)
        self.snapshot, self.errors = b"", []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def send(self, content, buffers=None):
        screen = Screen()
        screen.send(content, buffers)
        self.page.evaluate("push", screen.sent)

    def flush(self):
        self._feed.flush()
        self.page.evaluate(
            "([lines, verdicts]) => { model.set('lines', lines); model.set('verdicts', verdicts); }",
            [self.view.lines, self.view.verdicts],
        )
        self.page.wait_for_timeout(100)


@pytest.fixture
def show(browser):
    pages, views = [], []

    def show(*runs, **look):
        view, page = LearningCurves(*runs, **look), browser.new_page(viewport={"width": 900, "height": 800})
        pages.append(page)
        views.append(view)
        view.picture()
        html = PAGE.replace("<body", f"<style>{LearningCurves._css}</style><body")
        state = json.dumps({name: getattr(view, name) for name in TRAITS})
        page.route(ADDRESS + "**", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.route(ADDRESS + "bundle.js", lambda route: route.fulfill(body=view._esm, content_type="text/javascript"))
        page.route(ADDRESS + "state.json", lambda route: route.fulfill(body=state, content_type="application/json"))
        page.goto(ADDRESS)
        page.wait_for_function("'end' in window")
        shown = Shown(page, view)
        shown.flush()
        return shown

    yield show
    for page, view in zip(pages, views, strict=True):
        page.close()
        view.close()


def a_run(name="run"):
    recorder, rng = Recorder(name), np.random.default_rng(0)
    for step in range(1000):
        if step == 300:
            recorder.log(step, loss=float("nan"))
        recorder.log(step, loss=2 * np.exp(-step / 200) + 0.3 + rng.normal() * 0.02, lr=1e-3)
        if step % 50 == 49:
            recorder.log(step, val_loss=2 * np.exp(-step / 200) + 0.3 + max(0, step - 500) / 500)
    return recorder


def test_it_waits_for_the_first_point_and_then_draws_as_they_come(show):
    recorder = Recorder()
    shown = show(recorder)
    assert shown.page.get_by_text("Waiting for the first point").is_visible()
    recorder.log(0, loss=1.0)
    shown.view.series()
    shown.flush()
    assert shown.page.locator(".uplot").count() == 1
    assert not shown.page.get_by_text("Waiting for the first point").is_visible()
    recorder.log(1, loss=0.5, acc=1.0)
    shown.view.series()
    shown.flush()
    boxes = [each.bounding_box() for each in shown.page.locator(".uplot").all()]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"], "charts do not overlap"
    for step in (2, 3, 1, 2):  # a restart
        recorder.log(step, loss=0.1 * step)
    shown.flush()
    assert shown.page.locator(".u-series:visible").count() == 4
    assert shown.errors == []


def test_one_points_zooms_and_goes_back_in_all_charts_at_once(show):
    shown = show(a_run())
    page = shown.page
    box = page.locator(".u-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    values = page.locator(".u-series:visible .u-value").all_inner_texts()
    assert [float(each) for each in values] == pytest.approx([500, 0.46, 0.46, 500, 1e-3], rel=0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=4)
    page.mouse.up()
    page.mouse.move(box["x"] + 2, box["y"] + 60)
    page.wait_for_timeout(100)
    starts = [float(each) for each in page.locator(".u-series:first-child .u-value").all_inner_texts()]
    assert starts == pytest.approx([500, 500], abs=15)
    page.mouse.dblclick(box["x"] + 20, box["y"] + 60)
    page.mouse.move(box["x"] + 1, box["y"] + 60)
    page.wait_for_timeout(100)
    assert float(page.locator(".u-series:first-child .u-value").first.inner_text()) < 15
    assert shown.errors == []


def test_a_rule_stays_unfolded_when_the_figures_change(show):
    shown = show(a_run())
    page = shown.page
    page.locator(".mlx-verdict summary").first.click()
    page.evaluate("model.set('verdicts', model.get('verdicts').map((each) => ({ ...each, sentence: '<b>new</b>' })))")
    assert page.locator(".mlx-verdict small").first.is_visible()
    assert page.locator(".mlx-verdict summary").first.inner_text() == "<b>new</b>"
    assert "overfitting" in page.locator(".mlx-verdict").nth(1).get_attribute("class")


def test_stop_is_sent_and_says_so(show):
    shown = show(a_run())
    button = shown.page.get_by_role("button", name="Stop training")
    button.press("Enter")
    assert shown.page.evaluate("sent") == [{"kind": "stop"}]
    assert shown.page.get_by_role("button", name="Stopping…").is_disabled()


def test_runs_are_hidden_and_shown_and_every_control_works_in_a_narrow_page(show):
    shown = show(a_run("a"), a_run("b"), smoothing=0.5)
    page = shown.page
    assert page.locator(".u-series:visible").count() == 2 + 4 + 2
    page.get_by_role("button", name="a", exact=True).click()
    assert page.locator(".u-series:visible").count() == 2 + 2 + 1
    page.get_by_role("button", name="Log scale").click()
    page.get_by_label("Smoothing").fill("0.9")
    page.get_by_label("over").select_option("time")
    assert page.locator("option[value=epoch]").is_disabled()
    page.set_viewport_size({"width": 320, "height": 800})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    page.wait_for_timeout(100)
    assert page.locator(".u-series:visible").count() == 2 + 2 + 1
    assert shown.errors == []


def test_its_end_leaves_nothing_behind_but_the_feed(show):
    shown = show(a_run())
    shown.page.evaluate("end()")
    assert shown.page.evaluate("[listeners() - before, document.querySelectorAll('#root *').length]") == [2, 0]
