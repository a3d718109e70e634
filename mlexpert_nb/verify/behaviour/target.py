"""The network in a file or a delivered folder: imported, built, and given with what it reads and claims."""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify.behaviour.subject import cast

BUILDERS = ("build_model", "build")
_ROWS, _TOKENS = 4, 12  # examples and tokens that a delivery is asked about


@dataclass(frozen=True, slots=True)
class Target:
    """A network to examine.

    Attributes:
        module: The network.
        example_inputs: What it reads, where its makers say.
        claims: What they claim.
        facts: What else was looked at, as name and finding: (name, holds, measured, fix).
        source: The module and the name that it is built from; both empty where a test file cannot build it so.
        loss: Its training loss on a random batch, where the delivery has one.
        build: Builds another like it; None where the file holds just the one.
    """

    module: nn.Module
    example_inputs: Any = None
    claims: tuple[str, ...] = ()
    facts: tuple[tuple[str, bool, str, str], ...] = ()
    source: tuple[str, str] = ("", "")
    loss: Callable[[nn.Module], Tensor] | None = None
    build: Callable[[], nn.Module] | None = None


def load_target(path: Path, name: str = "") -> Target:
    """Import what a path names and build the network in it.

    Args:
        path: A Python file, or a folder with `src/model`.
        name: Class, function or variable in the file; found out if empty.

    Raises:
        UsageError: There is no network there, or more than one.
    """
    if path.is_dir():
        return _delivered(path)
    sys.path.insert(0, str(path.parent))
    module = importlib.import_module(path.stem)
    chosen = _chosen(module, path, name)
    value = getattr(module, chosen)
    made = _made(value, chosen, path)
    if isinstance(value, nn.Module):
        return Target(made)
    return Target(made, source=(path.stem, chosen), build=value)


def _chosen(module: ModuleType, path: Path, name: str) -> str:
    """Choose what the network is built from: what was named, a function for it, or the one network there is."""
    if name:
        if not hasattr(module, name):
            raise UsageError(f"{path.name} has no {name!r}; it has {', '.join(_offered(module)) or 'no network'}")
        return name
    builders = [each for each in BUILDERS if inspect.isfunction(getattr(module, each, None))]
    offered = builders[:1] or _offered(module)
    if len(offered) != 1:
        if not offered:
            raise UsageError(f"{path.name} has no torch.nn.Module; write a class of one, or name another file")
        raise UsageError(
            f"{path.name} has {', '.join(offered)}; name one: {path.name}:CLASS, or give the file a function build()"
        )
    return offered[0]


def _offered(module: ModuleType) -> list[str]:
    """Give the networks of a module: those it has built, else its own classes of which no other is made."""
    values = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    built = [name for name, value in values.items() if isinstance(value, nn.Module)]
    classes = [n for n, v in values.items() if inspect.isclass(v) and issubclass(v, nn.Module)]
    own = [name for name in classes if values[name].__module__ == module.__name__]
    text = Path(str(module.__file__)).read_text("utf-8")
    whole = [name for name in own if not text.split(f"class {name}(")[0].count(f"{name}(") and not _is_part(name, text)]
    return built or whole or own


def _is_part(name: str, text: str) -> bool:
    """Tell whether a class is called inside of another class of the same file."""
    return any(
        f"{name}(" in each.partition("\n")[2] for each in text.split("\nclass ")[1:] if not each.startswith(name)
    )


def _made(value: object, name: str, path: Path) -> nn.Module:
    if isinstance(value, nn.Module):
        return value
    if not callable(value):
        raise UsageError(f"{name} in {path.name} is a {type(value).__name__}, not a network; name its class")
    needed = [
        each.name
        for each in inspect.signature(value).parameters.values()
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if needed:
        raise UsageError(
            f"{name} in {path.name} cannot be built without {', '.join(needed)}; give {path.name} a function build() "
            "that returns the network"
        )
    made = value()
    if not isinstance(made, nn.Module):
        raise UsageError(f"{name}() in {path.name} gives a {type(made).__name__}, not a torch.nn.Module; return one")
    return made


def _delivered(root: Path) -> Target:
    """Build the network of a delivery, with its own example batch and claims."""
    sys.path.insert(0, str(root / "src"))
    package = importlib.import_module("model")
    module = package.build_model()
    has_functions = (root / "src" / "model" / "functional.py").is_file()
    functional = importlib.import_module("model.functional") if has_functions else None
    config = getattr(package, "ModelConfig", None)
    batch = getattr(functional, "example_batch", None)
    examples = batch(config(), _ROWS, 0)[0] if batch is not None and config is not None else None
    claims = tuple(map(str, getattr(functional, "CLAIMS", ())))
    facts, loss = tuple(_facts(package, module, config)), _loss(functional, config)
    return Target(module, examples, claims, facts, ("model", "build_model"), loss, package.build_model)


def _loss(functional: Any, config: Any) -> Callable[[nn.Module], Tensor] | None:
    """Give the delivered loss on a random batch: of `example_batch`, or of tokens and those that follow them."""
    given = getattr(functional, "loss", None)
    if given is None or config is None:
        return None
    made: Any = config()
    batch: Any = getattr(functional, "example_batch", None)

    def of_batch(module: nn.Module) -> Tensor:
        dtype = next((each.dtype for each in module.parameters() if each.is_floating_point()), torch.float32)
        inputs, targets = (cast(each, dtype) for each in batch(made, _ROWS, 0))
        found: Tensor = given(module, inputs, targets)
        return found

    def of_tokens(module: nn.Module) -> Tensor:
        tokens_BT = torch.randint(0, made.vocab_size, (_ROWS, _TOKENS + 1))
        found: Tensor = given(module, tokens_BT[:, :-1], tokens_BT[:, 1:])
        return found

    return of_tokens if batch is None else of_batch


def _facts(package: ModuleType, module: nn.Module, config: Any) -> list[tuple[str, bool, str, str]]:
    """Look at the configuration: does it survive being written out, and does the formula count right."""
    if not (inspect.isclass(config) and is_dataclass(config)):
        return []
    made: Any = config()
    again = config(**{name: _tuples(value) for name, value in asdict(made).items()})
    same = again == made
    found = [("config_round_trip", same, f"ModelConfig is {'' if same else 'not '}itself after a round trip", _CONFIG)]
    count = getattr(package, "count_parameters", None)
    if callable(count):
        formula, built = int(count(made)), sum(each.numel() for each in module.parameters())
        measured = f"{built:,} parameters; the formula says {formula:,}"
        found.append(("parameter_formula", formula == built, measured, "mend count_parameters in src/model/config.py"))
    return found


_CONFIG = "let ModelConfig hold what it was given: plain values, tuples in place of lists, nothing computed"


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return tuple(value) if isinstance(value, list) else value
