"""One browser and one server for all browser tests; they run last, because playwright keeps an event loop running."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser.ahead import Ahead
from browser.chromium import ADVICE, find
from browser.front import Front
from browser.server import Server, jupyter
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

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
WIDGETS = HERE.parents[1] / "widgets" / "mlexpert_widgets"
FAILED = pytest.StashKey[bool]()
SIZE = {"width": 1300, "height": 900}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tell with a failure what the servers logged and what the pages looked like."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
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


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="session")
def widget_files() -> Iterator[str]:
    """The address under which the scripts and styles of the widgets are served, without Jupyter."""
    handler = functools.partial(Quiet, directory=WIDGETS)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page_of(browser, widget_files):
    """Open one widget in a page of its own: `page_of(path)` of an HTML file beside the tests."""
    pages = []

    def open_page(path: Path) -> Page:
        page = browser.new_page()
        pages.append(page)
        address = f"{widget_files}/{path.name}"
        page.route(address, lambda route: route.fulfill(body=path.read_text("utf-8"), content_type="text/html"))
        page.goto(address)
        page.wait_for_function("'listeners' in window", timeout=10_000)
        return page

    yield open_page
    for page in pages:
        page.close()


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


@pytest.fixture(scope="session")
def ahead(server) -> Iterator[Ahead]:
    """Kernels for `front`, started one test ahead."""
    ahead = Ahead(server)
    yield ahead
    ahead.close()


@pytest.fixture(scope="session")
def kept() -> dict[str, Front]:
    """The pages that wait for the next test, by front end."""
    return {}


@pytest.fixture
def lend(request, kept, profile, ahead):
    """Hand pages from test to test, the same ones until a test fails."""

    @contextmanager
    def lent(app):
        front = kept.pop(app, None) or Front(profile.new_page(), ahead.server, app, ahead)
        front.page.bring_to_front()  # Chromium gives the pages behind less of the processor
        yield front
        if front.leave() and not request.node.stash.get(FAILED, False):
            kept[app] = front
        else:
            front.page.close()

    return lent


@pytest.fixture
def front(lend, app):
    """JupyterLab, and again Notebook 7, with no notebook open: `front.begin("print(1)")` opens one of its own.

    The page may have shown the notebooks of other tests; the notebook and its kernel are this test's own.
    """
    with lend(app) as front:
        yield front


@pytest.fixture
def lab(lend):
    """The same in JupyterLab alone."""
    with lend("lab") as front:
        yield front
