"""Where views are shown: outputs that are brought up to date, and the end of a cell as the moment to do it."""

import functools
import weakref
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import uuid4

from IPython.core.getipython import get_ipython
from IPython.display import display

from mlexpert_widgets.front_end import front_end

VIEWS = "mlexpert.views"  # what a page asks that was loaded while a cell runs; see `busy.ts` of the extension


class Shown(Protocol):
    """A view with outputs of its own."""

    def announce(self) -> None:
        """Say to every page that the view is there."""

    def flush(self) -> None:
        """Bring the browser up to date."""

    def freeze(self) -> None:
        """Bring the outputs up to date, if anything has moved."""


class Output:
    """One output of a notebook that can be replaced later."""

    def __init__(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Show something.

        Args:
            data: The MIME bundle.
            metadata: Of the bundle.
        """
        self._name = uuid4().hex
        display(dict(data), metadata=dict(metadata), raw=True, display_id=self._name)

    def update(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Show something else in its place."""
        if _kernel() is not None:  # a terminal would print it again
            display(dict(data), metadata=dict(metadata), raw=True, display_id=self._name, update=True)


def at_cell_end(view: Shown) -> None:
    """Freeze the view at the end of each cell, as long as anybody else holds it."""
    shell = get_ipython()
    if shell is not None:
        _listening(shell).views.add(view)


def cell_runs() -> bool:
    """Tell whether a cell runs, as far as that is known; a notebook that nobody runs is to be left alone."""
    shell = get_ipython()
    return shell is not None and _listening(shell).running


class _Shell:
    """What one shell is listened to for: the end of cells, and pages that were loaded while one runs."""

    def __init__(self, shell: Any) -> None:
        self.views: weakref.WeakSet[Shown] = weakref.WeakSet()
        self.running = True  # a view is shown by a cell
        shell.events.register("pre_run_cell", self._began)
        shell.events.register("post_run_cell", self._ended)
        if _kernel() is not None:
            _kernel().comm_manager.register_target(VIEWS, self._asked)

    def _began(self, _info: object) -> None:
        self.running = True

    def _ended(self, _result: object) -> None:
        self.running = False
        for view in list(self.views):
            view.flush()  # a short cell has ended before the thread came by
            view.freeze()

    def _asked(self, _comm: object, _message: object) -> None:
        for view in list(self.views):
            view.announce()


@functools.cache
def _listening(shell: Any) -> _Shell:
    return _Shell(shell)


def needs_widget_output() -> bool:
    """Tell whether this front end draws a widget only in an output that is one (VS Code, Colab)."""
    return front_end() in {"vscode", "colab"}


def _kernel() -> Any:
    return getattr(get_ipython(), "kernel", None)
