"""A key in a place where it leaks: the settings file, a notebook, IPython's history. What it is, is never shown."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from mlexpert_nb.api.health import Row
from mlexpert_nb.config import holds_key
from mlexpert_nb.keys import TYPED, how_to_clear

_KEY = re.compile(TYPED.pattern.encode())
_MOST_FILES, _MOST_BYTES = 200, 64 * 2**20


def leak_row(settings: Path, folder: Path, environ: Mapping[str, str]) -> Row:
    """Look for a key in files that are kept, synchronised and shared.

    Args:
        settings: The settings file.
        folder: Whose notebooks are looked through.
        environ: Names the folder of IPython.
    """
    notebooks = list(islice(sorted(folder.glob("*.ipynb")), _MOST_FILES))
    histories = list(_histories(environ))
    leaks = [str(path) for path in (*notebooks, *histories) if _KEY.search(_bytes(path))]
    lines = (line.partition("=") for line in _bytes(settings).decode("utf-8", "replace").splitlines())
    if any(holds_key(name.strip(), value) for name, _, value in lines):
        leaks.insert(0, str(settings))
    if leaks:
        return Row("Leaked keys", "problem", f"a key stands in {', '.join(leaks)}", how_to_clear())
    seen = f"none in the settings, the notebooks of this folder ({len(notebooks)}) and IPython's history"
    return Row("Leaked keys", "ok", seen)


def _histories(environ: Mapping[str, str]) -> Iterator[Path]:
    base = Path(environ.get("IPYTHONDIR") or Path(environ.get("HOME") or Path.home()) / ".ipython")
    yield from sorted(base.glob("profile_*/history.sqlite"))


def _bytes(path: Path) -> bytes:
    """Give what a file holds; nothing of one that is very large or cannot be read."""
    try:
        return path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b""
    except OSError:
        return b""
