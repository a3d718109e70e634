"""A kernel of this Python that runs cells one by one for `notebook_file`, with no front end in sight."""

import asyncio
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import nbformat
from ipykernel.kernelspec import make_ipkernel_cmd
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from mlexpert_nb.display.safe import fields, items, one_line
from mlexpert_nb.errors import CellFailedError, EnvironmentProblem
from mlexpert_nb.packages import Event, OnEvent

Kind = Literal["phase", "say", "tool", "test", "check", "note"]
KINDS: tuple[Kind, ...] = ("phase", "say", "tool", "test", "check", "note")
GRACE_S = 2.0  # for the interrupted cell to end its children before the kernel goes
OURS = "mlexpert_widgets."  # where our views come from, by anywidget's id
_KEY = re.compile(r"mlx-[0-9a-f]{32}")  # of a view


class Headless:
    """A running kernel; made by `kernel()`."""

    def __init__(self, client: "_Client") -> None:
        self._client = client

    def language_info(self) -> Mapping[str, Any]:
        """Give what the kernel says of its language, for the notebook's metadata."""
        channel = self._client.kc
        reply = self._client.wait_for_reply(channel.kernel_info()) if channel is not None else None
        return dict(reply["content"]["language_info"]) if reply else {}

    def widgets(self) -> Mapping[str, Any]:
        """Give the state of the widgets that were shown, for the notebook's metadata; empty if there were none."""
        self._client.set_widgets_metadata()
        return without_ours(self._client.nb.metadata.get("widgets", {}))

    def execute(self, cell: nbformat.NotebookNode) -> None:
        """Run one code cell; its outputs are in the cell afterwards, also when it fails.

        Raises:
            CellFailedError: The cell raised an error.
            EnvironmentProblem: The kernel died.
        """
        # display updates find a cell by its place: a list that only grows keeps places valid while cells are inserted
        self._client.nb.cells.append(cell)
        try:
            self._client.execute_cell(cell, len(self._client.nb.cells) - 1)
        except CellExecutionError as error:
            raise CellFailedError(f"{error.ename}: {one_line(error.evalue, 300)}") from None
        except DeadKernelError:
            raise EnvironmentProblem("the kernel died; it may have run out of memory") from None
        finally:
            cell.outputs = _joined(cell.outputs)


@contextmanager
def kernel(folder: Path, on_event: OnEvent) -> Iterator[Headless]:
    """Start a kernel of this Python in a folder, and end it on leaving; an interrupt reaches the running cell first.

    Args:
        folder: Where the cells run.
        on_event: Told what the runs inside the cells report.

    Raises:
        EnvironmentProblem: The kernel does not start.
    """
    manager = AsyncKernelManager(kernel_spec_manager=_ThisPython(), kernel_name="python3")
    scratch = nbformat.v4.new_notebook()
    client = _Client(scratch, manager, timeout=None, record_timing=False, shutdown_kernel="immediate")
    client.extra_arguments = ["--IPKernelApp.log_level=40"]  # its start-up advice is not for our reader
    client.relay = on_event
    try:
        client.start_new_kernel(cwd=str(folder))
        client.start_new_kernel_client()
    except (RuntimeError, OSError) as error:
        raise EnvironmentProblem(f"no Python kernel could be started: {one_line(error)}") from None
    try:
        yield Headless(client)
    except KeyboardInterrupt:
        with suppress(KeyboardInterrupt):
            run_sync(_interrupt)(client, manager)
        raise
    finally:
        client._cleanup_kernel()  # noqa: SLF001 - what nbclient's own setup_kernel ends with


def without_ours(widgets: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the state of our own views: their outputs hold all that is shown, and each would add its program.

    Args:
        widgets: Widget metadata of a notebook.
    """
    kept = {}
    for mime, told in widgets.items():
        states = told.get("state", {})
        ours = {name for name, each in states.items() if _is_ours(fields(each.get("state")))}
        layouts = {str(states[name]["state"].get("layout", "")).removeprefix("IPY_MODEL_") for name in ours}
        rest = {name: each for name, each in states.items() if name not in ours | layouts}
        if rest:
            kept[mime] = {**told, "state": rest}
    return kept


def steady_keys(cells: Sequence[nbformat.NotebookNode]) -> None:
    """Name the views in the outputs after their cell, not at random, so that the same run gives the same bytes."""
    for number, cell in enumerate(cells):
        made: dict[str, str] = {}
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            for mime, text in data.items():
                if isinstance(text, str) and "mlx-" in text:
                    data[mime] = _KEY.sub(partial(_steady, made, str(cell.get("id", number))), text)


def _steady(made: dict[str, str], cell: str, found: re.Match[str]) -> str:
    name = f"{cell} {len(made)}".encode()
    return made.setdefault(found[0], f"mlx-{hashlib.sha256(name).hexdigest()[:32]}")


def _is_ours(state: Mapping[str, object]) -> bool:
    return str(state.get("_anywidget_id", "")).startswith(OURS)


class _Client(NotebookClient):
    """nbclient that hands on the events of runs inside cells; they travel in the metadata of the progress display."""

    relay: OnEvent

    def process_message(self, msg: dict[str, Any], cell: nbformat.NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] in {"display_data", "update_display_data"}:
            for event in _events(msg["content"].get("metadata")):
                self.relay(event)
        return super().process_message(msg, cell, cell_index)


class _ThisPython(KernelSpecManager):
    """Finds one kernel under every name: the Python that is running."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        command = make_ipkernel_cmd(python_arguments=["-Xfrozen_modules=off"])
        return KernelSpec(argv=[sys.executable, *command[1:]], display_name=kernel_name, language="python")


def _joined(outputs: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Join neighbouring pieces of one stream: how a kernel cuts it depends on the moment."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _events(metadata: object) -> Iterator[Event]:
    for each in items(fields(fields(metadata).get("mlexpert")).get("events")):
        row = fields(each)
        kind = next((known for known in KINDS if known == row.get("kind")), None)
        done, total, passed = row.get("done"), row.get("total"), row.get("passed")
        if kind is not None:
            yield Event(
                kind,
                one_line(row.get("text", "")),
                done=done if isinstance(done, int) else None,
                total=total if isinstance(total, int) else None,
                passed=passed if isinstance(passed, bool) else None,
            )


async def _interrupt(client: _Client, manager: AsyncKernelManager) -> None:
    """Interrupt the running cell and give it a moment to clean up; what it then reports is of no interest any more."""
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    await manager.interrupt_kernel()
    if client.task_poll_for_reply is not None:
        await asyncio.wait({client.task_poll_for_reply}, timeout=GRACE_S)
