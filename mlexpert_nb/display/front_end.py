"""What the front end of the running cell has: the notebook's file, our extension."""

import os
from collections.abc import Mapping
from pathlib import Path

from jupyter_core.paths import jupyter_path

from mlexpert_nb.api import extension_in
from mlexpert_widgets.front_end import VSCODE_NAME, front_end, notebook_variables


def notebook_path() -> Path | None:
    """Give the file of the notebook that the running cell is in; None if no front end says so."""
    return (
        notebook_path_of(notebook_variables(), os.environ) if front_end() else None
    )  # a run inside a run inherits the name


def notebook_path_of(variables: Mapping[str, object], environ: Mapping[str, str]) -> Path | None:
    """Give the notebook's file, absolute, as VS Code or the Jupyter server names it; None if there is no such file."""
    for named in (variables.get(VSCODE_NAME), environ.get("JPY_SESSION_NAME")):
        if isinstance(named, str) and named and Path(named).is_file():
            return Path(named).absolute()
    return None


def has_extension() -> bool:
    """Tell whether this environment has the JupyterLab extension installed."""
    return extension_in(jupyter_path("labextensions")) is not None


def name_of_front_end() -> str:
    """Name the front end that a person sees this output in: "jupyter", "vscode", "colab"; empty if there is none."""
    return front_end()


def inserts_cells() -> bool:
    """Tell whether a person sees this output in a front end that puts generated cells into the notebook."""
    return front_end() == "jupyter" and has_extension()


def only_shows_cells() -> bool:
    """Tell whether a person sees this output in a front end that cannot put generated cells into the notebook."""
    return bool(front_end()) and not inserts_cells()
