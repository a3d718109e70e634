"""What holds where a command does not say otherwise: read from the environment and a file, and stored in the file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from mlexpert_nb.agent import DEFAULT_MODEL, read_address
from mlexpert_nb.api.llms import BUDGET_USD
from mlexpert_nb.config import (
    DEFAULT_WORKSPACE,
    SETTINGS,
    Defaults,
    Settings,
    Source,
    Value,
    edited,
    read_changes,
    read_defaults,
    read_stored,
)
from mlexpert_nb.errors import EnvironmentProblem, UsageError
from mlexpert_nb.workspace import edit_private_file

FILE_VARIABLE = "MLEXPERT_CONFIG"
BUILT_IN: Mapping[str, Value] = {
    "llm": Settings().llm,
    "model": DEFAULT_MODEL,
    "base_url": read_address("", {}).url,
    "budget_usd": BUDGET_USD,
    "max_turns": Settings().max_turns,
    "workspace": str(DEFAULT_WORKSPACE),
    "approve": Settings().approve,
}
FAULTS_VARIABLE = "MLEXPERT_PLANTED_FAULTS"
From: TypeAlias = Source | Literal["session"]
_OTHERWISE = f"name a file in another folder in {FILE_VARIABLE}"


def num_faults(usual: int, environ: Mapping[str, str] = os.environ) -> int:
    """Give how many faults the judge plants: fewer take less time and say less.

    Raises:
        UsageError: The environment variable is not a whole number of at least 1.
    """
    text = environ.get(FAULTS_VARIABLE, str(usual))
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"{FAULTS_VARIABLE}={text!r}: give a whole number of at least 1, or unset it")
    return int(text)


@dataclass(frozen=True, slots=True)
class SettingNow:
    """One setting as it holds now.

    Attributes:
        name: Of the setting.
        value: Of the setting.
        source: Where it comes from; `session` is an environment variable that was set since the process started.
        variable: Environment variable that may give it; empty if there is none.
        stored: What the file says, if something else wins over it.
    """

    name: str
    value: Value
    source: From
    variable: str = ""
    stored: Value | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """Every setting, and the file they are stored in.

    Attributes:
        file: The file.
        exists: Whether it is there.
        settings: Every setting, in the order of the table.
        changed: Names of the settings that were stored or taken out just now.
    """

    file: str
    exists: bool
    settings: tuple[SettingNow, ...]
    changed: tuple[str, ...] = ()


def defaults(environ: Mapping[str, str] = os.environ) -> Defaults:
    """Give what the environment and the settings file say.

    Raises:
        UsageError: One of them cannot be used; the message names which.
        EnvironmentProblem: The file cannot be read.
    """
    path = config_file(environ)
    return read_defaults(environ, _read(path), str(path))


def config(changes: Mapping[str, object] | None = None, environ: Mapping[str, str] = os.environ) -> Configuration:
    """Show every setting, after storing some.

    Args:
        changes: Settings to store, such as `{"model": "claude-opus-5-5"}`; None or empty text takes one out.
        environ: The environment.

    Raises:
        UsageError: A name, a value or the file cannot be used, or a key is among them; nothing was changed.
        EnvironmentProblem: The file cannot be read or written; it is as it was.
    """
    path, wanted = config_file(environ), read_changes(changes or {})
    text = _read(path)
    read_defaults(environ, text, str(path))  # what cannot be read back is not added to
    if edited(text, wanted, str(path)) != text:
        edit_private_file(path, partial(edited, changes=wanted, file=str(path)), otherwise=_OTHERWISE)
    text = _read(path)  # once: another process may be storing something
    stored, now = read_stored(text, str(path)), read_defaults(environ, text, str(path))
    settings = tuple(_setting_now(name, now, stored, environ) for name in SETTINGS)
    return Configuration(str(path), path.exists(), settings, tuple(wanted))


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Give the place of the settings file: what MLEXPERT_CONFIG names, or in the user's configuration folder."""
    if named := environ.get(FILE_VARIABLE, ""):
        return Path(named).expanduser()
    given = Path(environ.get("XDG_CONFIG_HOME", ""))
    base = given if given.is_absolute() else Path(environ.get("HOME") or Path.home()) / ".config"
    return base / "mlexpert_nb" / "config.toml"


def _setting_now(name: str, now: Defaults, stored: Mapping[str, Value], environ: Mapping[str, str]) -> SettingNow:
    value, source = getattr(now, name), now.sources.get(name, "default")
    if source == "default":
        return SettingNow(name, BUILT_IN[name], source, SETTINGS[name].variable)
    if source == "file":
        return SettingNow(name, stored[name], source, SETTINGS[name].variable)
    variable = SETTINGS[name].variable
    begun = _environment_at_start()
    where: From = "environment" if begun is None or begun.get(variable) == environ[variable] else "session"
    return SettingNow(name, value, where, variable, stored.get(name))


def _environment_at_start() -> dict[str, str] | None:
    """Give the environment that this process was started with; None where the system does not tell."""
    try:
        pairs = Path("/proc/self/environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return None
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise UsageError(f"{path} is damaged: it is not text in UTF-8; mend it or delete it") from None
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}; repair it, or {_OTHERWISE}") from None
