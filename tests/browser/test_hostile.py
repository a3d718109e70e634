"""A payload from a hostile model: nothing of it runs, the card stays usable, and what was cut is said."""

import json

import pytest

MIME = "application/vnd.mlexpert.cells.v1+json"
EVIL = '<img src=x onerror="window.owned=1"><script>window.owned=1</script></script><svg onload="window.owned=1">'
LINK = "[click](javascript:window.owned=1) <a href='javascript:window.owned=1'>me</a>"
ANSI = "\x1b[31mred\x1b[0m \x1b]8;;http://evil\x07link\x1b]8;;\x07 \u202egnp.exe"
CARD = {
    "tone": 'bad" onmouseover="window.owned=1',
    "headline": EVIL,
    "message": EVIL + ANSI,
    "asked": EVIL,
    "failed": [{"name": EVIL, "measured": EVIL, "limit": EVIL, "fix": LINK}],
    "figures": [{"label": EVIL, "value": EVIL, "note": EVIL}],
    "shares": [[EVIL, 3], ["x", 1e308], ["y", "no number"]],
    "tables": [{"title": EVIL, "header": ["file", EVIL], "rows": [[EVIL, "../../../etc/passwd", EVIL, EVIL]] * 500}],
    "texts": [[EVIL, EVIL]],
    "facts": [[EVIL, EVIL]],
    "steps": [{"why": EVIL, "command": EVIL}],
}
SHOW = "import json\nfrom IPython.display import display\ndisplay(json.load(open('payload.json')), raw=True)"


def _payload(cells, **more):
    data = {"version": 1, "auto": True, "title": EVIL, "workspace": "../..", "receipt": EVIL, "cells": cells, **more}
    return {MIME: data, "text/html": "<b>fallback</b>", "text/plain": "fallback"}


@pytest.fixture
def shown(front):
    """Run a cell that shows a payload, in a notebook that a script has not touched."""

    def show(payload):
        front.begin(SHOW)
        (front.path.parent / "payload.json").write_text(json.dumps(payload))
        front.run(0)
        front.page.wait_for_selector(".mlx-card")
        front.page.wait_for_timeout(300)
        return front

    return show


def _unharmed(front):
    assert front.page.evaluate("() => window.owned") is None
    assert front.page.locator(".mlx-card img, .mlx-card script, .mlx-card svg, .mlx-card a").count() == 0
    assert front.page.locator("[onerror], [onload], [onmouseover]").count() == 0


def test_nothing_executes_and_the_buttons_work(shown):
    cells = [
        {"cell_type": "markdown", "source": f"# hi {EVIL}\n\n{LINK}", "metadata": {"mlexpert": {"role": EVIL}}},
        {"cell_type": "code", "source": f"# {EVIL}\nprint(1)", "metadata": {"trusted": True, "tags": [EVIL]}},
        {"cell_type": "raw", "source": ANSI},
    ]
    front = shown(_payload(cells, card=CARD))
    assert front.sources()[1:] == [each["source"] for each in cells], "text goes in to the letter"
    _unharmed(front)
    links = front.page.locator(".jp-MarkdownOutput a").all()
    assert not [link for link in links if (link.get_attribute("href") or "").startswith("javascript:")]
    for link in links:
        link.dispatch_event("click")  # the mark beside a heading is seen only under the mouse
    front.click("Review")
    front.said("nothing to review")
    front.click("Discard")
    front.said("removed 3 cells")
    front.click("Review")
    front.page.wait_for_selector("dialog.mlx-review[open]")
    front.page.keyboard.press("Escape")
    front.card.locator("details > summary").last.click()
    front.card.get_by_role("button", name="Open file").first.click()
    front.said("outside the folder")
    _unharmed(front)
    assert "\x1b" not in front.card.inner_text()
    assert "\u202e" not in front.card.inner_text()


def test_a_cell_of_five_megabytes_and_two_thousand_cells_are_cut_with_a_word(shown):
    cells = [
        {"cell_type": "code", "source": f"x{at} = 1", "metadata": {"mlexpert": {"role": f"c{at}"}}}
        for at in range(2000)
    ]
    cells[5]["source"] = "y = 1\n" * 850_000
    front = shown(_payload(cells))
    assert len(front.cells()) == 201
    text = front.card.inner_text()
    assert "Only the first 200 of 2,000 cells are shown and inserted." in text
    assert "The cell “c5” was left out: 5,100,000 characters, at most 200,000 fit in one cell." in text
    front.click("Discard")
    front.said("removed 200 cells")
    front.card.get_by_role("button", name="Insert one by one (200 left)").click()
    assert len(front.cells()) == 2


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"version": 99, "cells": []},
        {"version": 1, "cells": "no"},
        {"version": 1, "cells": [{"cell_type": "code"}]},
        [],
    ],
)
def test_a_payload_that_cannot_be_read_is_one_line_and_changes_nothing(front, payload):
    front.begin(SHOW)
    (front.path.parent / "payload.json").write_text(json.dumps({MIME: payload, "text/plain": "x"}))
    front.run(0)
    front.page.get_by_text("This output cannot be read as cells of mlexpert_nb; run its cell again.").wait_for()
    assert len(front.cells()) == 1


def test_a_card_of_nonsense_is_a_card(shown):
    front = shown(
        _payload([{"cell_type": "code", "source": "1"}], card=dict.fromkeys(CARD, 7), workspace=7, receipt=[])
    )
    front.said("1 cell inserted")
    assert front.page.get_by_role("button", name="Undo", exact=True).count() == 0
