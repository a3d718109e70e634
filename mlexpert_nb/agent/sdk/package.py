"""The optional package itself: found, loaded late, and missed in one line."""

import logging
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlexpert_nb.errors import EnvironmentProblem

_NAME = "claude_agent_sdk"
INSTALL = "pip install 'mlexpert-nb[agent-sdk]'"


def require_sdk() -> None:
    """Find the package without loading it, which takes seconds.

    Raises:
        EnvironmentProblem: The extra is not installed.
    """
    try:
        found = find_spec(_NAME) is not None
    except (ImportError, ValueError):  # a finder that refuses, or a stand-in without a spec
        found = False
    if not found:
        raise _missing(_NAME)


def load_sdk() -> Any:
    """Give the module `claude_agent_sdk`; by name, so that the types are the same whether it is installed or not.

    Raises:
        EnvironmentProblem: The extra is not installed, or cannot be loaded.
    """
    try:
        sdk = import_module(_NAME)
    except ImportError as error:
        raise _missing(error.name or "a part of it") from None
    logging.getLogger(_NAME).addHandler(logging.NullHandler())  # else what we say in one line is on the screen twice
    return sdk


def find_cli(sdk: Any) -> Path:
    """Give the program that does the work: the one in the package, else the one on PATH.

    Raises:
        EnvironmentProblem: There is none.
    """
    bundled = Path(sdk.__file__).with_name("_bundled") / "claude"
    found = bundled if bundled.is_file() else shutil.which("claude")
    if found is None:
        raise EnvironmentProblem(f"claude-agent-sdk came without its program for this machine; run again: {INSTALL}")
    return Path(found)


def _missing(what: str) -> EnvironmentProblem:
    return EnvironmentProblem(f"--llm claude-agent-sdk needs an extra ({what} is not installed); run: {INSTALL}")
