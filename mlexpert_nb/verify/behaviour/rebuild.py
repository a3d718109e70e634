"""How to build a network anew: the code for it, found from its class and its values, and proven by building it."""

import inspect
import json
import math
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.lazy import needs_a_call, ready
from mlexpert_nb.verify.behaviour.measures.repeating import distance
from mlexpert_nb.verify.behaviour.notebook_source import source_of
from mlexpert_nb.verify.behaviour.slots import Reading
from mlexpert_nb.verify.behaviour.subject import Subject, clone, retyped
from mlexpert_nb.verify.checks.network import seeded

MOST_TRIES = 400
BUDGET_S = 20.0  # for trying arguments
LARGEST = 50_000_000  # parameters; one with more is compared by its shapes alone
_PLAIN = (int, float, str, bool, type(None))
_SMALL = (1, 2, 3, 4, 6, 8)
_SIMPLE = (
    "Linear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LayerNorm",
    "Embedding",
    "Dropout",
    "GroupNorm",
    "MaxPool1d",
    "MaxPool2d",
    "AvgPool2d",
)  # their repr is a call


@dataclass(frozen=True, slots=True)
class Recipe:
    """Code that builds a network.

    Attributes:
        imports: Lines that must stand before it, in the order they are needed.
        call: The expression that builds it; empty if nobody knows it.
        source: Classes that the test file must hold, because they live in a notebook.
        is_lazy: Whether some layers have no sizes before their first call.
    """

    imports: tuple[str, ...] = ()
    call: str = ""
    source: tuple[str, ...] = ()
    is_lazy: bool = False


def recipe_for(subject: Subject, module: nn.Module, folder: Path | None = None) -> Recipe:
    """Find code that builds a network with the same outputs once it has the same state.

    Args:
        subject: The network as it is examined.
        module: The network itself.
        folder: Where the test file will stand, so that what it imports is found from there; None if it stands nowhere.
    """
    kind = type(module)
    if kind.__module__.startswith("torch."):
        call = _torch_call(module)
        return Recipe((), call) if call and _is_same(subject, lambda: _evaluated(call)) else Recipe()
    imports, source = _found_at(kind, folder)
    known, until = _known(module, kind), time.monotonic() + BUDGET_S
    for values in islice(_choices(known, module), MOST_TRIES) if known is not None else ():
        if _is_it(subject, module, partial(kind, **values)):
            lines, arguments = _arguments(values)
            with seeded(1):
                is_lazy = _num_parameters(module) <= LARGEST and needs_a_call(kind(**values))
            return Recipe((*imports, *lines), f"{kind.__name__}({arguments})", source, is_lazy)
        if time.monotonic() > until:
            break
    return Recipe(imports, "", source)


def _is_it(subject: Subject, module: nn.Module, build: Callable[[], nn.Module]) -> bool:
    """Tell whether a network built so is the subject; what has other shapes is told without filling it with numbers."""
    try:
        with seeded(1), torch.device("meta"):
            shapes = _shapes(build())
    except Exception:  # noqa: BLE001 - a guess may be anything, and some networks need real numbers to be built
        return _num_parameters(module) <= LARGEST and _is_same(subject, build)
    if shapes is not None and shapes != _shapes(module):
        return False
    return _num_parameters(module) > LARGEST or _is_same(subject, build)


def _shapes(module: nn.Module) -> dict[str, torch.Size | None] | None:
    """Give the shape of everything that is saved; None where some of it has none yet."""
    return (
        None
        if needs_a_call(module)
        else {name: getattr(each, "shape", None) for name, each in module.state_dict().items()}
    )


