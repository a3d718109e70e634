"""Which front end sent the cell that is running, and what it has; read from the kernel, nothing is asked.

A cell that runs with no front end (nbclient, nbval, papermill, a terminal) comes with empty metadata.
"""

import os
import sys
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, Literal

from IPython.core.getipython import get_ipython
from jupyter_core.paths import jupyter_path

FrontEnd = Literal["jupyter", "vscode", "colab", ""]
VSCODE_NAME = "__vsc_ipynb_file__"  # VS Code puts the notebook's path into the variables of its kernels
EXTENSION = Path("mlexpert-nb", "package.json")


def front_end() -> FrontEnd:
    """Say which front end sent the running cell; empty if none did."""
    return front_end_of(_metadata(), _variables(), os.environ, sys.modules)


def front_end_of(
    metadata: Mapping[str, object], variables: Mapping[str, object], environ: Mapping[str, str], modules: Container[str]
) -> FrontEnd:
    """Say which front end there is, from what a kernel knows.

    Args:
        metadata: Of the request that runs the cell; JupyterLab, Notebook 7 and VS Code put `cellId` into it.
        variables: Those of the notebook.
        environ: The kernel's environment.
        modules: Names of the loaded modules.
    """
    if "google.colab" in modules:
        return "colab"
    if VSCODE_NAME in variables:
        return "vscode"
    if not metadata.get("cellId"):
        return ""  # VSCODE_PID says nothing then: every program that VS Code's terminal starts has it
    return "vscode" if "VSCODE_PID" in environ and "JPY_SESSION_NAME" not in environ else "jupyter"


def notebook_path() -> Path | None:
    """Give the file of the notebook that the running cell is in; None if no front end says so."""
    return notebook_path_of(_variables(), os.environ) if front_end() else None  # a run inside a run inherits the name


def notebook_path_of(variables: Mapping[str, object], environ: Mapping[str, str]) -> Path | None:
    """Give the notebook's file, absolute, as VS Code or the Jupyter server names it; None if there is no such file."""
    for named in (variables.get(VSCODE_NAME), environ.get("JPY_SESSION_NAME")):
        if isinstance(named, str) and named and Path(named).is_file():
            return Path(named).absolute()
    return None


def has_extension() -> bool:
    """Tell whether this environment has the JupyterLab extension installed."""
    return any((Path(folder) / EXTENSION).is_file() for folder in jupyter_path("labextensions"))


def inserts_cells() -> bool:
    """Tell whether a person sees this output in a front end that puts generated cells into the notebook."""
    return front_end() == "jupyter" and has_extension()


def only_shows_cells() -> bool:
    """Tell whether a person sees this output in a front end that cannot put generated cells into the notebook."""
    return bool(front_end()) and not inserts_cells()


def _metadata() -> Mapping[str, object]:
    parent: object = getattr(_shell(), "get_parent", dict)()
    found = parent.get("metadata") if isinstance(parent, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _variables() -> Mapping[str, object]:
    return getattr(_shell(), "user_ns", {})


def _shell() -> Any:
    return get_ipython()
