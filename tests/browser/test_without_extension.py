"""A JupyterLab that does not have the extension: the HTML card, and nothing put in behind the user's back."""

import pytest
from browser.front import request
from browser.server import jupyter

LOAD = "%load_ext mlexpert_nb\nimport standin"
HIDE = "from mlexpert_nb.display import front_end\nfront_end.has_extension = lambda: False"
ONE = [["markdown", "### Model", "intro"], ["code", "size = 1", "size"], ["code", "print(size)", "show"]]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    with jupyter(tmp_path_factory.mktemp("bare"), without=("mlexpert-nb",)) as running:
        yield running


def test_the_card_is_html_and_the_first_cell_is_the_next_input_once(fronts, bare):
    front = fronts(bare, "lab")
    front.write("b/b.ipynb", f"{LOAD}\n{HIDE}", request(ONE), "print('after')")
    front.run(0)
    front.run(1)
    assert front.page.locator(".mlx-card").count() == 0
    card = front.page.locator(".jp-RenderedHTMLCommon .mlx").first
    assert "Implementation complete" in card.inner_text()
    assert "JupyterLab and Notebook 7 put them into the notebook" in front.page.locator(".mlx").nth(1).inner_text()
    assert front.sources()[2:] == ["size = 1", "print('after')"]
    front.run(1)
    assert front.sources()[2:] == ["size = 1", "print('after')"], "a run that changed nothing adds nothing"


def test_where_the_kernel_knows_of_the_extension_nothing_is_added_twice(lab):
    lab.begin(LOAD, request(ONE))
    lab.run(0)
    lab.run(1)
    assert lab.sources()[2:] == ["### Model", "size = 1", "print(size)"]
