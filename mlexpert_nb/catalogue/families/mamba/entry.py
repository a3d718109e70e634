"""The entry of the catalogue: how the network is found, sized, described and written out."""

import math
from collections.abc import Mapping

from mlexpert_nb.catalogue.families.mamba.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes

_RANK = 16  # the step size's rank is the width divided by it
_PUBLISHED_VOCABULARY = 50280


def _complete(keys: Keys) -> dict[str, int]:
    """Give inner width and rank for a width, in the proportions of every published size."""
    width = int(str(keys["hidden_size"]))
    return {"intermediate_size": 2 * width, "time_step_rank": math.ceil(width / _RANK)}


def _implied(fixed: Keys) -> dict[str, int]:
    """Give the keys that follow from those that a request fixes."""
    return _complete(fixed) if "hidden_size" in fixed else {}


def _derived(config: ModelConfig) -> Mapping[str, object]:
    return {"past": config.conv_kernel - 1}


def _size(width: int, layers: int) -> dict[str, int]:
    return {"hidden_size": width, "num_hidden_layers": layers, **_complete({"hidden_size": width})}


def _published(width: int, layers: int) -> dict[str, int]:
    return {"vocab_size": _PUBLISHED_VOCABULARY, **_size(width, layers)}


_SIZES = Sizes(
    presets={
        "mamba-mini": _size(256, 8),  # in the proportions of the published sizes, which start at 130M
        "mamba-130m": _published(768, 24),
        "mamba-370m": _published(1024, 48),
        "mamba-790m": _published(1536, 48),
        "mamba-1.4b": _published(2048, 48),
        "mamba-2.8b": _published(2560, 64),
    },
    grid={
        "num_hidden_layers": (2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64),
        "hidden_size": (*range(8, 64, 4), *range(64, 128, 8), *range(128, 256, 16), *range(256, 3072, 64)),
    },
    complete=_complete,
    fine="intermediate_size",
)

MAMBA = PlainEntry(
    name="mamba",
    title="Mamba",
    summary="Language model without attention: every block remembers by a selective state space of fixed size",
    model_type="state_space",
    features=("selective_scan", "state_space", "causal_convolution", "gating", "RMSNorm", "recurrent_state"),
    keywords=(
        "mamba",
        "ssm",
        "state space model",
        "state-space model",
        "selective state space",
        "selective state space model",
        "selective scan",
        "structured state space",
        "s6",
        "linear-time sequence model",
        "zustandsraummodell",
        "modele d'espace d'etats",
        "modelo de espacio de estados",
    ),
    papers=("Mamba: Linear-Time Sequence Modeling with Selective State Spaces, arXiv:2312.00752",),
    default_parameters=11_696_384,
    claims=("causal", "batch_independent"),
    numbers={
        "vocab_size": ("vocabulary", "vocab", "vocab size", "tokens in the vocabulary"),
        "num_hidden_layers": ("layers", "blocks", "mamba blocks", "depth"),
        "hidden_size": ("hidden size", "model dimension", "embedding dimension", "width", "dim"),
        "state_size": ("state size", "state dimension", "states"),
        "conv_kernel": ("kernel", "kernel size", "convolution kernel"),
    },
    request="Implement Mamba",
    package="mamba",
    sizes=_SIZES,
    implied=_implied,
    derived=_derived,
    usage="""
ids_BT = torch.randint(model.config.vocab_size, (1, 16))
logits_BTV = model(ids_BT)
logits_BTV, state = model.stream(ids_BT)  # then token by token, in memory that does not grow
logits_BTV, state = model.stream(ids_BT[:, :1], state)
""",
)
