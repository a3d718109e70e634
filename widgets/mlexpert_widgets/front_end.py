"""Which front end sent the cell that is running; read from the kernel, nothing is asked.

A cell that runs with no front end (nbclient, nbval, papermill, a terminal) comes with empty metadata.
"""

import os
import sys
from collections.abc import Container, Mapping
from typing import Any, Literal

from IPython.core.getipython import get_ipython

FrontEnd = Literal["jupyter", "vscode", "colab", ""]
VSCODE_NAME = "__vsc_ipynb_file__"  # VS Code puts the notebook's path into the variables of its kernels


def front_end() -> FrontEnd:
    """Say which front end sent the running cell; empty if none did."""
    return front_end_of(_metadata(), notebook_variables(), os.environ, sys.modules)


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


def notebook_variables() -> Mapping[str, object]:
    """Give the variables of the notebook; none if there is no shell."""
    return getattr(_shell(), "user_ns", {})


def _metadata() -> Mapping[str, object]:
    parent: object = getattr(_shell(), "get_parent", dict)()
    found = parent.get("metadata") if isinstance(parent, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _shell() -> Any:
    return get_ipython()
