"""The entry of the catalogue: the neural ordinary differential equation."""

from mlexpert_nb.catalogue.families.neural_ode.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes


def _complete(keys: Keys) -> Keys:
    return {"mlp_dim": keys["hidden_size"]}


def _derived(config: ModelConfig) -> dict[str, object]:
    widths = [config.hidden_size, *[config.mlp_dim] * (config.num_layers - 1), config.hidden_size]
    steps = f"steps chosen for each example, rtol {config.rtol:g}, atol {config.atol:g}"
    return {
        "widths_said": " → ".join(map(str, widths)),
        "solver_said": steps if config.method == "dopri5" else f"{config.num_steps} equal steps",
    }


NEURAL_ODE = PlainEntry(
    name="neural-ode",
    title="Neural ODE",
    summary="Classifier whose depth is time: a learned differential equation moves the state, a solver takes the steps",
    model_type="ode",
    features=("ODE_block", "RK4", "Euler", "dopri5", "adjoint"),
    keywords=(
        *("neural ode", "neural odes", "node network", "neural ordinary differential equation", "ode net", "odenet"),
        *("neural ordinary differential equations", "ode block", "continuous depth network", "neural differential"),
        *("neuronale differentialgleichung", "edo neuronal", "equation differentielle neuronale"),
    ),
    papers=(
        "Neural Ordinary Differential Equations, arXiv:1806.07366",
        "torchode: A Parallel ODE Solver for PyTorch (a step size for each example), arXiv:2210.12375",
    ),
    default_parameters=217_354,
    claims=("batch_independent",),
    options={
        "method": {
            "rk4": ("rk4", "runge kutta", "runge kutta 4"),
            "euler": ("euler",),
            "midpoint": ("midpoint",),
            "dopri5": ("dopri5", "dormand prince", "adaptive", "adaptive solver"),
        },
        "gradient": {
            "backprop": ("backpropagation", "backprop through the solver"),
            "adjoint": ("adjoint", "adjoint method"),
        },
    },
    numbers={
        "in_features": ("features", "inputs", "input features"),
        "num_classes": ("classes",),
        "hidden_size": ("hidden size", "width", "state size"),
        "num_layers": ("layers",),
        "num_steps": ("steps", "solver steps"),
    },
    request="Implement a Neural ODE",
    package="neural_ode",
    sizes=Sizes(
        presets={"ode-net": {}},
        grid={"hidden_size": (32, 64, 128, 256, 512, 1024, 2048, 4096), "num_layers": (2, 3, 4)},
        complete=_complete,
        fine="mlp_dim",
    ),
    derived=_derived,
    usage="""\
logits_BC = model(torch.randn(2, model.config.in_features))

# the solver alone, for an equation of yours: dz/dt = -z from t = 0 to t = 1
from model import Solver, odeint

z_BD = odeint(lambda t, z_BD: -z_BD, torch.ones(2, 3), 0.0, 1.0, Solver("dopri5", rtol=1e-6))""",
)
