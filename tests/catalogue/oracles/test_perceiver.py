"""Perceiver IO against transformers: the same weights give the same logits and gradients."""

import pytest
import torch
from transformers import PerceiverConfig, PerceiverForImageClassificationLearned

from mlexpert_nb.catalogue.families.perceiver.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.perceiver.model.perceiver import build_model

pytestmark = pytest.mark.oracle

SMALL = {  # the library fixes the embedding at 256 channels and the MLP at the width of a latent
    "image_size": 6,
    "num_classes": 7,
    "d_model": 256,
    "num_latents": 5,
    "d_latents": 48,
    "mlp_dim": 48,
    "num_blocks": 2,
    "num_self_attends_per_block": 3,
    "num_self_attention_heads": 4,
    "num_cross_attention_heads": 2,
}
PUBLISHED = {
    "image_size": 224,
    "num_classes": 1000,
    "d_model": 256,
    "num_latents": 512,
    "d_latents": 1024,
    "mlp_dim": 1024,
    "num_blocks": 8,
    "num_self_attends_per_block": 6,
}


def oracle(config):
    """Build the library's network of the same configuration."""
    return PerceiverForImageClassificationLearned(
        PerceiverConfig(
            image_size=config.image_size,
            num_labels=config.num_classes,
            num_latents=config.num_latents,
            d_latents=config.d_latents,
            num_blocks=config.num_blocks,
            num_self_attends_per_block=config.num_self_attends_per_block,
            num_self_attention_heads=config.num_self_attention_heads,
            num_cross_attention_heads=config.num_cross_attention_heads,
        )
    )


def renamed(tensors):
    """Give the library's tensors, by name, under our names and in our shapes."""
    pre, decoder = "perceiver.input_preprocessor", "perceiver.decoder.decoder"
    named = {
        "positions": tensors[f"{pre}.position_embeddings.position_embeddings"],
        "latents": tensors["perceiver.embeddings.latents"],
        "query": tensors[f"{decoder}.output_position_encodings.position_embeddings"],
    }
    layers = {"read": "perceiver.encoder.cross_attention", "answer": f"{decoder}.decoding_cross_attention"}
    for index in range(SMALL["num_self_attends_per_block"]):
        layers[f"layers.{index}"] = f"perceiver.encoder.self_attends.{index}"
    modules = {
        "position_projection": f"{pre}.positions_projection",
        "head": f"{decoder}.final_layer",
    }
    for ours, theirs in layers.items():
        modules |= {
            f"{ours}.norm_attention": f"{theirs}.attention.self.layernorm1",
            f"{ours}.attention.query": f"{theirs}.attention.self.query",
            f"{ours}.attention.out": f"{theirs}.attention.output.dense",
            f"{ours}.norm_mlp": f"{theirs}.layernorm",
            f"{ours}.mlp.0": f"{theirs}.mlp.dense1",
            f"{ours}.mlp.2": f"{theirs}.mlp.dense2",
        }
        if not ours.startswith("layers"):
            modules[f"{ours}.norm_input"] = f"{theirs}.attention.self.layernorm2"
    for kind in ("weight", "bias"):
        named |= {f"{ours}.{kind}": tensors[f"{theirs}.{kind}"] for ours, theirs in modules.items()}
        named[f"pixel_embedding.{kind}"] = tensors[f"{pre}.convnet_1x1.{kind}"].squeeze()
        for ours, theirs in layers.items():
            parts = [tensors[f"{theirs}.attention.self.{part}.{kind}"] for part in ("key", "value")]
            named[f"{ours}.attention.key_value.{kind}"] = torch.cat(parts)
    return named


def gap(a, b):
    return (a - b).abs().max().item()


def test_logits_gradients_and_counts_equal_those_of_transformers(figures):
    theirs, ours = oracle(ModelConfig(**SMALL)).eval(), build_model(**SMALL).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    ours.load_state_dict(renamed(theirs.state_dict()))
    images, labels = torch.randn(4, 3, 6, 6), torch.tensor([0, 3, 6, 3])
    single = gap(ours(images), theirs(images).logits)

    theirs, ours, images = theirs.double(), ours.double(), images.double()
    output = gap(ours(images), theirs(images).logits)
    torch.nn.functional.cross_entropy(ours(images), labels).backward()
    torch.nn.functional.cross_entropy(theirs(images).logits, labels).backward()
    gradients = renamed({name: parameter.grad for name, parameter in theirs.named_parameters()})
    gradient = max(gap(parameter.grad, gradients[name]) for name, parameter in ours.named_parameters())

    with torch.device("meta"):
        published = sum(parameter.numel() for parameter in oracle(ModelConfig(**PUBLISHED)).parameters())
    figures.add(
        "perceiver",
        "transformers PerceiverForImageClassificationLearned",
        output=output,
        output_float32=single,
        gradient=gradient,
        parameters=(count_parameters(ModelConfig(**PUBLISHED)), published),
    )
