"""The catalogue view in a page of its own: search, order, keys, details, narrow pages, its end."""

from pathlib import Path

import pytest

PAGE = Path(__file__).with_name("catalogue_view.html")
MARKUP = "<img src=x onerror=\"document.title='run'\">"
COLUMNS = [
    {"key": "name", "label": "name", "number": False},
    {"key": "title", "label": "title", "number": False},
    {"key": "size", "label": "parameters", "number": True},
]


def _row(name, title, size, order):
    told = {"details": [["What", f"{title} {MARKUP}"]], "copy": f"Implement {title}"}
    return {
        "name": name,
        "title": title,
        "size": size,
        "size_order": order,
        "search": f"{name} {title}".lower(),
        **told,
    }


ROWS = [
    _row("vit", "Vision Transformer", "5.7M", 5.7e6),
    _row("bert", "BERT", "11.2M", 11.2e6),
    _row("lora", "LoRA and DoRA", "920K", 9.2e5),
]


@pytest.fixture
def page(page_of):
    page = page_of(PAGE)
    page.evaluate("given => begin(given)", {"rows": ROWS, "columns": COLUMNS})
    return page


def _names(page):
    return page.locator(".mlx-cat-row .mlx-cat-name").all_inner_texts()


def test_it_takes_the_place_of_the_frozen_table_and_gives_it_back(page):
    frozen = page.get_by_text("the frozen table")
    assert frozen.is_hidden()
    assert _names(page) == ["vit", "bert", "lora"]
    page.evaluate("end()")
    assert frozen.is_visible()
    assert page.evaluate("listeners()") == 0
    assert page.locator("table").count() == 0


def test_an_output_that_comes_later_is_filled_too(page):
    place = '<div class="mlx-catalogue-place mlx-key"><div class="mlx-frozen">again</div></div>'
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", place)
    page.wait_for_function("document.querySelectorAll('table').length === 2", timeout=5000)
    assert page.get_by_text("again").is_hidden()


def test_words_find_rows_and_the_count_is_told(page):
    page.get_by_role("searchbox").fill("TRANSFORMER vis")
    assert _names(page) == ["vit"]
    assert page.get_by_role("status").inner_text() == "1 of 3 entries"
    page.get_by_role("searchbox").fill("nothing of this")
    assert page.get_by_text("Nothing here has all of these words.").is_visible()
    page.get_by_role("searchbox").fill("")
    assert page.get_by_role("status").inner_text() == "3 entries"


def test_a_press_on_a_title_sorts_turns_and_gives_back(page):
    title = page.get_by_role("button", name="parameters")
    header = page.get_by_role("columnheader", name="parameters")
    seen = []
    for _ in range(3):
        title.click()
        seen.append((header.get_attribute("aria-sort"), _names(page)))
    assert seen == [
        ("ascending", ["lora", "vit", "bert"]),
        ("descending", ["bert", "vit", "lora"]),
        ("none", ["vit", "bert", "lora"]),
    ]


def test_a_row_opens_by_a_click_anywhere_and_markup_is_text(page):
    page.get_by_text("Vision Transformer").click()
    assert page.get_by_role("button", name="vit").get_attribute("aria-expanded") == "true"
    assert MARKUP in page.locator(".mlx-cat-more").inner_text()
    assert page.locator("img").count() == 0
    assert page.title() == ""
    page.get_by_role("button", name="vit").click()
    assert page.locator(".mlx-cat-more").count() == 0


def test_everything_can_be_done_with_the_keyboard(page):
    page.get_by_role("searchbox").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(".mlx-cat-more").inner_text().startswith("What\nBERT")
    assert page.evaluate("document.activeElement.dataset.name") == "bert"
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.type") == "search"


def test_the_request_is_copied_or_where_that_is_forbidden_selected(page):
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }")
    page.get_by_role("button", name="bert").click()
    page.get_by_role("button", name="Copy").click()
    page.wait_for_function("window.copied === 'Implement BERT'", timeout=5000)
    page.evaluate("() => { navigator.clipboard.writeText = async () => { throw new Error('forbidden'); }; }")
    page.locator(".mlx-cat-copy").click()
    page.wait_for_function("getSelection().toString() === 'Implement BERT'", timeout=5000)


@pytest.mark.parametrize("width", [240, 420, 1100])
def test_nothing_sticks_out_of_a_narrow_page(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    page.get_by_role("button", name="lora").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_in_a_notebook_the_command_shows_it_and_the_saved_output_needs_no_widget(front):
    front.begin("%load_ext mlexpert_nb\n%mlexpert catalogue")
    front.run(0)
    front.page.get_by_role("searchbox", name="Search in The catalogue").fill("lora")
    front.page.wait_for_function("document.querySelectorAll('.mlx-cat-row').length < 5", timeout=10_000)
    assert "lora" in _names(front.page)
    (output,) = front.cells()[0]["outputs"]
    assert set(output["data"]) == {"text/html", "text/plain"}
    assert "last verified" in "".join(output["data"]["text/html"])
