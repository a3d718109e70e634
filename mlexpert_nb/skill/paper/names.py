"""What papers call their hyper-parameters: one concept, many names."""

import re
from collections.abc import Mapping
from functools import cache

CONCEPTS: Mapping[str, tuple[str, ...]] = {
    "width": (
        *("hidden size", "hidden dimension", "hidden dim", "hidden units", "hidden width", "model dimension"),
        *("model width", "width", "d_model", "dmodel", "embedding dimension", "embedding dim", "embedding size"),
        *("token dimension", "latent dimension", "model size", "hidden"),
    ),
    "depth": (
        *("number of layers", "num layers", "encoder layers", "transformer layers", "decoder layers", "layers"),
        *("number of blocks", "transformer blocks", "encoder blocks", "blocks", "depth"),
    ),
    "heads": (
        *("number of heads", "number of attention heads", "num heads", "self-attention heads", "attention heads"),
        *("query heads", "heads"),
    ),
    "kv heads": ("key value heads", "key/value heads", "kv heads", "number of kv heads"),
    "head size": ("head dimension", "head size", "head dim", "dimension of a head"),
    "mlp width": (
        *("mlp size", "mlp dimension", "mlp dim", "mlp width", "mlp hidden size", "feed-forward dimension"),
        *("feed-forward size", "feed-forward width", "ffn dimension", "ffn size", "intermediate size", "d_ff", "dff"),
    ),
    "mlp ratio": ("mlp ratio", "expansion ratio", "ffn ratio"),
    "patch size": ("patch size", "patch length", "size of a patch", "patch"),
    "patch stride": ("patch stride",),
    "image size": ("image size", "input resolution", "image resolution", "resolution", "input size"),
    "classes": ("number of classes", "classes", "output classes", "categories"),
    "channels": ("input channels", "image channels", "number of channels", "channels"),
    "vocabulary": ("vocabulary size", "vocab size", "vocabulary", "number of tokens"),
    "context": (
        *("context length", "sequence length", "maximum length", "context size", "max length", "lookback window"),
        *("look-back window", "context window"),
    ),
    "horizon": ("prediction length", "forecast horizon", "horizon"),
    "window": ("window size", "attention window", "sliding window", "window"),
    "rank": ("lora rank", "rank"),
    "alpha": ("lora alpha", "scaling alpha", "alpha"),
    "dropout": ("dropout rate", "dropout probability", "dropout"),
    "attention dropout": ("attention dropout",),
    "residual dropout": ("residual dropout",),
    "norm epsilon": (
        *("layer norm epsilon", "layernorm epsilon", "norm epsilon", "layer norm eps", "layernorm eps", "epsilon"),
    ),
    "state size": ("state size", "ssm state dimension", "state dimension", "state expansion"),
    "kernel": ("convolution kernel", "conv kernel", "kernel size"),
    "experts": ("number of experts", "experts"),
    "top k": ("experts per token", "active experts", "top-k"),
    "timesteps": ("diffusion steps", "number of timesteps", "timesteps"),
    "groups": ("number of groups", "norm groups", "groups"),
    "rope base": ("rope base", "rope theta", "rotary base"),
    "discount": ("discount factor", "discount", "gamma"),
    "clip range": ("clip range", "clipping parameter"),
    "features": ("number of features", "input features", "features"),
    "training": (
        *("learning rate", "batch size", "epochs", "training steps", "optimizer", "optimiser", "weight decay"),
        *("warmup steps", "warm-up steps", "warmup", "warm-up", "label smoothing", "momentum", "gradient clipping"),
        *("adam beta1", "adam beta2", "beta1", "beta2", "seed"),
    ),
}
_SYMBOL = 2  # letters of the longest one: "d_ff"
_FILLING = frozenset(  # words beside a known phrase that do not make it another thing
    {
        *("number", "num", "no", "of", "the", "size", "dimension", "dim", "in", "a", "an", "per", "each", "and", "for"),
        *(
            "model",
            "network",
            "transformer",
            "encoder",
            "decoder",
            "layer",
            "layers",
            "token",
            "input",
            "total",
            "rate",
        ),
        *("image", "pixels", "self", "our", "value", "values", "default", "maximum", "max", "peak"),
    }
)


@cache
def concept_of(name: str) -> str:
    """Say what a name in a table stands for: the longest phrase in it, if nothing else in it makes it another thing."""
    plain = _plain(name)
    found = [
        (len(phrase), concept)
        for concept, phrases in CONCEPTS.items()
        for phrase in phrases
        if _is_all(plain, _plain(phrase))
    ]
    return max(found, default=(0, ""))[1]


def _is_all(name: str, phrase: str) -> bool:
    """Say whether a name is a phrase, give or take filling words and symbols of a letter or two."""
    before, found, after = f" {name} ".partition(f" {phrase} ")
    rest = re.findall(r"[^\W_]+", f"{before} {after}")
    return bool(found) and all(len(word) <= _SYMBOL or word in _FILLING for word in rest)


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[-_/\s]+", " ", name.casefold()).split())
