"""The review: each change side by side, decided by mouse or keyboard, applied in one undo step."""

import pytest
from browser.front import request

LOAD = "%load_ext mlexpert_nb\nimport standin"
OLD = [["code", "a = 1", "a"], ["code", "b = 1", "b"], ["code", "c = 1", "c"]]
NEW = [["code", "a = 2", "a"], ["code", "b = 2\nprint(b)", "b"], ["code", "d = 2", "d"]]


@pytest.fixture
def conflict(front):
    """A notebook in which b is edited and taken out of the newest plan's way: a and d are in, b is offered."""
    front.begin(LOAD, request(OLD), "print('after')")
    front.run(0)
    front.run(1)
    front.edit(3, "b = 'mine'")
    front.edit(1, request(NEW))
    front.run(1)
    return front


@pytest.fixture
def open_review(conflict):
    conflict.click("Review")
    conflict.page.wait_for_selector("dialog.mlx-review[open]")
    return conflict


def test_the_two_versions_stand_side_by_side(open_review):
    change = open_review.page.get_by_role("region", name="1. b: edited by you, and there is a newer version")
    rows = [row.inner_text().split("\t") for row in change.locator("tbody tr").all()]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["\u2212 1", "b = 'mine'", "+ 1", "b = 2"],
        ["", "", "+ 2", "print(b)"],
    ]
    assert open_review.page.locator("dialog mark").all_inner_texts() == ["'mine'", "2"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a", ["a = 2", "b = 2\nprint(b)", "d = 2"]),
        ("m", ["a = 2", "b = 'mine'", "d = 2"]),
    ],
)
def test_one_key_decides_enter_applies_and_one_undo_takes_it_back(open_review, key, expected):
    front, before = open_review, open_review.sources()
    front.page.keyboard.press(key)
    front.page.keyboard.press("Enter")
    front.page.wait_for_function("() => !document.querySelector('dialog')")
    assert front.sources()[2:-1] == expected
    front.undo()
    assert front.sources() == before
    front.redo()
    front.run(1)
    assert front.sources()[2:-1] == expected, "what was decided is not asked again"


@pytest.mark.parametrize("keys", [["Escape"], ["r", "Enter"], ["a", "Escape"]])
def test_closing_and_rejecting_change_nothing(open_review, keys):
    before = open_review.sources()
    for key in keys:
        open_review.page.keyboard.press(key)
    open_review.page.wait_for_function("() => !document.querySelector('dialog')")
    assert open_review.sources() == before


def test_a_discarded_plan_is_taken_in_piece_by_piece(conflict):
    conflict.click("Discard")
    conflict.said("removed")
    conflict.click("Review")
    conflict.page.wait_for_selector("dialog.mlx-review[open]")
    assert conflict.page.locator(".mlx-change").count() == 3
    conflict.page.keyboard.press("a")
    conflict.page.keyboard.press("ArrowDown")
    conflict.page.get_by_role("button", name="Accept", exact=True).nth(2).click()
    conflict.page.get_by_role("button", name="Apply").click()
    conflict.page.wait_for_function("() => !document.querySelector('dialog')")
    assert conflict.sources()[2:-1] == ["a = 2", "b = 'mine'", "d = 2"]


def test_a_notebook_that_changed_behind_the_review_is_not_overwritten(open_review):
    open_review.page.keyboard.press("a")
    open_review.edit(3, "b = 'newer'")
    open_review.page.keyboard.press("Enter")
    open_review.said("not inserted: the notebook changed meanwhile; look again")
    assert "b = 'newer'" in open_review.sources()


def test_there_is_nothing_to_review_when_all_is_as_generated(front):
    front.begin(LOAD, request(OLD))
    front.run(0)
    front.run(1)
    front.click("Review")
    front.said("nothing to review")
