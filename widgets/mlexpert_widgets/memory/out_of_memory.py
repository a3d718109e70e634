"""`oom_report`: an error for lack of memory comes with a report in the cell, and is raised all the same."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlexpert_widgets.front_end import notebook_variables
from mlexpert_widgets.memory.allocator import REFUSALS, device_names
from mlexpert_widgets.memory.failure import failure_of
from mlexpert_widgets.memory.message import is_out_of_memory, told_by
from mlexpert_widgets.memory.nvml import Nvml
from mlexpert_widgets.memory.report import OutOfMemoryReport, report_from, report_of
from mlexpert_widgets.memory.source import UnavailableError
from mlexpert_widgets.memory.tensors import holders_alive

if TYPE_CHECKING:
    from torch import nn

MOST_ENTRIES = 100_000  # of the allocator's history; without a limit it grows for ever


class Watching:
    """What `oom_report` gives: the report, once there is one.

    Attributes:
        report: What was found out; None while nothing has failed.
    """

    def __init__(self) -> None:
        self.report: OutOfMemoryReport | None = None


@contextmanager
def oom_report(model: "nn.Module | None" = None) -> Iterator[Watching]:
    """Show who held the memory, if the code inside runs out of it.

        with oom_report() as oom:
            train()

    On a GPU the allocator's history is recorded meanwhile, so that the report names the lines that took the memory.
    The error is raised all the same; `oom.report.release()` lets go of what its traceback keeps.

    Args:
        model: Its modules are named in the report; if None, those of the module that was running.

    Yields:
        An object whose `report` is the report afterwards.
    """
    watching = Watching()
    recording = _record()
    try:
        yield watching
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            watching.report = _told(error, model)
        raise
    finally:
        if recording:
            sys.modules["torch"].cuda.memory._record_memory_history(enabled=None)  # noqa: SLF001 - torch has no public name


def _told(error: BaseException, model: "nn.Module | None") -> OutOfMemoryReport | None:
    """Make the report and show it; what goes wrong with it must not hide the error."""
    try:
        report = _report(error, model)
        _show(report)
    except (RuntimeError, MemoryError, AttributeError, TypeError) as failed:
        sys.stderr.write(f"no report of the memory could be made: {type(failed).__name__}: {failed}\n")
        return None
    return report


def _report(error: BaseException, model: "nn.Module | None") -> OutOfMemoryReport:
    message = str(error) or type(error).__name__
    failure, model = failure_of(error.__traceback__, model)
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized() or type(error).__name__ != "OutOfMemoryError":
        holders = holders_alive(notebook_variables(), model)
        return report_of(holders, message=message, model=model, failure=failure)
    snapshot = torch.cuda.memory._snapshot()  # noqa: SLF001 - torch has no public name
    others = _others(torch, told_by(message).device)
    return report_from(snapshot, message=message, model=model, failure=failure, others=others)


def _others(torch: Any, device: int | None) -> Sequence[tuple[int, float]]:
    """Give process id and bytes of the other processes on one of torch's devices, by the driver."""
    nvml = Nvml()
    try:
        uuid = str(torch.cuda.get_device_properties(device or 0).uuid)
        (name,) = device_names([uuid], nvml.indices())
        return [(each.pid, each.num_bytes) for each in nvml.others() if f"GPU {each.gpu}" == name and each.num_bytes]
    except (UnavailableError, *REFUSALS):
        return []


def _record() -> bool:
    """Begin to record the allocator's history, unless the user does; tells whether it is ours to end."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return False
    try:
        if torch._C._cuda_isHistoryEnabled():  # noqa: SLF001 - torch has no public name
            return False
        torch.cuda.memory._record_memory_history(max_entries=MOST_ENTRIES, stacks="python")  # noqa: SLF001 - the same
    except REFUSALS:
        return False
    return True


def _show(report: OutOfMemoryReport) -> None:
    from IPython.core.getipython import get_ipython  # noqa: PLC0415 - scripts that never fail do without
    from IPython.display import display  # noqa: PLC0415 - the same

    if get_ipython() is None:
        sys.stderr.write(f"{report.picture().text()}\n")
    else:
        display(report)
