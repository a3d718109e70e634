"""Checks of the environment: what is there, what is missing, what to do. Nothing is changed, and no key is shown."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from jupyter_core.paths import jupyter_path

from mlexpert_nb.agent import DEFAULT_MODEL, Address, read_address
from mlexpert_nb.api.defaults import config_file, defaults
from mlexpert_nb.api.endpoint import unreachable
from mlexpert_nb.api.health import Health, Row, State
from mlexpert_nb.api.installed import extension_row, package_rows, python_row
from mlexpert_nb.api.leaks import leak_row
from mlexpert_nb.api.llms import automatic
from mlexpert_nb.config import DEFAULT_WORKSPACE, Defaults
from mlexpert_nb.errors import MLExpertError, UsageError
from mlexpert_nb.keys import VARIABLES, find_key
from mlexpert_nb.skill import graphics_cards
from mlexpert_nb.verify import Device, find_device
from mlexpert_nb.workspace import best_level, isolation

GIB = 2**30
ENOUGH_BYTES, NEEDED_BYTES = GIB, 64 * 2**20  # of disk: enough to be quiet about, and the least to work with
_FRONT_ENDS: Mapping[str, str] = {
    "shell": "a shell: results are text",
    "": "no screen (a run without a front end, or a console): results are text",
    "jupyter": "JupyterLab or Notebook 7",
    "vscode": "VS Code: the card is shown, the first cell becomes the next input",
    "colab": "Colab: the card is shown, the first cell becomes the next input",
}


@dataclass(frozen=True, slots=True)
class _Here:
    """What the checks are told: the environment, the settings, where a key was found (never what it is)."""

    environ: Mapping[str, str]
    front_end: str
    ask_torch: Callable[[], Device]
    settings: Row
    set_here: Defaults = field(default_factory=Defaults)
    key: str = ""
    key_trouble: str = ""

    @property
    def llm(self) -> str:
        """Who answers here, with `auto` decided as a run decides it."""
        chosen = self.set_here.llm or "auto"
        return chosen if chosen != "auto" else automatic(self.set_here.base_url, has_key=bool(self.key))

    def address(self) -> Address:
        """Give the endpoint's address.

        Raises:
            UsageError: It is none that a key may be sent to.
        """
        return read_address(self.set_here.base_url or "", self.environ)

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine, where no key is needed."""
        with suppress(UsageError):
            return self.address().is_local
        return False


def doctor(
    *,
    front_end: str = "shell",
    environ: Mapping[str, str] = os.environ,
    ask_torch: Callable[[], Device] = find_device,
) -> Health:
    """Look at everything that a run needs.

    Args:
        front_end: Where it is shown: "shell", "jupyter", "vscode", "colab", or empty for a notebook without a screen.
        environ: The environment.
        ask_torch: Finds out what torch computes on, in a child process, which takes some seconds.
    """
    here = _look(_Here(environ, front_end, ask_torch, Row("Settings", "ok", "")))
    return Health(tuple(row for name, check in _CHECKS.items() for row in _checked(name, check, here)))


def _checked(name: str, check: Callable[[_Here], Iterable[Row]], here: _Here) -> tuple[Row, ...]:
    try:
        return tuple(check(here))
    except Exception as error:  # noqa: BLE001 - a check that cannot be made must not hide the others
        told = f"could not be looked at: {type(error).__name__}: {error}"
        return (Row(name, "problem", told, "repair what is named, then run doctor again"),)


def device_row(device: Device, cards: list[str]) -> Row:
    """Say what torch computes on.

    Args:
        device: What torch said.
        cards: The graphics cards that the driver names.
    """
    name = "Device"
    if not device.version:
        return Row(name, "problem", f"torch cannot be loaded: {device.trouble}", "install torch anew, see pytorch.org")
    if device.cards:
        found = ", ".join(f"{card} ({size / GIB:.0f} GiB)" for card, size in device.cards)
        return Row(name, "ok", f"{found}, torch {device.version}")
    if device.has_mps:
        return Row(name, "ok", f"Apple graphics (MPS), torch {device.version}; figures for CUDA are estimates")
    if cards:
        why = device.trouble or ("it was built without CUDA" if not device.built_for else "it finds no usable driver")
        advice = "install the build of torch for your driver, see pytorch.org; nvidia-smi names the driver's version"
        return Row(name, "warning", f"CPU, though there is {', '.join(cards)}: torch {device.version}, {why}", advice)
    return Row(name, "ok", f"CPU, torch {device.version}; memory on a graphics card is an estimate")


def front_end_row(name: str) -> Row:
    """Say where results are shown."""
    return Row("Front end", "ok", _FRONT_ENDS.get(name, name))


