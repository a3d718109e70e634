"""Two browsers on one shared notebook: cells appear once, on both, put in only by the browser that ran the cell."""

import pytest
from browser.front import request

LOAD = "%load_ext mlexpert_nb\nimport standin"
ONE = [["markdown", "### Model", "intro"], ["code", "size = 1", "size"]]
TWO = [ONE[0], ["code", "size = 2", "size"], ["code", "print('extra')", "extra"]]


@pytest.fixture
def two(fronts, shared_server, browser):
    """The same notebook in two browsers."""
    contexts = [browser.new_context(), browser.new_context()]
    first, second = (fronts(shared_server, "lab", context) for context in contexts)
    first.write("c/c.ipynb", LOAD, request(ONE), "print('after')")
    second.open(first.path)
    first.run(0)
    yield first, second
    for context in contexts:
        context.close()


def _both(first, second):
    """Wait until the two are equal, and give what they hold."""
    for _ in range(50):
        if first.sources() == second.sources():
            break
        first.page.wait_for_timeout(100)
    assert first.sources() == second.sources()
    return first.sources()


def test_both_stay_equal_through_insert_replace_undo_and_the_peers_insert(two):
    first, second = two
    empty = _both(first, second)
    first.run(1)
    assert _both(first, second)[2:] == ["### Model", "size = 1", "print('after')"]
    second.page.wait_for_timeout(500)
    assert len(_both(first, second)) == 5, "the other browser puts nothing in of its own"
    first.edit(1, request(TWO))
    first.run(1)
    assert _both(first, second)[2:] == ["### Model", "size = 2", "print('extra')", "print('after')"]
    first.undo()
    assert _both(first, second)[2:] == ["### Model", "size = 1", "print('after')"]
    second.click("Insert")
    assert _both(first, second)[2:] == ["### Model", "size = 2", "print('extra')", "print('after')"]
    second.click("Discard")
    assert _both(first, second)[2:] == ["print('after')"]
    second.click("Insert")
    second.edit(3, "size = 'mine'")
    first.page.wait_for_timeout(300)
    first.run(1)
    held = _both(first, second)
    assert "size = 'mine'" in held
    assert held.count("print('extra')") == 1
    assert len(empty) == 3
