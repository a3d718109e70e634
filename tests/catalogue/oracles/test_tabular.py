"""FT-Transformer and ResNet for tables against the authors' package, after a copy of its weights."""

from importlib import import_module

import pytest
import torch

from mlexpert_nb.catalogue.families.tabular.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.tabular.model.tabular import FTTransformer, TabularResNet

pytestmark = pytest.mark.oracle

KEYS = {
    "num_features": 5,
    "cardinalities": (3, 7),
    "num_outputs": 4,
    "hidden_size": 24,
    "num_layers": 3,
    "num_heads": 4,
    "ffn_size": 32,
    "embedding_size": 6,
    "attention_dropout": 0.0,
    "ffn_dropout": 0.0,
}


class TheirResNet(torch.nn.Module):
    """Their ResNet has no categories: it is given embedded ones."""

    def __init__(self):
        super().__init__()
        self.tables = torch.nn.ModuleList(torch.nn.Embedding(each, 6) for each in (3, 7))
        keys = {"n_blocks": 3, "d_block": 24, "d_hidden": 32, "d_hidden_multiplier": None}
        self.net = import_module("rtdl_revisiting_models").ResNet(d_in=17, d_out=4, **keys, dropout1=0.0, dropout2=0.0)

    def forward(self, x_num, x_cat):
        embedded = [table(x_cat[:, column]) for column, table in enumerate(self.tables)]
        return self.net(torch.cat([x_num, *embedded], dim=1))


def their_transformer():
    keys = {"n_blocks": 3, "d_block": 24, "attention_n_heads": 4, "ffn_d_hidden": 32, "ffn_d_hidden_multiplier": None}
    dropouts = {"attention_dropout": 0.0, "ffn_dropout": 0.0, "residual_dropout": 0.0}
    return import_module("rtdl_revisiting_models").FTTransformer(
        n_cont_features=5, cat_cardinalities=[3, 7], d_out=4, **keys, **dropouts
    )


def of_transformer(theirs):
    """Give their tensors (or those that are joined in ours) by our names."""
    yield "tokens.class_token", [theirs["cls_embedding.weight"]]
    yield "tokens.weight", [theirs["cont_embeddings.weight"]]
    yield "tokens.bias", [theirs["cont_embeddings.bias"], theirs["cat_embeddings.bias"]]
    for column in range(2):
        yield f"tokens.categories.{column}.weight", [theirs[f"cat_embeddings.embeddings.{column}.weight"]]
    parts = {"attention.query": ("attention.W_q",), "attention.key_value": ("attention.W_k", "attention.W_v")}
    parts |= {"attention.out": ("attention.W_out",), "norm_attention": ("attention_normalization",)}
    parts |= {"norm_ffn": ("ffn_normalization",), "ffn.wide": ("ffn.linear1",), "ffn.narrow": ("ffn.linear2",)}
    for layer in range(3):
        for ours, names in parts.items():
            if layer or ours != "norm_attention":
                for kind in ("weight", "bias"):
                    found = [theirs[f"backbone.blocks.{layer}.{name}.{kind}"] for name in names]
                    yield f"layers.{layer}.{ours}.{kind}", found
    for ours, name in (("norm", "normalization"), ("head", "linear")):
        for kind in ("weight", "bias"):
            yield f"{ours}.{kind}", [theirs[f"backbone.output.{name}.{kind}"]]


def of_resnet(theirs):
    """Give their tensors by our names; those of a BatchNorm are among them."""
    for column in range(2):
        yield f"categories.{column}.weight", [theirs[f"tables.{column}.weight"]]
    names = {"stem": "input_projection", "norm": "output.normalization", "head": "output.linear"}
    for layer in range(3):
        for ours, name in (("norm", "normalization"), ("wide", "linear1"), ("narrow", "linear2")):
            names[f"layers.{layer}.{ours}"] = f"blocks.{layer}.{name}"
    for ours, name in names.items():
        kinds = [key.rsplit(".", 1)[1] for key in theirs if key.startswith(f"net.{name}.")]
        yield from ((f"{ours}.{kind}", [theirs[f"net.{name}.{kind}"]]) for kind in kinds)


def joined(parts, like):
    return (torch.cat(parts) if len(parts) > 1 else parts[0]).view_as(like)


@pytest.mark.parametrize("kind", ["ft_transformer", "resnet"])
@pytest.mark.parametrize("is_training", [False, True])
def test_outputs_and_gradients_are_theirs(kind, is_training, figures):
    is_transformer = kind == "ft_transformer"
    config = ModelConfig(**KEYS, kind=kind)
    ours = (FTTransformer if is_transformer else TabularResNet)(config).double().train(is_training)
    theirs = (their_transformer() if is_transformer else TheirResNet()).double().train(is_training)
    for parameter in theirs.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    names, state = of_transformer if is_transformer else of_resnet, ours.state_dict()
    copied = {name: joined(parts, state[name]) for name, parts in names(theirs.state_dict())}
    ours.load_state_dict({name: value.clone() for name, value in copied.items()})
    x_num, x_cat = torch.randn(16, 5, dtype=torch.float64), torch.stack([torch.arange(16) % 3, torch.arange(16) % 7], 1)
    y, z = ours(x_num, x_cat), theirs(x_num, x_cat)
    weights = torch.randn_like(y)
    (weights * y).sum().backward()
    (weights * z).sum().backward()
    gradients = dict(names({name: p.grad for name, p in theirs.named_parameters()}))
    difference = max((p.grad - joined(gradients[name], p)).abs().max().item() for name, p in ours.named_parameters())
    found32 = (ours.float()(x_num.float(), x_cat) - theirs.float()(x_num.float(), x_cat)).abs().max().item()
    figures.add(
        entry="tabular",
        oracle=f"rtdl_revisiting_models {'FTTransformer' if is_transformer else 'ResNet'}",
        output=(y - z).abs().max().item(),
        output_float32=found32,
        gradient=difference,
        parameters=(count_parameters(config), sum(p.numel() for p in theirs.parameters())),
    )