def _look(here: _Here) -> _Here:
    """Read the settings, and find out whether there is a key."""
    file = config_file(here.environ)
    found = str(file) if file.exists() else f"the built-in ones; {file} is not there"
    try:
        here = replace(here, set_here=defaults(here.environ), settings=replace(here.settings, found=found))
    except MLExpertError as error:
        advice = f"mend {file}, or the environment variable that is named"
        here = replace(here, settings=Row("Settings", "problem", str(error), advice))
    try:
        key = find_key(here.environ)
    except Exception as error:  # noqa: BLE001 - a function of the user's is asked for the key; its words may hold it
        return replace(here, key_trouble=f"asking for it failed with {type(error).__name__}")
    return replace(here, key=key.source if key else "")


def _sandbox(_here: _Here) -> Iterator[Row]:
    level = best_level()
    if level != "none":
        yield Row("Sandbox", "ok", isolation())
        return
    tools = [tool for tool in ("bwrap", "unshare") if shutil.which(tool)]
    allow = (
        f"{' and '.join(tools)} may not make user namespaces here; allow them (sysctl "
        "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in a container, its "
        "security profile), or run in a machine that you can lose"
    )
    yield Row("Sandbox", "warning", isolation(), allow if tools else "install bubblewrap (apt install bubblewrap)")


def _workspace(here: _Here) -> Iterator[Row]:
    place = Path(os.path.realpath((here.set_here.workspace or DEFAULT_WORKSPACE).expanduser()))
    there = next(each for each in (place, *place.parents) if _exists(each))
    another = "choose another folder: mlexpert config workspace=DIR"
    if not there.is_dir():
        yield Row("Workspace", "problem", f"{there} is a file, not a folder", another)
    elif not os.access(there, os.W_OK | os.X_OK):
        yield Row("Workspace", "problem", f"{there} cannot be written by you", f"change its permissions, or {another}")
    else:
        yield Row("Workspace", "ok", f"{place}, {'writable' if there == place else 'made by the first run'}")
    yield disk_row({"the workspace": _free(there), "temporary files": _free(Path(tempfile.gettempdir()))})


def disk_row(free: Mapping[str, int]) -> Row:
    """Say how much room is left; `free` is in bytes, by what it is for."""
    found = ", ".join(f"{size / 1e9:.1f} GB free for {what}" for what, size in free.items())
    least = min(free.values())
    state: State = "problem" if least < NEEDED_BYTES else "warning" if least < ENOUGH_BYTES else "ok"
    return Row("Disk", state, found, "" if state == "ok" else "free some space; TMPDIR moves the temporary files")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # nobody may look there: what is around it tells
        return False


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _llm(here: _Here) -> Iterator[Row]:
    chosen = here.set_here.llm or "auto"
    answers = f"{here.llm}, {here.set_here.model or DEFAULT_MODEL}"
    if here.llm == "offline":
        answers = "offline: the built-in catalogue, no key and no network needed"
    yield Row("Language model", "ok", f"auto chooses {answers}" if chosen == "auto" else answers)


def _key(here: _Here) -> Iterator[Row]:
    name, give = "API key", f"set {VARIABLES[1]} before Jupyter starts, or mlexpert_nb.configure(api_key=function)"
    if here.key:
        yield Row(name, "ok", f"found: {here.key}")
    elif here.key_trouble:
        yield Row(name, "problem", here.key_trouble, give)
    elif here.llm == "claude" and not here.is_local:
        yield Row(name, "problem", "none, and the language model needs one", f"{give}, or type it when asked")
    else:
        who = "the offline specialist needs none" if here.llm == "offline" else "a server on this machine needs none"
        yield Row(name, "ok", "none" if here.llm == "claude-agent-sdk" else f"none; {who}")


def _endpoint(here: _Here) -> Iterator[Row]:
    name, another = "Endpoint", "name another endpoint: mlexpert config base_url=URL"
    if here.set_here.llm == "offline":
        yield Row(name, "ok", "not looked at: the offline specialist asks nobody")
        return
    try:
        address = here.address()
    except UsageError as error:
        yield Row(name, "problem", str(error), another)
        return
    start = "start the server" if address.is_local else "check the network and the proxy (HTTPS_PROXY)"
    why = unreachable(address.url, here.environ)
    if not why:
        yield Row(name, "ok", f"{address.url} can be reached{f'; {address.note}' if address.note else ''}")
    elif here.llm == "offline":
        said = f"{address.url}: {why}; the offline specialist needs none"
        yield Row(name, "warning", said, f"{start}, or {another}")
    else:
        yield Row(name, "problem", f"{address.url}: {why}", f"{start}, or {another}")


_CHECKS: Mapping[str, Callable[[_Here], Iterable[Row]]] = {
    "Python": lambda _: (python_row(),),
    "Packages": lambda _: package_rows(),
    "Device": lambda here: (device_row(here.ask_torch(), graphics_cards()),),
    "Sandbox": _sandbox,
    "Workspace": _workspace,
    "Extension of JupyterLab": lambda _: (extension_row(jupyter_path("labextensions")),),
    "Front end": lambda here: (front_end_row(here.front_end),),
    "Settings": lambda here: (here.settings,),
    "Language model": _llm,
    "API key": _key,
    "Leaked keys": lambda here: (leak_row(config_file(here.environ), Path.cwd(), here.environ),),
    "Endpoint": _endpoint,
}
