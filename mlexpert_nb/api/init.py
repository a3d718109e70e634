"""Starts a project: an entry of the catalogue, or one of three templates, put into a folder in one step."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlexpert_nb.catalogue import ENTRIES, TEMPLATES, template_files
from mlexpert_nb.config import DEFAULT_WORKSPACE
from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.skill import parse_count
from mlexpert_nb.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Started:
    """What was written.

    Attributes:
        folder: Where.
        files: Their paths in it.
        what: What it is, in words.
        num_parameters: Of the network, where it comes from the catalogue.
    """

    folder: Path
    files: tuple[str, ...]
    what: str
    num_parameters: int | None = None

    def __str__(self) -> str:
        """Give the text for a notebook or a terminal."""
        size = f", {self.num_parameters:,} parameters" if self.num_parameters else ""
        return "\n".join([f"{self.what}{size}, in {self.folder}", *(f"  {each}" for each in self.files)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        printer.text(type(self).__name__ if cycle else str(self))


def create_model_skeleton(
    name: str, path: str | Path = DEFAULT_WORKSPACE, params: str | int | None = None, **options: Any
) -> Started:
    """Write an entry of the catalogue into a folder: network, configuration, tests, example, documents.

    Args:
        name: Name of the entry; `%mlexpert catalogue` lists them.
        path: The folder; files that are there already are never overwritten.
        params: Number of parameters to aim at: 25_000_000 or "25M".
        options: Keys of the configuration that are to be as given.

    Raises:
        UnknownNameError: There is no such entry.
        UsageError: The size cannot be reached, or an option is unknown or impossible.
        ConflictError: A file is there already; nothing was written.
    """
    if name not in ENTRIES:
        raise UnknownNameError.among("catalogue entry", name, ENTRIES)
    entry = ENTRIES[name]
    target = parse_count(params) if isinstance(params, str) else params
    try:
        config = entry.solve(target, options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    files = {**entry.skeleton(config), **entry.tests(config)}
    return _write(Path(path), files, entry.title, entry.count_parameters(config))


def init(name: str, path: str | Path = "", *, template: str = "", params: str | None = None) -> Started:
    """Start a project from a template or an entry of the catalogue.

    Args:
        name: Name of the project, which names its module and its classes; or of an entry, if no template is given.
        path: The folder; one of that name if empty.
        template: `model`, `trainer`, `config`, or an entry of the catalogue; `model` if empty and `name` is no entry.
        params: Number of parameters to aim at, for an entry.

    Raises:
        UsageError: The name cannot be a Python name, or `params` is given for a template.
        ConflictError: A file is there already; nothing was written.
    """
    chosen = template or (name if name in ENTRIES else "model")
    folder = Path(path or name).expanduser()
    if chosen in ENTRIES:
        return create_model_skeleton(chosen, folder, params)
    if chosen not in TEMPLATES:
        raise UnknownNameError.among("template", chosen, [*TEMPLATES, *ENTRIES])
    if params:
        raise UsageError(f"the template {chosen!r} has no size to aim at; take --params out, or name a catalogue entry")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise UsageError(f"{name!r} cannot name a Python module; use letters, digits and _, as in tiny_classifier")
    return _write(folder, template_files(chosen, name), f"{name} from the template {chosen}")


def _write(folder: Path, files: dict[str, str], what: str, num_parameters: int | None = None) -> Started:
    workspace = Workspace.open(folder.expanduser())
    with workspace.stage() as stage:
        for path, text in files.items():
            stage.write(path, text)
        workspace.commit(stage, label=f"init: {what}")
    return Started(folder, tuple(sorted(files)), what, num_parameters)