def _num_parameters(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def builder(recipe: Recipe, module: nn.Module, reading: Reading) -> Callable[[], nn.Module] | None:
    """Give a function that builds the network as the recipe says; None if there is no recipe."""
    if not recipe.call:
        return None
    names: dict[str, Any] = {"nn": nn, "torch": torch, type(module).__name__: type(module)}
    config = next((each for each in vars(module).values() if is_dataclass(each)), None)
    if config is not None:
        names[type(config).__name__] = type(config)
    return lambda: ready(eval(recipe.call, dict(names)), reading)  # noqa: S307 - our own text, of literals and two class names


def _found_at(kind: type, folder: Path | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the import of a class, with the folder it is found in, or its source if it lives in a notebook."""
    module, name = kind.__module__, kind.__qualname__
    if module == "__main__" or "<locals>" in name:
        return source_of(kind)
    path = getattr(sys.modules.get(module), "__file__", None)
    lines = [f"from {module} import {name.partition('.')[0]}"]
    if path and not _is_installed(Path(path)):
        root = Path(path).resolve().parents[module.count(".") + (Path(path).name == "__init__.py")]
        lines = [*way_to(root, folder), *lines]
    return tuple(lines), ()


def way_to(root: Path, folder: Path | None) -> tuple[str, ...]:
    """Give the lines that let a test file in `folder` import from `root`."""
    place = json.dumps(str(root))
    if folder is not None:
        for up, parent in enumerate((folder.resolve(), *folder.resolve().parents)):
            if root.is_relative_to(parent) and up < 4 and len(parent.parts) > 2:  # noqa: PLR2004 - further up, the folders have little in common
                inside = root.relative_to(parent).parts
                base = f"Path(__file__).resolve().parents[{up}]"
                place = f"str({' / '.join([base, *map(json.dumps, inside)])})"
                return "import sys", "from pathlib import Path", f"sys.path.insert(0, {place})"
    return "import sys", f"sys.path.insert(0, {place})"


def _is_installed(path: Path) -> bool:
    homes = {sysconfig.get_path(each) for each in ("purelib", "platlib", "stdlib")}
    return any(home and path.resolve().is_relative_to(Path(home).resolve()) for home in homes)


def _known(module: nn.Module, kind: type) -> dict[str, Any] | None:
    """Give what is known of the arguments of `__init__`: a value, or `...` where there is none."""
    known: dict[str, Any] = {}
    for each in list(inspect.signature(kind).parameters.values()):
        if each.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            continue
        held = vars(module).get(each.name, vars(module).get(f"_{each.name}", ...))
        if _is_plain(held) or (is_dataclass(held) and not isinstance(held, type)):
            known[each.name] = held
        elif each.default is inspect.Parameter.empty:
            known[each.name] = ...
        elif _is_number(each.default):
            known[each.name] = (each.default,)
        if each.kind is inspect.Parameter.POSITIONAL_ONLY:
            return None
    return known


def _choices(known: dict[str, Any], module: nn.Module) -> Iterator[dict[str, Any]]:
    """Give arguments to try: first the defaults as they are, then numbers from the shapes of the network."""
    fixed = {name: value for name, value in known.items() if value is not ... and not isinstance(value, tuple)}
    fixed |= {name: value for name, value in known.items() if isinstance(value, tuple) and name in vars(module)}
    missing = [name for name, value in known.items() if value is ...]
    defaults = [name for name, value in known.items() if isinstance(value, tuple) and name not in fixed]
    sizes = _sizes(module)
    for values in islice(product(*([sizes] * len(missing))), MOST_TRIES):
        yield {**fixed, **dict(zip(missing, values, strict=True))}
    if not missing:
        for name in defaults:
            yield from ({**fixed, name: size} for size in sizes if type(size) is type(known[name][0]))
        for first, second in islice(product(defaults, repeat=2), MOST_TRIES):
            if first < second:
                yield from ({**fixed, first: a, second: b} for a, b in product(sizes[:12], repeat=2))


def _sizes(module: nn.Module) -> list[int]:
    """Give numbers that a network may have been built with: sizes of parameters, lengths of lists, small ones."""
    shapes = [size for each in module.parameters() for size in each.shape]
    lists = [len(each) for each in module.modules() if isinstance(each, nn.ModuleList | nn.Sequential)]
    heads = [each.num_heads for each in module.modules() if isinstance(each, nn.MultiheadAttention)]
    return list(dict.fromkeys(size for size in [*shapes, *lists, *heads, *_SMALL] if size))


def _is_same(subject: Subject, build: Callable[[], nn.Module]) -> bool:
    """Tell whether a network built so gives the same outputs once it has the state of the subject."""
    try:
        with seeded(1):
            other = retyped(ready(build(), subject.reading), subject.dtype).eval()
        other.load_state_dict(subject.module.state_dict())
        inputs = subject.draw()
        theirs = subject.run(clone(other), inputs)
        moved = distance(subject.run(subject.fresh(), inputs), theirs)
        training = distance(
            subject.run(subject.fresh().train(), inputs, seed=3), subject.run(clone(other).train(), inputs, seed=3)
        )
        return max(moved, training) <= subject.tolerance or _forgets(subject, build, theirs)
    except Exception:  # noqa: BLE001 - a guess may be anything, and the network may raise anything on it
        return False


def _forgets(subject: Subject, build: Callable[[], nn.Module], given: dict[str, Tensor]) -> bool:
    """Tell whether the state does not say all: two networks built alike differ although both have it."""
    with seeded(2):
        other = retyped(ready(build(), subject.reading), subject.dtype).eval()
    other.load_state_dict(subject.module.state_dict())
    return distance(subject.run(other, subject.draw()), given) > subject.tolerance


def _arguments(values: dict[str, Any]) -> tuple[tuple[str, ...], str]:
    """Write the arguments of a call, and the imports that they need."""
    lines, written = [], []
    for name, value in values.items():
        if is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            lines.append(f"from {kind.__module__} import {kind.__qualname__}")
            parts = [f"{each.name}={getattr(value, each.name)!r}" for each in fields(value) if each.init]
            written.append(f"{name}={kind.__name__}({', '.join(parts)})")
        else:
            written.append(f"{name}={value!r}")
    return tuple(lines), ", ".join(written)


def _torch_call(module: nn.Module) -> str:
    """Write a layer of torch, or a sequence of them, as the call that makes it; empty where that is not known."""
    name = type(module).__name__
    if isinstance(module, nn.Sequential) and name == "Sequential":
        parts = [_torch_call(each) for each in module]
        return f"nn.Sequential({', '.join(parts)})" if all(parts) else ""
    if not type(module).__module__.startswith("torch.nn.modules"):
        return ""
    told = module.extra_repr()
    if name in _SIMPLE or not told or "=" in told:
        return f"nn.{name}({told})"
    known = _known(module, type(module))
    usable = known is not None and all(value is not ... for value in known.values())
    return f"nn.{name}({_arguments(_plain_only(known or {}))[1]})" if usable else ""


def _plain_only(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if _is_plain(value)}


def _evaluated(call: str) -> nn.Module:
    made = eval(call, {"nn": nn, "torch": torch})  # noqa: S307 - our own text, from names of torch's own layers
    if not isinstance(made, nn.Module):
        raise TypeError(call)
    return made


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(each) for each in value)
    return isinstance(value, _PLAIN) and not (isinstance(value, float) and not math.isfinite(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, Iterable) is False and type(value) is int
