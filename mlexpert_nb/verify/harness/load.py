"""Imports the delivered network: the only place where code under judgement enters a process of the judge."""

import dataclasses
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from mlexpert_nb.verify.checks import TokenModel
from mlexpert_nb.verify.spec import JudgeSpec


def load(root: Path, spec: JudgeSpec) -> TokenModel:
    """Import src/model and give its network as the checks take it.

    Raises:
        ValueError: A file or a value that a delivery must have is not there.
        TypeError: What the package offers is not what a delivery must offer.
    """
    if not (root / "src" / "model" / "__init__.py").is_file():
        raise ValueError("there is no src/model/__init__.py")
    sys.path.insert(0, str(root / "src"))
    package = importlib.import_module("model")
    build, config = _offered(package)
    functional = _functional(root)
    return TokenModel(
        build=build,
        vocab_size=config.vocab_size,
        spec=spec,
        loss_fn=getattr(functional, "loss", None),
        stream_fn=getattr(functional, "stream", None),
    )


def _offered(package: ModuleType) -> tuple[Any, Any]:
    build, config_class = getattr(package, "build_model", None), getattr(package, "ModelConfig", None)
    if not callable(build):
        raise TypeError("src/model/__init__.py has no build_model(**config)")
    if not (isinstance(config_class, type) and dataclasses.is_dataclass(config_class)):
        raise ValueError("src/model/__init__.py has no dataclass ModelConfig")
    config: Any = config_class()
    vocab_size = getattr(config, "vocab_size", None)
    if type(vocab_size) is not int or vocab_size < 2:  # noqa: PLR2004 - one token cannot be told from another
        raise ValueError(f"ModelConfig().vocab_size is {vocab_size!r}, not a number of tokens")
    if not isinstance(build(), nn.Module):
        raise TypeError("build_model() does not give a torch.nn.Module")
    return build, config


def _functional(root: Path) -> ModuleType | None:
    offered = (root / "src" / "model" / "functional.py").is_file()
    return importlib.import_module("model.functional") if offered else None
