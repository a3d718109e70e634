"""The entry of the catalogue: how the networks are found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.entry import Config
from mlexpert_nb.catalogue.families.tabular.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.packages import Json

_FT_SIZES = ((96, 0.1, 0.0), (128, 0.15, 0.05), (192, 0.2, 0.1), (256, 0.25, 0.15), (320, 0.3, 0.2), (384, 0.35, 0.25))
_DEFAULT_LAYERS = 3  # of the authors' package
_CATEGORIES = 10  # of a column, where a request says only how many columns there are
_RESNET_DROPOUT = 0.25  # the middle of the range that the paper searches
_DIAGRAMS = {
    "ft_transformer": """\
    numbers["x_num (B, {num_features})"] --> tokens["class token, columns' tokens<br/>(B, {num_tokens}, {width})"]
    categories["x_cat (B, {num_categorical})"] --> tokens
    tokens --> norm1
    subgraph layer["Transformer layer × {num_layers}"]
        norm1["LayerNorm, not in the first layer"] --> attention["self-attention, {num_heads} heads of {head_dim}"]
        attention --> sum1(("+"))
        norm1 -. "residual" .-> sum1
        sum1 --> norm2["LayerNorm"] --> ffn["ReGLU {width} → 2 × {ffn_size} → {width}"]
        ffn --> sum2(("+"))
        sum1 -. "residual" .-> sum2
    end
    sum2 --> head["class token: LayerNorm, ReLU, linear"] --> output["{output} (B, {num_outputs})"]""",
    "resnet": """\
    numbers["x_num (B, {num_features})"] --> row["one vector for the row (B, {num_inputs})"]
    categories["x_cat (B, {num_categorical}), embedded in {embedding_size} each"] --> row
    row --> stem["linear (B, {width})"] --> norm1
    subgraph layer["residual layer × {num_layers}"]
        norm1["BatchNorm"] --> mlp["linear {width} → {ffn_size}, ReLU, linear {ffn_size} → {width}"]
        mlp --> sum1(("+"))
        norm1 -. "residual" .-> sum1
    end
    sum1 --> head["BatchNorm, ReLU, linear"] --> output["{output} (B, {num_outputs})"]""",
}
_EQUATIONS = {
    "ft_transformer": """\
    T_j  = b_j + x_j W_j                    a column of numbers, section 3.3
    T_j  = b_j + W_j[x_j]                   a column of categories
    T    = [class token; T_1; …; T_k]
    T    ← T + MSA(LN(T))                   no LN in the first layer; in the last one the class token alone asks
    T    ← T + W_2 (a · ReLU(b))            with a, b = W_1 LN(T): ReGLU
    y    = W ReLU(LN(T_class)) + b""",
    "resnet": """\
    x_0     = W [numbers; embedded categories] + b                                       section 3.2
    x_(l+1) = x_l + Dropout(W_2 Dropout(ReLU(W_1 BatchNorm(x_l) + b_1)) + b_2)
    y       = W ReLU(BatchNorm(x_L)) + b""",
}


def _complete(keys: Keys) -> Mapping[str, Json]:
    """Give what goes with a kind, a width and a depth, as in the authors' package."""
    width, layers = int(str(keys["hidden_size"])), int(str(keys["num_layers"]))
    if keys["kind"] == "resnet":
        return {"ffn_size": 2 * width, "ffn_dropout": _RESNET_DROPOUT, "residual_dropout": 0.0}
    _, attention_dropout, ffn_dropout = _FT_SIZES[min(layers, len(_FT_SIZES)) - 1]
    heads = max(count for count in range(1, 9) if width % count == 0)
    dropouts: dict[str, Json] = {"attention_dropout": attention_dropout, "ffn_dropout": ffn_dropout}
    return {"num_heads": heads, "ffn_size": 4 * width // 3, **dropouts}


def _implied(fixed: Keys) -> Mapping[str, Json]:
    """Give the keys that follow from those that a request fixes: one number to predict; no column of categories."""
    keys: dict[str, Json] = {}
    if fixed.get("task") == "regression":
        keys["num_outputs"] = 1
    if "num_features" in fixed:
        keys["cardinalities"] = []
    return keys


def _derived(config: ModelConfig) -> Mapping[str, object]:
    num_categorical = len(config.cardinalities)
    values = {
        "num_features": config.num_features,
        "num_categorical": num_categorical,
        "num_tokens": 1 + config.num_columns,
        "num_inputs": config.num_features + num_categorical * config.embedding_size,
        "width": config.hidden_size,
        "num_layers": config.num_layers,
        "num_heads": config.num_heads,
        "head_dim": config.hidden_size // config.num_heads,
        "ffn_size": config.ffn_size,
        "embedding_size": config.embedding_size,
        "num_outputs": config.num_outputs,
        "output": "logits of the classes" if config.task == "classification" else "predicted numbers",
    }
    is_transformer = config.kind == "ft_transformer"
    return {
        **values,
        "kind_name": "FT-Transformer" if is_transformer else "ResNet",
        "reading": "makes a token of each column and lets the tokens attend to each other"
        if is_transformer
        else "reads the whole row as one vector",
        "diagram": _DIAGRAMS[config.kind].format(**values),
        "equations": _EQUATIONS[config.kind],
        "dropouts": f"{config.attention_dropout} of attention weights, " if is_transformer else "",
        "categories_said": ", ".join(map(str, config.cardinalities)) or "none",
    }


class _Tabular(PlainEntry):
    """People say how many columns of categories there are, and rarely how many categories each has."""

    def solve(self, num_parameters: int | None, fixed: Mapping[str, Json] | None = None) -> Config:
        """Give a full configuration within 2 % of the target, keeping the fixed keys; a published one where it fits."""
        kept = dict(fixed or {})
        columns = kept.pop("num_categorical", None)
        if isinstance(columns, int):
            kept = {"cardinalities": [_CATEGORIES] * columns, **kept}
        if kept.get("num_outputs") == 1:  # a class would have nothing to choose from
            kept = {"task": "regression", **kept}
        return super().solve(num_parameters, kept)


TABULAR = _Tabular(
    name="tabular",
    title="FT-Transformer and ResNet for tables",
    summary="Predicts a class or a number from the columns of a table, numbers and categories",
    model_type="transformer",
    features=("FT_Transformer", "tabular_ResNet", "feature_tokenizer", "ReGLU", "categorical_embeddings"),
    keywords=(
        *("ft transformer", "feature tokenizer transformer", "fttransformer", "tabular resnet", "tabular transformer"),
        *("tabular", "tabular data", "tabular network", "tabular classification", "tabular regression", "table data"),
        *("tabellarische daten", "tabellendaten", "donnees tabulaires", "datos tabulares"),
    ),
    papers=("Revisiting Deep Learning Models for Tabular Data, arXiv:2106.11959",),
    default_parameters=915_458,
    claims=("batch_independent",),
    options={
        "kind": {
            "ft_transformer": ("ft transformer", "transformer", "feature tokenizer"),
            "resnet": ("resnet", "residual network", "reseau residuel", "red residual"),
        },
        "task": {
            "classification": ("classification", "classifier", "klassifikation", "clasificacion"),
            "regression": ("regression", "regressor", "regresion"),
        },
    },
    numbers={
        "num_features": (
            "numerical features",
            "numeric features",
            "numerical columns",
            "numeric columns",
            "numeric",
            "numerical",
            "features",
            "columns",
        ),
        "num_categorical": ("categorical", "categorical features", "categorical columns"),
        "num_outputs": ("classes", "outputs", "targets", "klassen", "clases"),
        "num_layers": ("layers", "blocks", "schichten", "couches", "capas"),
        "num_heads": ("heads", "attention heads"),
        "hidden_size": ("hidden size", "width", "embedding dimension"),
    },
    request="Implement a network for tabular data",
    package="tabular",
    sizes=Sizes(
        presets={
            f"ft-transformer-{layers}": {
                "num_layers": layers,
                "hidden_size": width,
                "ffn_size": 4 * width // 3,
                "attention_dropout": attention_dropout,
                "ffn_dropout": ffn_dropout,
            }
            for layers, (width, attention_dropout, ffn_dropout) in sorted(
                enumerate(_FT_SIZES, start=1),
                key=lambda each: each[0] != _DEFAULT_LAYERS,
            )
        },
        grid={
            "kind": ("ft_transformer",),  # another one only where the request names it
            "num_layers": (1, 2, 3, 4, 5, 6, 8, 12, 16),
            "hidden_size": (32, 64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 1024, 1536),
        },
        complete=_complete,
        fine="ffn_size",
    ),
    implied=_implied,
    derived=_derived,
    usage="""
from model import functional

inputs, targets = functional.example_batch(model.config, 4, seed=0)  # x_num (4, numbers), x_cat (4, categories)
output = model.eval()(**inputs)  # logits of the classes, or the predicted numbers
""",
)
