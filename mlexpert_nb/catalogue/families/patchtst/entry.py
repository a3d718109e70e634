"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.patchtst.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.packages import Json

_MOST_HEADS = 16  # of the published sizes
_LEAST_HEAD_DIM = 4
_DIAGRAMS = {
    "patchtst": """\
    scaled --> patches["{num_patches} patches of {patch_length} steps, one every {patch_stride}"]
    patches --> tokens["linear embedding + learned positions<br/>({num_patches} tokens of {width} for each series)"]
    tokens --> attention
    subgraph layer["encoder layer × {num_layers}, {order}"]
        attention["self-attention, {num_heads} heads of {head_dim}"] --> sum1(("+ residual, {norm} norm"))
        sum1 --> ffn["{width} → {ffn_size} → {width}, GELU"] --> sum2(("+ residual, {norm} norm"))
    end
    sum2 --> head["linear head over all tokens of a series"] --> forecast""",
    "dlinear": """\
    scaled --> trend["trend: moving average over {kernel_size} steps"]
    scaled --> rest["the rest: series less the trend"]
    trend --> W_t["linear {context_length} → {prediction_length}"] --> sum(("+"))
    rest --> W_s["linear {context_length} → {prediction_length}"] --> sum
    sum --> forecast""",
}
_EQUATIONS = {
    "patchtst": """\
    x_d = W_p x_p + W_pos                              a patch x_p becomes a token; section 3.1
    x_d ← Norm(x_d + MSA(x_d))                         (x_d + MSA(Norm(x_d)) where pre_norm=True)
    x_d ← Norm(x_d + W_2 GELU(W_1 x_d + b_1) + b_2)
    MSA = [softmax(q_n k_nᵀ / √E) v_n]_n W_O
    y   = W [x_1; …; x_T] + b                          all tokens of a series, one after another""",
    "dlinear": """\
    X_t = moving average of X, X_s = X - X_t           the decomposition; section 4
    y   = W_t X_t + b_t + W_s X_s + b_s""",
}


def _complete(keys: Keys) -> Mapping[str, Json]:
    """Give heads and feed-forward network for a width, in the proportions of the published sizes."""
    width = int(str(keys["hidden_size"]))
    wanted = min(_MOST_HEADS, max(1, width // _LEAST_HEAD_DIM))
    return {"num_heads": max(n for n in range(1, wanted + 1) if width % n == 0), "ffn_size": 2 * width}


def _implied(fixed: Keys) -> Mapping[str, Json]:
    """Give the keys that follow from those that a request fixes: patches that fit, no scaling in plain DLinear."""
    keys: dict[str, Json] = {}
    if fixed.get("kind") == "dlinear":
        keys["instance_norm"] = False
    if "context_length" in fixed or "patch_length" in fixed:
        length = int(str(fixed.get("context_length", ModelConfig.context_length)))
        patch = int(str(fixed.get("patch_length", min(ModelConfig.patch_length, max(1, length // 4)))))
        stride = range(max(1, patch // 2), 0, -1)
        keys |= {"patch_length": patch, "patch_stride": next(n for n in stride if (length - patch) % n == 0)}
    return keys


def _derived(config: ModelConfig) -> Mapping[str, object]:
    values = {
        "num_patches": config.num_patches,
        "patch_length": config.patch_length,
        "patch_stride": config.patch_stride,
        "width": config.hidden_size,
        "num_layers": config.num_layers,
        "num_heads": config.num_heads,
        "head_dim": config.hidden_size // config.num_heads,
        "ffn_size": config.ffn_size,
        "norm": config.norm,
        "order": "norms first" if config.pre_norm else "norms last",
        "kernel_size": config.kernel_size,
        "context_length": config.context_length,
        "prediction_length": config.prediction_length,
    }
    return {
        **values,
        "kind_name": "PatchTST" if config.kind == "patchtst" else "DLinear",
        "diagram": _DIAGRAMS[config.kind].format(**values),
        "equations": _EQUATIONS[config.kind],
        "scaling": "scaled by its own mean and deviation" if config.instance_norm else "as it is",
        "scaling_back": "<br/>scaled back" if config.instance_norm else "",
    }


PATCHTST = PlainEntry(
    name="patchtst",
    title="PatchTST",
    summary="Forecasts time series: a Transformer that reads patches of each series as tokens, or DLinear",
    model_type="transformer",
    features=("patching", "channel_independence", "RevIN", "self_attention", "BatchNorm", "DLinear"),
    keywords=(
        *("patchtst", "patch tst", "patch time series transformer", "time series transformer", "dlinear"),
        *("time series forecasting", "forecasting transformer", "forecaster", "channel independent"),
        *("zeitreihenvorhersage", "zeitreihenprognose", "prevision de series temporelles"),
        *("pronostico de series temporales", "prediccion de series temporales"),
    ),
    papers=(
        "A Time Series is Worth 64 Words: Long-term Forecasting with Transformers (PatchTST), arXiv:2211.14730",
        "Are Transformers Effective for Time Series Forecasting? (DLinear), arXiv:2205.13504",
        "Reversible Instance Normalization for Accurate Time-Series Forecasting (RevIN), ICLR 2022",
    ),
    default_parameters=921_184,
    claims=("batch_independent", "permutation_equivariant:past"),
    options={
        "kind": {"patchtst": ("patchtst", "patch tst", "transformer"), "dlinear": ("dlinear",)},
        "norm": {"batch": ("batch norm", "batchnorm"), "layer": ("layer norm", "layernorm")},
        "pre_norm": {"true": ("pre norm", "prenorm"), "false": ("post norm",)},
        "instance_norm": {
            "true": ("revin", "instance norm", "instance normalization"),
            "false": ("without revin", "no revin", "without instance norm"),
        },
    },
    numbers={
        "num_channels": ("channels", "series", "variables", "variates"),
        "context_length": ("context length", "lookback", "look back", "input length", "past steps", "input", "last"),
        "prediction_length": (
            "prediction length",
            "horizon",
            "forecast horizon",
            "steps ahead",
            "future steps",
            "ahead",
            "next",
        ),
        "patch_length": ("patch length", "patch size"),
        "num_layers": ("layers", "blocks", "schichten", "couches", "capas"),
        "num_heads": ("heads", "attention heads"),
        "hidden_size": ("hidden size", "width"),
    },
    request="Implement PatchTST",
    package="patchtst",
    sizes=Sizes(
        presets={
            "patchtst-42": {},
            "patchtst-64": {"context_length": 512},
            "patchtst-small": {"hidden_size": 16, "num_heads": 4, "ffn_size": 128, "dropout": 0.3},
        },
        grid={
            "kind": ("patchtst",),  # another one only where the request names it
            "num_layers": (2, 3, 4, 6, 8, 12),
            "hidden_size": (16, 24, 32, 40, 48, 56, 64, 80, 96, 128, 192, 256, 384, 512, 768, 1024),
        },
        complete=_complete,
        fine="ffn_size",
    ),
    implied=_implied,
    derived=_derived,
    usage="""
config = model.config
past = torch.randn(2, config.num_channels, config.context_length)
future = model.eval()(past)  # (2, channels, prediction_length)
""",
)
