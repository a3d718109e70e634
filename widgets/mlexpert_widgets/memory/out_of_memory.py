"""`oom_report`: an error for lack of memory comes with a report in the cell, and is raised all the same."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlexpert_widgets.memory.report import OutOfMemoryReport, report_from, report_of_tensors

if TYPE_CHECKING:
    from torch import nn

MOST_ENTRIES = 100_000  # of the allocator's history; without a limit it grows for ever
MARKS = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad allocation")


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

        with oom_report():
            train()

    On a GPU the allocator's history is recorded meanwhile, so that the report names the lines that took the memory.

    Args:
        model: Its classes are named beside the lines of their forward methods.

    Yields:
        An object whose `report` is the report afterwards.
    """
    watching = Watching()
    recording = _record()
    try:
        yield watching
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        watching.report = _report(error, model, recorded=recording)
        _show(watching.report)
        raise
    finally:
        if recording:
            sys.modules["torch"].cuda.memory._record_memory_history(enabled=None)  # noqa: SLF001 - torch has no public name


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error is for lack of memory: of CUDA, MPS, the CPU's allocator or Python's own."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return any(mark in str(error).lower() for mark in MARKS)


def _report(error: BaseException, model: "nn.Module | None", *, recorded: bool) -> OutOfMemoryReport:
    message = f"{type(error).__name__}: {error}"
    if not recorded:
        return report_of_tensors(message)
    snapshot = sys.modules["torch"].cuda.memory._snapshot()  # noqa: SLF001 - torch has no public name
    return report_from(snapshot, message=message, owner=owner_in(model) if model is not None else None)


def owner_in(model: "nn.Module") -> Any:
    """Give a function from frames to the modules whose forward method they are in."""
    methods: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    for path, module in model.named_modules():
        code = getattr(type(module).forward, "__code__", None)
        if code is not None:
            last = max((line for *_, line in code.co_lines() if line), default=code.co_firstlineno)
            methods.setdefault((code.co_filename, code.co_name), []).append((code.co_firstlineno, last, path))

    def owner(frames: Sequence[Mapping[str, Any]]) -> str:
        for frame in frames:
            known = methods.get((str(frame.get("filename")), str(frame.get("name"))), ())
            paths = [path for first, last, path in known if first <= int(frame.get("line") or 0) <= last]
            if paths:
                return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} like it"
        return ""

    return owner


def _record() -> bool:
    """Begin to record the allocator's history; tells whether that works here."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return False
    try:
        torch.cuda.memory._record_memory_history(max_entries=MOST_ENTRIES, stacks="python")  # noqa: SLF001 - torch has no public name
    except (AttributeError, RuntimeError, TypeError):
        return False
    return True


def _show(report: OutOfMemoryReport) -> None:
    from IPython.core.getipython import get_ipython  # noqa: PLC0415 - scripts that never fail do without
    from IPython.display import display  # noqa: PLC0415 - the same

    if get_ipython() is None:
        sys.stderr.write(f"{report.picture().text()}\n")
    else:
        display(report)
