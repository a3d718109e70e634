"""PatchTST against transformers' PatchTSTForPrediction after a copy of its weights, DLinear against its closed form."""

from importlib import import_module

import pytest
import torch

from mlexpert_nb.catalogue.families.patchtst.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.patchtst.model.patchtst import Forecaster

pytestmark = pytest.mark.oracle

KEYS = {
    "num_channels": 3,
    "context_length": 40,
    "prediction_length": 12,
    "patch_length": 8,
    "patch_stride": 4,
    "hidden_size": 24,
    "num_layers": 2,
    "num_heads": 4,
    "ffn_size": 40,
    "dropout": 0.0,
    "pad_end": False,  # their patches end with the series
}
PARTS = {
    "attention.query_key_value": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attention.out": ("self_attn.out_proj",),
    "ffn.0": ("ff.0",),
    "ffn.3": ("ff.3",),
}


def their_network(norm, *, pre_norm):
    library = import_module("transformers")
    config = library.PatchTSTConfig(
        num_input_channels=3,
        context_length=40,
        prediction_length=12,
        patch_length=8,
        patch_stride=4,
        d_model=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        ffn_dim=40,
        norm_type=f"{norm}norm",
        pre_norm=pre_norm,
        use_cls_token=False,
        pooling_type=None,
        positional_encoding_type="random",
        scaling="std",
        loss="mse",
    )
    return library.PatchTSTForPrediction(config)


def of_theirs(theirs, norm):
    """Give their tensors (or those that are joined in ours) by our names."""
    inner = ".batchnorm" if norm == "batch" else ""
    yield "core.position_embedding", [theirs["model.encoder.positional_encoder.position_enc"]]
    names = {"core.patch_embedding": ("model.encoder.embedder.input_embedding",), "core.head": ("head.projection",)}
    for layer in range(2):
        prefix = f"model.encoder.layers.{layer}."
        for ours, parts in PARTS.items():
            names[f"core.layers.{layer}.{ours}"] = tuple(prefix + part for part in parts)
        names[f"core.layers.{layer}.norm_attention"] = (f"{prefix}norm_sublayer1{inner}",)
        names[f"core.layers.{layer}.norm_ffn"] = (f"{prefix}norm_sublayer3{inner}",)
    for ours, parts in names.items():
        for kind in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            if f"{parts[0]}.{kind}" in theirs:
                yield f"{ours}.{kind}", [theirs[f"{part}.{kind}"] for part in parts]


def joined(parts):
    return torch.cat(parts) if len(parts) > 1 else parts[0]


@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("pre_norm", [False, True])
@pytest.mark.parametrize("is_training", [False, True])
def test_outputs_and_gradients_are_theirs(norm, pre_norm, is_training, figures):
    config = ModelConfig(**KEYS, norm=norm, pre_norm=pre_norm)
    ours, theirs = Forecaster(config).double().train(is_training), their_network(norm, pre_norm=pre_norm).double()
    theirs.train(is_training)
    for parameter in theirs.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    ours.load_state_dict({name: joined(parts).clone() for name, parts in of_theirs(theirs.state_dict(), norm)})
    past = 10 * torch.randn(4, 3, 40, dtype=torch.float64).cumsum(-1)
    y, z = ours(past), theirs(past_values=past.transpose(1, 2)).prediction_outputs.transpose(1, 2)
    weights = torch.randn_like(y) / 40
    (weights * y).sum().backward()
    (weights * z).sum().backward()
    gradients = dict(of_theirs({name: p.grad for name, p in theirs.named_parameters()}, norm))
    difference = max((p.grad - joined(gradients[name])).abs().max().item() for name, p in ours.named_parameters())
    past = past.float() / 100  # float32 is held to an absolute limit
    found32 = ours.float()(past) - theirs.float()(past_values=past.transpose(1, 2)).prediction_outputs.transpose(1, 2)
    figures.add(
        entry="patchtst",
        oracle="transformers PatchTSTForPrediction",
        output=(y - z).abs().max().item(),
        output_float32=found32.abs().max().item(),
        gradient=difference,
        parameters=(count_parameters(config), sum(p.numel() for p in theirs.parameters())),
    )


def test_dlinear_is_one_matrix_in_closed_form(figures):
    config = ModelConfig(**{**KEYS, "kind": "dlinear", "instance_norm": False, "kernel_size": 9})
    ours, past = Forecaster(config).double(), torch.randn(4, 3, 40, dtype=torch.float64)
    reach = torch.arange(-4, 5)
    averaging = torch.zeros(40, 40, dtype=torch.float64)
    for row in range(40):
        averaging[row].index_add_(0, (row + reach).clamp(0, 39), torch.full((9,), 1 / 9, dtype=torch.float64))
    trend, season = ours.core.trend, ours.core.season
    matrix = trend.weight @ averaging + season.weight @ (torch.eye(40, dtype=torch.float64) - averaging)
    expected = past @ matrix.T + trend.bias + season.bias
    figures.add("patchtst", "DLinear in closed form", output=(ours(past) - expected).abs().max().item())
