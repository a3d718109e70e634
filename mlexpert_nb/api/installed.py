"""What is installed: Python, the packages with the versions that are needed, the extension of JupyterLab."""

import json
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from mlexpert_nb.api.health import Row, State

DISTRIBUTION = "mlexpert-nb"
# Packages that people ask about; without a "warning" one, only a part of the toolkit is missing.
PACKAGES: Mapping[str, State] = {
    "torch": "problem",
    "anthropic": "warning",
    "jupyterlab": "warning",
    "ipykernel": "problem",
    "anywidget": "problem",
    "nbval": "warning",
}
EXTENSION = Path("mlexpert-nb", "package.json")


def python_row() -> Row:
    """Say which Python this is, and where."""
    return Row("Python", "ok", f"{platform.python_version()}, {sys.executable}")


def package_rows() -> Iterator[Row]:
    """Say which packages there are, held against what this version of the toolkit asks for."""
    own = _version(DISTRIBUTION)
    if not own:
        yield Row(DISTRIBUTION, "problem", "not installed; it runs from its source folder", "pip install -e .")
    else:
        yield Row(DISTRIBUTION, "ok", own)
    needs = dict(_needs(metadata.requires(DISTRIBUTION) or ())) if own else {}
    for package, state in PACKAGES.items():
        yield package_row(package, _version(package), needs.get(package, ""), state)


def package_row(package: str, version: str, needed: str, state: State) -> Row:
    """Say whether a package is there in a version that will do.

    Args:
        package: Its name.
        version: The one that is installed; empty if none is.
        needed: What is asked for, such as ">=2.8,<3".
        state: What it is if the package is missing or too old.
    """
    advice = f'pip install "{package}{needed}", in the environment of {sys.executable}'
    if not version:
        return Row(package, state, "not installed", advice)
    if not _satisfies(version, needed):
        return Row(package, state, f"{version}, and {needed} is needed", advice)
    return Row(package, "ok", version)


def extension_in(folders: Iterable[str]) -> Path | None:
    """Find the extension's package.json in Jupyter's folders of extensions; None if it is not there."""
    return next((Path(folder) / EXTENSION for folder in folders if (Path(folder) / EXTENSION).is_file()), None)


def extension_row(folders: Iterable[str]) -> Row:
    """Say whether the extension of JupyterLab and Notebook 7 is where Jupyter looks, in the package's version."""
    name, own, found = "Extension of JupyterLab", _version(DISTRIBUTION), extension_in(folders)
    again = f'pip install --force-reinstall --no-deps "{DISTRIBUTION}", then reload the page'
    if found is None:
        return Row(name, "warning", "not installed: cells are shown, and not put into the notebook", again)
    try:
        version = str(json.loads(found.read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return Row(name, "problem", f"{found} cannot be read", again)
    if own and version != own:
        return Row(name, "warning", f"{version}, and the package is {own} ({found.parent})", again)
    return Row(name, "ok", f"{version}, {found.parent}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _needs(requirements: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Read "torch>=2.8" into a name and what is asked of it; optional requirements are left out."""
    for line in requirements:
        found = re.match(r"([A-Za-z0-9._-]+?)\s*((?:[<>=!~]=?\s*[\w.*]+,?\s*)*)$", line)
        if found:
            yield found[1].lower(), found[2].replace(" ", "")


def _satisfies(version: str, needed: str) -> bool:
    """Tell whether a version is within ">=2.10,<3", which is all that this package asks of another."""
    for operator, bound in re.findall(r"(>=|<)([\d.]+)", needed):
        if (_numbers(version) >= _numbers(bound)) != (operator == ">="):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """Give the numbers that a version starts with; the zeros at the end say nothing."""
    numbers = [int(part) for part in re.match(r"[\d.]*", version)[0].strip(".").split(".") if part]  # type: ignore[index]  # it matches every text
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
