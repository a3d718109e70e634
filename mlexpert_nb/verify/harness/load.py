"""Imports the delivered network: the only place where code under judgement enters a process of the judge."""

import dataclasses
import importlib
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from mlexpert_nb.verify.checks import Network, TensorModel, TokenModel
from mlexpert_nb.verify.claims import Claim, to_check
from mlexpert_nb.verify.spec import JudgeSpec

_TOKENS = "causal"  # claimed by the networks that read token ids and give logits
_FUNCTIONAL = "src/model/functional.py"


def load(root: Path, spec: JudgeSpec) -> Network:
    """Import src/model and give its network as the checks take it.

    It is a causal network over tokens if that is demanded; or, where nothing is demanded, if it claims to be one or
    brings no example batch of its own.

    Raises:
        ValueError: A file or a value that a delivery must have is not there.
        TypeError: What the package offers is not what a delivery must offer.
        UsageError: A claim cannot be read, or one that is demanded is not filled in.
    """
    if not (root / "src" / "model" / "__init__.py").is_file():
        raise ValueError("there is no src/model/__init__.py")
    sys.path.insert(0, str(root / "src"))
    package = importlib.import_module("model")
    build, config = _offered(package)
    functional = importlib.import_module("model.functional") if (root / _FUNCTIONAL).is_file() else None
    own = _own_claims(functional)
    claims = to_check(spec.claims, own)
    reads_tokens = _TOKENS in (own if spec.claims is None else spec.claims)
    model = (_token_model if reads_tokens else _tensor_model)(build, config, functional, spec=spec, claims=claims)
    if not isinstance(build(), nn.Module):
        raise TypeError("build_model() does not give a torch.nn.Module")
    return model


def _offered(package: ModuleType) -> tuple[Any, Any]:
    build, config_class = getattr(package, "build_model", None), getattr(package, "ModelConfig", None)
    if not callable(build):
        raise TypeError("src/model/__init__.py has no build_model(**config)")
    if not (isinstance(config_class, type) and dataclasses.is_dataclass(config_class)):
        raise ValueError("src/model/__init__.py has no dataclass ModelConfig")
    config: Any = config_class()
    return build, config


def _own_claims(functional: ModuleType | None) -> tuple[str, ...]:
    own = getattr(functional, "CLAIMS", () if hasattr(functional, "example_batch") else (_TOKENS,))
    if not isinstance(own, tuple) or not all(isinstance(each, str) for each in own):
        raise TypeError(f"CLAIMS in {_FUNCTIONAL} is {own!r}, not a tuple of strings")
    return own


def _token_model(
    build: Any, config: Any, functional: ModuleType | None, *, spec: JudgeSpec, claims: tuple[str, ...]
) -> TokenModel:
    vocab_size = getattr(config, "vocab_size", None)
    if type(vocab_size) is not int or vocab_size < 2:  # noqa: PLR2004 - one token cannot be told from another
        raise ValueError(
            f"ModelConfig().vocab_size is {vocab_size!r}, not a number of tokens; a network that reads anything else "
            f"brings example_batch, loss and CLAIMS in {_FUNCTIONAL}"
        )
    if named := [each for each in claims if Claim.parse(each).names]:
        raise ValueError(f"{named[0]!r} names an input; a causal network over tokens has but one, which has no name")
    return TokenModel(
        build,
        vocab_size,
        loss_fn=getattr(functional, "loss", None),
        stream_fn=getattr(functional, "stream", None),
        spec=spec,
        claims=claims,
    )


def _tensor_model(
    build: Any, config: Any, functional: ModuleType | None, *, spec: JudgeSpec, claims: tuple[str, ...]
) -> TensorModel:
    for name, parameters in (("example_batch", "config, batch_size, seed"), ("loss", "module, inputs, targets")):
        if not callable(getattr(functional, name, None)):
            raise TypeError(f"{_FUNCTIONAL} has no {name}({parameters})")
    example_fn, loss_fn = (getattr(functional, name) for name in ("example_batch", "loss"))
    return TensorModel(build, partial(example_fn, config), loss_fn, spec=spec, claims=claims)
