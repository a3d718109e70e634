"""Takes the pictures in `docs/` from a real JupyterLab: `make screenshots`, then look at them.

The card is the one of the first notebook's saved run, so that its figures are those that were measured.
"""

import shutil
import tempfile
from pathlib import Path

from browser.chromium import find
from browser.front import Front, request
from browser.server import ROOT, jupyter
from messages import Server as Messages
from messages import text, tool, turn
from playwright.sync_api import sync_playwright

DOCS = ROOT / "docs" / "screenshots"
VIEWS = {"architecture": ".mlx-arch", "curves": ".mlx-curves", "memory": ".mlx-memory", "latency": ".mlx-latency"}
TOUR = ROOT / "notebooks" / "01_implement_trm_titans_mag.ipynb"
LOAD = "%load_ext mlexpert_nb\nimport standin"
OLD = [["markdown", "### A decoder", "intro"], ["code", "model = build_model(n_layers=4)\nmodel.train()", "build"]]
NEW = [
    ["markdown", "### A decoder, halting", "intro"],
    ["code", "torch.manual_seed(0)\nmodel = build_model(n_layers=6, halting=True)\nmodel.train()", "build"],
    ["code", "steps_BT = model.adaptive(ids_BT)\nsteps_BT.float().mean()", "halting"],
]


def main() -> None:
    """Take every picture, light and dark."""
    DOCS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, jupyter(Path(home)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find()), args=["--no-sandbox", "--disable-gpu"])
        front = Front(browser.new_page(viewport={"width": 1180, "height": 2000}), server, "lab")
        for dark in (False, True):
            look = "dark" if dark else "light"
            _card(front, look, dark=dark)
            _review(front, look, dark=dark)
            _progress(front, look, dark=dark)
            _views(front, look, dark=dark)
            _questions(front, look, dark=dark)
        browser.close()


def _card(front: Front, look: str, *, dark: bool) -> None:
    path = front.server.folder / f"card-{look}.ipynb"
    shutil.copyfile(TOUR, path)
    front.open(path)
    _settle(front, dark=dark)
    front.page.wait_for_selector(".mlx-card")
    front.page.wait_for_timeout(500)
    front.card.screenshot(path=DOCS / f"card-{look}.png")
    if not dark:
        front.page.set_viewport_size({"width": 470, "height": 2000})
        front.page.wait_for_timeout(500)
        front.card.screenshot(path=DOCS / "card-narrow.png")
        front.page.set_viewport_size({"width": 1180, "height": 2000})


def _review(front: Front, look: str, *, dark: bool) -> None:
    front.write(f"review-{look}/r.ipynb", LOAD, request(OLD), "print('mine')")
    front.run(0)
    front.run(1)
    front.edit(3, "model = build_model(n_layers=4, dropout=0.1)  # mine\nmodel.train()")
    front.edit(1, request(NEW))
    front.run(1)
    front.click("Discard")
    front.said("removed")
    _settle(front, dark=dark)
    front.click("Review")
    front.page.wait_for_selector("dialog[open]")
    front.page.keyboard.press("a")
    front.page.wait_for_timeout(300)
    front.page.locator("dialog").screenshot(path=DOCS / f"review-{look}.png")
    front.page.keyboard.press("Escape")


def _progress(front: Front, look: str, *, dark: bool) -> None:
    front.write(f"progress-{look}/p.ipynb", LOAD, request(OLD, wait=7))
    front.run(0)
    _settle(front, dark=dark)
    front.start(1)
    front.page.get_by_role("button", name="Stop the assistant").wait_for()
    front.page.wait_for_timeout(4000)
    front.page.locator(".jp-Cell").nth(1).locator(".jp-OutputArea-output").first.screenshot(
        path=DOCS / f"progress-{look}.png"
    )
    front.finish()


def _views(front: Front, look: str, *, dark: bool) -> None:
    path = front.server.folder / f"views-{look}.ipynb"
    shutil.copyfile(TOUR.with_name("02_widgets.ipynb"), path)
    front.open(path)
    _settle(front, dark=dark)
    front.run_all()
    for name, place in VIEWS.items():
        view = front.page.locator(place).first
        view.scroll_into_view_if_needed()
        front.page.wait_for_timeout(500)
        view.screenshot(path=DOCS / f"{name}-{look}.png")


def _questions(front: Front, look: str, *, dark: bool) -> None:
    asked = [
        {"question": "How long are the sequences that it is trained on?", "options": ["512 tokens", "2,048 tokens"]},
        {"question": "Which tokenizer, or bytes?", "options": []},
    ]
    with Messages() as endpoint:
        endpoint.play(turn(text("Two things decide what I build."), tool("ask_user", questions=asked)))
        line = f"%%mlexpert implement --llm claude --base-url {endpoint.url} --approve auto --workspace gpt"
        front.write(f"questions-{look}/q.ipynb", "%load_ext mlexpert_nb", f"{line}\nA small GPT, about 10M parameters.")
        front.run(0)
        front.run(1)
        _settle(front, dark=dark)
        form = front.page.locator("form.mlx-form").last
        form.get_by_text("2,048 tokens").click()
        form.get_by_role("textbox").last.fill("bytes")
        front.page.wait_for_timeout(500)
        front.card.screenshot(path=DOCS / f"questions-{look}.png")


def _settle(front: Front, *, dark: bool) -> None:
    front.dark(on=dark)
    if front.page.locator("#jp-left-stack:visible").count():
        front.do("application:toggle-left-area")


if __name__ == "__main__":
    main()
