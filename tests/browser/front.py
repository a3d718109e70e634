"""A notebook in a real front end, driven as a person drives it: by commands, keys and clicks."""

import json
from pathlib import Path

import nbformat
from browser.ahead import Ahead
from browser.server import TOKEN, Server
from playwright.sync_api import Page

READY = """name => {
  const w = window.jupyterapp?.shell.currentWidget, k = w?.sessionContext?.session?.kernel;
  const here = !!w?.content?.model && !!w.node.querySelector('.jp-Cell') && (!name || w.context.path.endsWith(name));
  return here && !!k && k.connectionStatus === 'connected' && k.status === 'idle';
}"""  # the status bar says idle before the kernel is connected, and a run is then swallowed
CELLS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.map(cell => cell.toJSON())"""
RUN = """async index => {
  const w = window.jupyterapp.shell.currentWidget;
  w.content.activeCellIndex = index;
  w.content.deselectAll();
  window.mlxRun = window.jupyterapp.commands.execute('notebook:run-cell').then(() => true);
}"""
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
OPEN = {  # what each front end itself does with the address of a page
    "lab": "name => void window.jupyterapp.commands.execute('docmanager:open', { path: name, factory: 'Notebook' })",
    "notebook": """name => {
      const where = '/notebooks/' + name.split('/').map(encodeURIComponent).join('/');
      window.history.replaceState({}, '', where);
      return window.jupyterapp.commands.execute('router:tree', { path: where, search: '' });
    }""",
}
LEAVE = """async () => {
  if (!window.jupyterapp) return 1;
  for (const widget of [...window.jupyterapp.shell.widgets('main')]) widget.dispose();
  const ours = Object.keys(window.localStorage).filter(key => key.startsWith('mlexpert:'));
  ours.forEach(key => window.localStorage.removeItem(key));
  delete window.owned;
  await new Promise(done => setTimeout(done, 50));  // what the end of a connection complains of is heard by now
  return document.querySelectorAll('dialog, .jp-Dialog, .jp-Notebook').length;
}"""
NOISE = (  # Notebook 7.6 says so with no extension at all
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered.",
    "Plugin '@jupyter/docprovider-extension:statusBarTimeline' failed to activate.",  # where documents are shared
)
SHOTS = Path(__file__).parents[2] / "build" / "browser"
TIMEOUT_MS = 60_000  # a first page on a cold machine


class Front:
    """One page of a browser with one notebook in it.

    Attributes:
        app: "lab" or "notebook".
        page: The page, for what has no name here.
        path: The notebook's file.
        errors: What the console called an error, so far.
        sockets: Addresses of the web sockets that the page has opened, so far.
    """

    def __init__(self, page: Page, server: Server, app: str, ahead: Ahead | None = None) -> None:
        self.page, self.server, self.app, self.ahead = page, server, app, ahead
        self.path, self.errors, self.sockets, self._vacant = Path(), [], [], False
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", lambda socket: self.sockets.append(socket.url))

    def begin(self, *sources, **metadata):
        """Write the notebook whose kernel was started ahead, in a folder of its own, and open it."""
        return self._write(self.ahead.take(), sources, metadata)

    def write(self, name, *sources, **metadata):
        """Write a notebook file and open it; a source that starts with "#md " is text."""
        path = self.server.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return self._write(path, sources, metadata)

    def _write(self, path, sources, metadata):
        made = [
            nbformat.v4.new_markdown_cell(each[4:]) if each.startswith("#md ") else nbformat.v4.new_code_cell(each)
            for each in sources
        ]
        for at, cell in enumerate(made):
            cell["id"] = f"user-{at}"
        kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
        notebook = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel, **metadata})
        nbformat.write(notebook, path)
        return self.open(path)

    def open(self, path):
        """Open a notebook and wait for its kernel."""
        self.path = path
        if self._vacant:
            self.page.evaluate(OPEN[self.app], self._name())
            self._vacant = False
            self.wait_ready()
        else:
            self.reload()
        return self

    def reload(self):
        """Load the page anew; the kernel goes on."""
        where = "lab/tree/{}?token={}&reset" if self.app == "lab" else "notebooks/{}?token={}"
        self.page.goto(f"{self.server.url}/{where.format(self._name(), TOKEN)}")  # reset: else old tabs come back, late
        self.wait_ready()

    def wait_ready(self):
        """Wait until the notebook is shown and its kernel is idle."""
        self.page.wait_for_function(READY, arg=self._name())

    def wait_for_cells(self, count):
        """Wait until the notebook has so many cells."""
        self.page.wait_for_function(
            "n => window.jupyterapp.shell.currentWidget.content.model.cells.length === n", arg=count, timeout=10_000
        )

    def do(self, command, **arguments):
        """Carry out a command of the front end and wait for it."""
        self.page.evaluate("([c, a]) => window.jupyterapp.commands.execute(c, a)", [command, arguments])

    def start(self, index):
        """Run a cell and return at once."""
        self.page.evaluate(RUN, index)

    def finish(self):
        """Wait for the cell that was started."""
        self.page.evaluate("() => window.mlxRun.catch(() => false)")
        self.page.wait_for_function(READY)
        self.page.evaluate(DRAWN)

    def run(self, index):
        """Run a cell to its end, as Ctrl+Enter does."""
        self.start(index)
        self.finish()

    def run_all(self):
        """Run every cell, as the menu does."""
        self.do("notebook:run-all-cells")
        self.page.wait_for_function(READY)
        self.page.evaluate(DRAWN)

    def restart(self):
        """Give the notebook a fresh kernel."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self.page.wait_for_function(READY)

    def restart_and_run_all(self):
        """Choose that from the menu, and say yes."""
        self.page.evaluate(
            "() => { window.mlxRun = window.jupyterapp.commands.execute('notebook:restart-run-all').then(() => true); }"
        )
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()
        self.finish()

    def cells(self):
        """Give the notebook's cells, as they would be saved."""
        return self.page.evaluate(CELLS)

    def sources(self):
        """Give the text of each cell."""
        return [cell["source"] for cell in self.cells()]

    def edit(self, index, source):
        """Type over a cell."""
        script = "([i, s]) => window.jupyterapp.shell.currentWidget.content.model.cells.get(i).sharedModel.setSource(s)"
        self.page.evaluate(script, [index, source])

    def select(self, index):
        """Make a cell the active one."""
        self.page.evaluate(
            "i => { const n = window.jupyterapp.shell.currentWidget.content; n.activeCellIndex = i; n.deselectAll(); }",
            index,
        )

    def active(self):
        """Give the index of the active cell."""
        return self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex")

    def copy(self, index):
        """Copy a cell."""
        self.select(index)
        self.do("notebook:copy-cell")

    def paste(self, index):
        """Paste what was copied below a cell."""
        self.select(index)
        self.do("notebook:paste-cell-below")

    def move(self, index, *, up):
        """Move a cell by one place."""
        self.select(index)
        self.do(f"notebook:move-cell-{'up' if up else 'down'}")

    def split(self, index, *, line):
        """Split a cell before one of its lines; lines count from 0."""
        self.select(index)
        self.page.evaluate(
            "line => { const n = window.jupyterapp.shell.currentWidget.content;"
            " n.mode = 'edit'; n.activeCell.editor.setCursorPosition({ line, column: 0 }); }",
            line,
        )
        self.do("notebook:split-cell-at-cursor")

    def merge(self, first, last):
        """Make one cell of neighbours."""
        self.select(first)
        self.page.evaluate("i => window.jupyterapp.shell.currentWidget.content.extendContiguousSelectionTo(i)", last)
        self.do("notebook:merge-cells")

    def delete(self, index):
        """Delete a cell."""
        self.select(index)
        self.do("notebook:delete-cell")

    def undo(self):
        """Undo one cell operation, as the key z does."""
        self.do("notebook:undo-cell-action")

    def redo(self):
        """Redo one cell operation."""
        self.do("notebook:redo-cell-action")

    def save(self):
        """Save, and give the bytes of the file."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
        content = self.path.read_bytes()
        nbformat.validate(nbformat.reads(content.decode(), as_version=4))
        return content

    @property
    def card(self):
        """The card in the page."""
        return self.page.locator(".mlx-card").first

    def click(self, label):
        """Click a button of the card's toolbar."""
        self.card.locator(".mlx-toolbar").get_by_role("button", name=label, exact=True).click()

    def said(self, text):
        """Wait until the card says something."""
        wait = "t => [...document.querySelectorAll('.mlx-status')].some(s => s.textContent.includes(t))"
        self.page.wait_for_function(wait, arg=text, timeout=20_000)

    def dark(self, *, on):
        """Choose the theme."""
        self.do("apputils:change-theme", theme="JupyterLab Dark" if on else "JupyterLab Light")
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{str(not on).lower()}'")

    def screenshot(self, name):
        """Take a picture of the page, and give its file; git does not keep it."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}-{self.app}.png"
        self.page.screenshot(path=path)
        return path

    def complaints(self):
        """Give the errors in the console, without those that are known."""
        return [each for each in self.errors if not any(noise in each for noise in NOISE)]

    def leave(self):
        """Close the notebook and make an end of its kernel; the page stays for the next notebook.

        Returns:
            Whether nothing of this one is left on the page.
        """
        if self.path.is_file():
            self.ahead.shut(self.path)
        if self.page.is_closed():
            return False
        self.page.unroute_all()
        for popup in [each for each in self.page.context.pages if each.opener() == self.page]:
            popup.close()
        left = self.page.evaluate(LEAVE)
        self.errors.clear()
        self.sockets.clear()
        self._vacant = True
        return left == 0

    def close(self):
        """Shut the kernel down and leave the page."""
        if self.page.is_closed():
            return
        script = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.shutdown()"
        self.page.evaluate(script)
        self.page.close()

    def _name(self):
        return self.path.relative_to(self.server.folder).as_posix()


def request(cells, *, wait=0.0, title="Implement it", options="--approve auto --workspace W"):
    """Give a magic cell for the stand-in: what it asks for, and how long that takes in seconds."""
    lines = [f"%%mlexpert implement {options}", title, f"cells: {json.dumps(cells)}"]
    return "\n".join([*lines, *([f"wait: {wait}"] if wait else [])])
