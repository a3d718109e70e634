"""One browser and one server for all browser tests; they run last, because playwright keeps an event loop running."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.chromium import ADVICE, find
from browser.front import Front
from browser.server import Server, jupyter
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = Path(__file__).parent
SIZE = {"width": 1300, "height": 900}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tell with a failure what the servers logged and what the pages looked like."""
    report = yield
    if report.failed and call.when == "call":
        for server in {each for each in item.funcargs.values() if isinstance(each, Server)}:
            report.sections.append(("end of the server's log", server.log.read_text()[-3000:]))
        for front in {each for each in item.funcargs.values() if isinstance(each, Front)}:
            shot = front.screenshot(item.name.replace("/", "-"))
            report.sections.append((f"page of {front.app}", "\n".join([f"picture: {shot}", *front.complaints()])))
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = find()
    if program is None:
        pytest.fail(ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    with jupyter(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory) -> Iterator[Server]:
    """A second server, on which browsers share their documents."""
    with jupyter(tmp_path_factory.mktemp("shared"), collaborative=True) as running:
        yield running


@pytest.fixture(params=["lab", "notebook"])
def app(request):
    return request.param


@pytest.fixture(scope="session")
def profile(browser) -> Iterator[BrowserContext]:
    """A browser's cookies, cache and storage; one for most tests, so that a page need not be fetched again."""
    context = browser.new_context(viewport=SIZE)
    yield context
    context.close()


@pytest.fixture
def fronts(profile):
    """Open pages: `fronts(server, "lab")` gives one with nothing in it yet, in another profile if one is given."""
    opened = []

    def open_page(server, app, context=profile):
        opened.append(Front(context.new_page(), server, app))
        return opened[-1]

    yield open_page
    for front in opened:
        front.close()


@pytest.fixture
def front(fronts, server, app):
    """A page of JupyterLab, and again one of Notebook 7."""
    return fronts(server, app)
