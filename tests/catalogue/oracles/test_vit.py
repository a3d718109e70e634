"""The Vision Transformer against transformers: the same weights give the same logits and gradients."""

import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification

from mlexpert_nb.catalogue.families.vit.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.vit.model.vit import build_model

pytestmark = pytest.mark.oracle

SMALL = {
    "image_size": 32,
    "patch_size": 8,
    "num_channels": 3,
    "num_classes": 7,
    "hidden_size": 48,
    "num_layers": 3,
    "num_heads": 4,
    "mlp_dim": 96,
}
BASE = {"hidden_size": 768, "num_layers": 12, "num_heads": 12, "mlp_dim": 3072}


def oracle(config):
    """Build the library's network of the same configuration."""
    return ViTForImageClassification(
        ViTConfig(
            image_size=config.image_size,
            patch_size=config.patch_size,
            num_channels=config.num_channels,
            num_labels=config.num_classes,
            hidden_size=config.hidden_size,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            intermediate_size=config.mlp_dim,
            layer_norm_eps=config.layer_norm_eps,
        )
    )


def renamed(tensors):
    """Give the library's tensors, by name, under our names and in our shapes."""

    def linear(name):
        return {"weight": tensors[f"{name}.weight"], "bias": tensors[f"{name}.bias"]}

    parts = {
        "norm": linear("vit.layernorm"),
        "head": linear("classifier"),
        "patch_embedding": {
            "weight": tensors["vit.embeddings.patch_embeddings.projection.weight"].flatten(1),
            "bias": tensors["vit.embeddings.patch_embeddings.projection.bias"],
        },
    }
    for layer in range(SMALL["num_layers"]):
        home, ours = f"vit.layers.{layer}", f"layers.{layer}"
        qkv = [linear(f"{home}.attention.{part}_proj") for part in "qkv"]
        parts[f"{ours}.attention.query_key_value"] = {
            kind: torch.cat([part[kind] for part in qkv]) for kind in ("weight", "bias")
        }
        parts[f"{ours}.attention.out"] = linear(f"{home}.attention.o_proj")
        parts[f"{ours}.norm_attention"] = linear(f"{home}.layernorm_before")
        parts[f"{ours}.norm_mlp"] = linear(f"{home}.layernorm_after")
        parts[f"{ours}.mlp.0"] = linear(f"{home}.mlp.fc1")
        parts[f"{ours}.mlp.3"] = linear(f"{home}.mlp.fc2")
    named = {f"{name}.{kind}": tensor for name, part in parts.items() for kind, tensor in part.items()}
    return {
        **named,
        "class_token": tensors["vit.embeddings.cls_token"],
        "position_embedding": tensors["vit.embeddings.position_embeddings"],
    }


def gap(a, b):
    return (a - b).abs().max().item()


def test_logits_gradients_and_counts_equal_those_of_transformers(figures):
    theirs, ours = oracle(ModelConfig(**SMALL)).eval(), build_model(**SMALL).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    ours.load_state_dict(renamed(theirs.state_dict()))
    images, labels = torch.randn(4, 3, 32, 32), torch.tensor([0, 3, 6, 3])
    single = gap(ours(images), theirs(images).logits)

    theirs, ours, images = theirs.double(), ours.double(), images.double()
    output = gap(ours(images), theirs(images).logits)
    torch.nn.functional.cross_entropy(ours(images), labels).backward()
    theirs(images, labels=labels).loss.backward()
    gradients = renamed({name: parameter.grad for name, parameter in theirs.named_parameters()})
    gradient = max(gap(parameter.grad, gradients[name]) for name, parameter in ours.named_parameters())

    with torch.device("meta"):
        base = sum(parameter.numel() for parameter in oracle(ModelConfig(**BASE)).parameters())
    figures.add(
        "vit",
        "transformers ViTForImageClassification",
        output=output,
        output_float32=single,
        gradient=gradient,
        parameters=(count_parameters(ModelConfig(**BASE)), base),
    )
