"""Settings: of one run, and the ones that hold until they are changed; read at the edge, handed down as plain data."""

import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.keys import TYPED, how_to_clear

Approve = Literal["ask", "auto", "plan"]
APPROVE: tuple[Approve, ...] = ("ask", "auto", "plan")
LLM_NAMES = ("auto", "offline", "claude", "claude-agent-sdk")
DEFAULT_WORKSPACE = Path("mlexpert_workspace")
Value: TypeAlias = str | int | float
Source = Literal["default", "file", "environment"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run goes, apart from what it is about.

    Attributes:
        workspace: Folder that the code is delivered into, as the user spelled it.
        approve: Who approves the plan: the user (`ask`), nobody (`auto`), or later (`plan` stops after writing it).
        llm: Which specialist answers.
        max_turns: Turns of the specialist before the run stops with what it has.
        seed: Seed of every random number that the judge draws.
        model: Language model that is asked; empty for the usual one.
        base_url: Where it is asked; empty for Anthropic's own endpoint.
        budget_usd: What the run may cost; None is no limit.
        max_repairs: How often the judge's failures go back to a language model.
        num_faults: Faults that the judge plants in a network to see whether its tests find them.
    """

    workspace: Path = DEFAULT_WORKSPACE
    approve: Approve = "ask"
    llm: str = "auto"
    max_turns: int = 50
    seed: int = 0
    model: str = ""
    base_url: str = ""
    budget_usd: float | None = None
    max_repairs: int = 3
    num_faults: int = 24


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a command does not say otherwise; None where nobody has set it.

    Attributes:
        llm: One of LLM_NAMES.
        model: Language model to ask.
        base_url: Endpoint of the language model.
        budget_usd: What one run may cost.
        max_turns: Turns before a run stops.
        workspace: Folder that code is delivered into, with `~` replaced.
        approve: Who approves the plan.
        sources: Where each that is set comes from.
    """

    llm: str | None = None
    model: str | None = None
    base_url: str | None = None
    budget_usd: float | None = None
    max_turns: int | None = None
    workspace: Path | None = None
    approve: Approve | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that can be stored.

    Attributes:
        read: Gives the value, from text or from TOML; raises ValueError.
        wanted: What to give, for a message.
        variable: Environment variable that wins over the file; empty if there is none.
    """

    read: Callable[[object], Value]
    wanted: str
    variable: str = ""


def read_defaults(environ: Mapping[str, str], text: str, file: str = "the settings file") -> Defaults:
    """Read what the environment and the settings file say; the environment wins.

    Args:
        environ: The environment.
        text: What stands in the file; empty if there is none.
        file: The file's name, for messages.

    Raises:
        UsageError: One of the two cannot be used; the message names which, and never repeats a key.
    """
    stored, around = read_stored(text, file), _read_environment(environ)
    sources: dict[str, Source] = {**dict.fromkeys(stored, "file"), **dict.fromkeys(around, "environment")}
    values: dict[str, Any] = {**stored, **around}
    if "workspace" in values:
        values["workspace"] = Path(values["workspace"]).expanduser()
    return Defaults(**values, sources=sources)


def read_stored(text: str, file: str) -> dict[str, Value]:
    """Read the settings file.

    Raises:
        UsageError: It is no TOML, or holds something that is not a setting; the message names the file.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is damaged: {error}; mend it or delete it") from None
    return {name: _checked(name, value, f"{file}: ") for name, value in table.items()}


def read_changes(given: Mapping[str, object]) -> dict[str, Value | None]:
    """Check settings that are to be stored; None, or empty text, takes one out.

    Raises:
        UsageError: A name or a value cannot be used, or a key is among them, which is never repeated.
    """
    changes: dict[str, Value | None] = {}
    for typed, value in given.items():
        _refuse_key(typed, value)
        name = typed.strip().replace("-", "_")
        takes_out = name in SETTINGS and (value is None or value == "")
        changes[name] = None if takes_out else _checked(name, value)
    return changes


def read_assignments(words: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUE words; an empty value takes a setting out.

    Raises:
        UsageError: A word is something else; the message repeats none that may be a key.
    """
    for word in words:
        name, sign, value = word.partition("=")
        _refuse_key(name, value)
        if not sign or not name:
            what = f"{name!r} stands without a value" if name in SETTINGS else "a setting is written NAME=VALUE"
            raise UsageError(
                f"config: {what}; type: config {name if name in SETTINGS else 'model'}=VALUE, without spaces"
            )
    return dict(word.split("=", 1) for word in words)


def edited(text: str, changes: Mapping[str, Value | None], file: str) -> str:
    """Give the text of the settings file after a change; comments and the order of lines stay.

    Raises:
        UsageError: The file is damaged.
    """
    wanted = {name: value for name, value in {**read_stored(text, file), **changes}.items() if value is not None}
    left, lines = {name: value for name, value in changes.items() if value is not None}, []
    for line in text.splitlines():
        name = line.partition("=")[0].strip()
        if name not in changes:
            lines.append(line)
        elif name in left:
            lines.append(_line(name, left.pop(name)))
    new = "".join(f"{line}\n" for line in (*lines, *(_line(name, value) for name, value in left.items())))
    plain = "".join(f"{_line(name, value)}\n" for name, value in wanted.items())
    return new if _says(new, wanted) else plain  # else: a value over several lines, a name in quotes


def holds_key(name: str, value: object) -> bool:
    """Tell whether a setting is a key, by its name or by its value."""
    is_called_so = name not in SETTINGS and _SECRET.search(name.replace("-", "_")) is not None
    looks_so = TYPED if name == "workspace" else _KEY  # a folder may be called sk-learn-experiments
    return is_called_so or looks_so.search(f"{name} {value}") is not None


def _refuse_key(name: str, value: object, where: str = "") -> None:
    if holds_key(name, value):
        raise UsageError(f"{where}an API key is never a setting, and was not used. {how_to_clear()}")


def _says(text: str, wanted: Mapping[str, Value]) -> bool:
    try:
        return read_stored(text, "") == wanted
    except UsageError:
        return False


def _line(name: str, value: Value) -> str:
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"  # printable JSON text and finite numbers are TOML too


def _read_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    given = {name: each.variable for name, each in SETTINGS.items() if environ.get(each.variable, "").strip()}
    return {name: _checked(name, environ[variable], f"{variable}: ") for name, variable in given.items()}


def _checked(name: str, value: object, where: str = "") -> Value:
    """Give the value of one setting; `where` it was found starts a message."""
    _refuse_key(name, value, where)
    try:
        if name not in SETTINGS:
            raise UnknownNameError.among("setting", name, SETTINGS)
        return SETTINGS[name].read(value)
    except UsageError as error:
        raise type(error)(f"{where}{error}") from None
    except (ValueError, TypeError):
        raise UsageError(f"{where}{name}={_shown(value)}: give {SETTINGS[name].wanted}") from None


def _shown(value: object) -> str:
    text = str(value)
    return (text if text.isprintable() else repr(text))[:200]


def _text(value: object) -> str:
    if not isinstance(value, str | Path) or not str(value).strip() or not str(value).isprintable():
        raise ValueError
    return str(value).strip()


def _word(value: object) -> str:
    text = _text(value)
    if len(text.split()) > 1:
        raise ValueError
    return text


def _url(value: object) -> str:
    text = _word(value)
    parts = urlsplit(text)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("base_url has a name, a password, a query or a fragment in it; give the bare URL")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:  # a wrong port raises
        raise ValueError
    return text


def _amount(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    amount = float(value)
    if not (amount > 0 and math.isfinite(amount)):
        raise ValueError
    return amount


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    count = int(value)
    if count < 1:
        raise ValueError
    return count


def _one_of(names: tuple[str, ...], variable: str = "") -> Setting:
    """Give a setting that is one of some names."""

    def read(value: object) -> str:
        if value not in names:
            raise ValueError
        return str(value)

    return Setting(read, f"one of {', '.join(names)}", variable)


_KEY = re.compile(r"sk-ant-|\bsk-[\w-]{16,}")  # wider than in a text: no name of a model looks like that
_SECRET = re.compile(r"(?:^|_)(?:api_?key|key|token|secret|passw(?:or)?d|credentials?|auth)(?:$|_)", re.IGNORECASE)
SETTINGS: Mapping[str, Setting] = {
    "llm": _one_of(LLM_NAMES, "MLEXPERT_LLM"),
    "model": Setting(_word, "the name of a language model, such as claude-opus-5-5", "MLEXPERT_MODEL"),
    "base_url": Setting(_url, "a URL such as http://127.0.0.1:8080", "MLEXPERT_BASE_URL"),
    "budget_usd": Setting(_amount, "an amount of dollars above zero, such as 2", "MLEXPERT_BUDGET_USD"),
    "max_turns": Setting(_count, "a whole number of at least 1", "MLEXPERT_MAX_TURNS"),
    "workspace": Setting(_text, "the name of a folder"),
    "approve": _one_of(APPROVE),
}
