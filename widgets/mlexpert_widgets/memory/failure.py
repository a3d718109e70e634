"""Where in a model an error came from, read from its traceback; and where in a model a recorded line stands."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from mlexpert_widgets.memory.snapshot import Frames, Owner, in_library

if TYPE_CHECKING:
    from torch import nn

PHASES = {  # by a file of torch that is on the way to the error
    "/torch/autograd/": "on the way back (backward)",
    "/torch/optim/": "in the step of the optimizer",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Where an error came from.

    Attributes:
        module: Path of the innermost module that was running; empty if that was the model itself, None if none was.
        line: The innermost line that is not in a library; empty if there is none.
        phase: What was being done; empty if that is not known.
    """

    module: str | None = None
    line: str = ""
    phase: str = ""


def failure_of(trace: TracebackType | None, model: "nn.Module | None") -> tuple[Failure, "nn.Module | None"]:
    """Find where an error came from, and the model: the given one, or the outermost module that was running.

    Args:
        trace: Of the error.
        model: The model, if it is known.
    """
    frames = list(_frames(trace))
    running = [found for frame in frames if (found := _module(frame)) is not None]
    if model is None and running:
        model = running[0]
    paths = {id(module): path for path, module in model.named_modules()} if model is not None else {}
    known = [paths[id(each)] for each in running if id(each) in paths]
    own = [each for each in frames if not in_library(each.f_code.co_filename)]
    line = f"{own[-1].f_code.co_filename}:{_line(trace, own[-1])} in {own[-1].f_code.co_name}" if own else ""
    files = [each.f_code.co_filename.replace("\\", "/") for each in frames]
    phase = next((word for mark, word in PHASES.items() if any(mark in file for file in files)), "")
    return Failure(known[-1] if known else None, line, phase), model


def owner_in(model: "nn.Module") -> Owner:
    """Give a function from recorded frames to the module whose forward method they are in.

    Several modules may share one method; then the first is named, and how many there are.
    """
    methods: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    for path, module in model.named_modules():
        code = getattr(type(module).forward, "__code__", None)
        if code is not None:
            last = max((line for *_, line in code.co_lines() if line), default=code.co_firstlineno)
            methods.setdefault((code.co_filename, code.co_name), []).append((code.co_firstlineno, last, path))
    known: dict[tuple[tuple[str, str, int], ...], str] = {}

    def owner(frames: Frames) -> str:
        key = tuple((str(each.get("filename")), str(each.get("name")), int(each.get("line") or 0)) for each in frames)
        if key not in known:
            layers = [
                [path for first, last, path in methods.get((file, name), ()) if first <= line <= last]
                for file, name, line in key
            ]
            known[key] = _named(_inside([each for each in layers if each]))
        return known[key]

    return owner


def _inside(layers: Sequence[Sequence[str]]) -> Sequence[str]:
    """Give those of the innermost candidates that are inside one of each set of candidates around them."""
    if not layers:
        return ()
    paths, *around = layers
    for each in around:
        outer = set(each)
        paths = [path for path in paths if path in outer or any(one in outer for one in _ancestors(path))] or paths
    return paths


def _ancestors(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition(".")[0]
        yield path


def _named(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    first = paths[0] or "(model)"
    return first if len(paths) == 1 else f"{first} or {len(paths) - 1} like it"


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _line(trace: TracebackType | None, frame: FrameType) -> int:
    """Give the line at which a frame of a traceback went on to the error."""
    line = frame.f_lineno
    while trace is not None:
        if trace.tb_frame is frame:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _module(frame: FrameType) -> "nn.Module | None":
    torch = sys.modules.get("torch")
    found = frame.f_locals.get("self") if torch is not None and frame.f_code.co_argcount else None
    return found if torch is not None and isinstance(found, torch.nn.Module) else None
