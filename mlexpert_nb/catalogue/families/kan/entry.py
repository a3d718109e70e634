"""The entry of the catalogue: the Kolmogorov-Arnold network."""

from itertools import pairwise

from mlexpert_nb.catalogue.families.kan.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes

_WIDTHS = {2: 64, 3: 128, 4: 384, 6: 768, 8: 1536}  # by layers: deeper networks are wider


def _complete(keys: Keys) -> Keys:
    layers = keys["num_layers"]
    return {"hidden_size": _WIDTHS.get(layers, 64 * layers) if isinstance(layers, int) else 64}


def _implied(fixed: Keys) -> Keys:
    """Give the task of a network with one output: a class would have nothing to choose from."""
    return {"task": "regression"} if fixed.get("out_features") == 1 else {}


def _derived(config: ModelConfig) -> dict[str, object]:
    widths = config.widths
    return {
        "widths_said": " → ".join(map(str, widths)),
        "num_edges": f"{sum(i * o for i, o in pairwise(widths)):,}",
        "num_bases": config.num_bases,
        "loss_said": "cross entropy" if config.task == "classification" else "mean squared error",
    }


KAN = PlainEntry(
    name="kan",
    title="Kolmogorov-Arnold network",
    summary="Every edge is a learned function of one variable, B-splines beside a SiLU; the nodes only add",
    model_type="mlp",
    features=("KAN", "b_spline", "grid_refinement", "SiLU"),
    keywords=(
        *("kan", "kans", "kolmogorov arnold", "kolmogorov arnold network", "kolmogorov arnold networks"),
        *("spline network", "b spline network", "learnable activation functions", "efficient kan", "pykan"),
        *("kolmogorow arnold netz", "reseau de kolmogorov arnold", "red de kolmogorov arnold"),
    ),
    papers=("KAN: Kolmogorov-Arnold Networks, arXiv:2404.19756",),
    default_parameters=457_344,
    claims=("batch_independent",),
    options={
        "task": {
            "classification": ("classification", "classifier", "classify"),
            "regression": ("regression", "regressor", "function fitting", "symbolic regression"),
        },
    },
    numbers={
        "in_features": ("features", "inputs", "input features"),
        "out_features": ("classes", "outputs", "targets"),
        "hidden_size": ("hidden size", "width", "hidden units"),
        "num_layers": ("layers", "depth"),
        "grid_size": ("grid size", "grid intervals", "grid points", "grid", "g"),
        "spline_order": ("spline order", "spline degree", "k"),
    },
    request="Implement a Kolmogorov-Arnold network",
    package="kan",
    sizes=Sizes(
        presets={"mnist": {}, "knot": {"in_features": 17, "hidden_size": 1, "out_features": 14, "grid_size": 3}},
        grid={"num_layers": tuple(_WIDTHS)},
        complete=_complete,
        fine="hidden_size",
        step=1,
    ),
    implied=_implied,
    derived=_derived,
    usage="""\
config = model.config
x_BI = config.grid_limit * (2 * torch.rand(2, config.in_features) - 1)
output_BO = model(x_BI)

# the same function on a grid twice as fine, to train on from there
from model import refine

finer = refine(model, grid_size=2 * config.grid_size)""",
)
