"""CLIP against transformers, and NT-Xent against a double loop: the same weights give the same numbers."""

import pytest
import torch
from transformers import CLIPConfig, CLIPModel

from mlexpert_nb.catalogue.families.contrastive import CONTRASTIVE
from mlexpert_nb.catalogue.families.contrastive.model import functional
from mlexpert_nb.catalogue.families.contrastive.model.build import build_model
from mlexpert_nb.catalogue.families.contrastive.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.contrastive.model.simclr import nt_xent

pytestmark = pytest.mark.oracle

SMALL = {
    "objective": "clip",
    "image_size": 32,
    "patch_size": 8,
    "num_channels": 3,
    "hidden_size": 48,
    "num_layers": 3,
    "num_heads": 4,
    "mlp_dim": 96,
    "projection_dim": 20,
    "vocab_size": 50,
    "context_length": 16,
    "text_hidden_size": 32,
    "text_num_layers": 2,
    "text_num_heads": 2,
    "text_mlp_dim": 80,
}


def oracle(config):
    """Build the library's network of the same configuration, with its default activation, quick GELU."""
    image = {
        "image_size": config.image_size,
        "patch_size": config.patch_size,
        "num_channels": config.num_channels,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "intermediate_size": config.mlp_dim,
    }
    text = {
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.context_length,
        "hidden_size": config.text_hidden_size,
        "num_hidden_layers": config.text_num_layers,
        "num_attention_heads": config.text_num_heads,
        "intermediate_size": config.text_mlp_dim,
        "bos_token_id": 0,
        "eos_token_id": config.eos_token_id,
        "pad_token_id": 1,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=image, projection_dim=config.projection_dim))


def layers(tensors, theirs, ours, count):
    """Give the layers of a tower under our names."""
    parts = {}
    for layer in range(count):
        home, name = f"{theirs}.encoder.layers.{layer}", f"{ours}.layers.{layer}"
        for kind in ("weight", "bias"):
            qkv = [tensors[f"{home}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            parts[f"{name}.attention.query_key_value.{kind}"] = torch.cat(qkv)
            parts[f"{name}.attention.out.{kind}"] = tensors[f"{home}.self_attn.out_proj.{kind}"]
            parts[f"{name}.norm_attention.{kind}"] = tensors[f"{home}.layer_norm1.{kind}"]
            parts[f"{name}.norm_mlp.{kind}"] = tensors[f"{home}.layer_norm2.{kind}"]
            parts[f"{name}.mlp.hidden.{kind}"] = tensors[f"{home}.mlp.fc1.{kind}"]
            parts[f"{name}.mlp.out.{kind}"] = tensors[f"{home}.mlp.fc2.{kind}"]
    return parts


def renamed(tensors):
    """Give the library's tensors, by name, under our names and in our shapes."""
    image, text = "vision_model", "text_model"
    parts = {
        "logit_scale": tensors["logit_scale"],
        "image_projection.weight": tensors["visual_projection.weight"],
        "text_projection.weight": tensors["text_projection.weight"],
        "image_tower.patch_embedding.weight": tensors[f"{image}.embeddings.patch_embedding.weight"].flatten(1),
        "image_tower.class_token": tensors[f"{image}.embeddings.class_embedding"],
        "image_tower.position_embedding": tensors[f"{image}.embeddings.position_embedding.weight"],
        "text_tower.token_embedding.weight": tensors[f"{text}.embeddings.token_embedding.weight"],
        "text_tower.position_embedding": tensors[f"{text}.embeddings.position_embedding.weight"],
    }
    for kind in ("weight", "bias"):
        parts[f"image_tower.norm_before.{kind}"] = tensors[f"{image}.pre_layrnorm.{kind}"]
        parts[f"image_tower.norm.{kind}"] = tensors[f"{image}.post_layernorm.{kind}"]
        parts[f"text_tower.norm.{kind}"] = tensors[f"{text}.final_layer_norm.{kind}"]
    return {
        **parts,
        **layers(tensors, image, "image_tower", SMALL["num_layers"]),
        **layers(tensors, text, "text_tower", SMALL["text_num_layers"]),
    }


def gap(a, b):
    return (a - b).abs().max().item()


def test_embeddings_loss_gradients_and_counts_of_clip_equal_those_of_transformers(figures):
    theirs, ours = oracle(ModelConfig(**SMALL)).eval(), build_model(**SMALL).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    ours.load_state_dict(renamed(theirs.state_dict()))
    inputs, _ = functional.example_batch(ModelConfig(**SMALL), 5, 0)
    images, ids = inputs["images_BCHW"], inputs["input_ids_BT"]
    mask = (ids == 49).cumsum(1).roll(1, 1)
    mask[:, 0] = 0

    def both(pixels):
        """Give the gaps of embeddings and loss, and the library's loss; ours needs no mask of what follows the end."""
        output = ours(pixels, ids)
        expected = theirs(input_ids=ids, pixel_values=pixels, attention_mask=1 - mask, return_loss=True)
        loss = ours.loss(output)
        gaps = (
            gap(output.image_embeddings, expected.image_embeds),
            gap(output.text_embeddings, expected.text_embeds),
            gap(loss, expected.loss),
        )
        return max(gaps), loss, expected.loss

    single, _, _ = both(images)
    theirs, ours = theirs.double(), ours.double()
    output, loss, expected = both(images.double())
    loss.backward()
    expected.backward()
    gradients = renamed({name: parameter.grad for name, parameter in theirs.named_parameters()})
    gradient = max(gap(parameter.grad, gradients[name]) for name, parameter in ours.named_parameters())

    base = CONTRASTIVE.solve(None, CONTRASTIVE.presets["clip-vit-b/32"])
    with torch.device("meta"):
        published = sum(parameter.numel() for parameter in oracle(ModelConfig(**base)).parameters())
    assert published == 151_277_313
    figures.add(
        "contrastive",
        "transformers CLIPModel",
        output=output,
        output_float32=single,
        gradient=gradient,
        parameters=(count_parameters(ModelConfig(**base)), published),
    )


def double_loop(a, b, temperature):
    """Equation 1 of SimCLR for one view after the other, in the paper's interleaved order of algorithm 1."""
    views = [view / view.norm() for pair in zip(a, b, strict=True) for view in pair]
    losses = []
    for i, view in enumerate(views):
        partner = i + 1 if i % 2 == 0 else i - 1
        others = torch.stack([view @ other / temperature for k, other in enumerate(views) if k != i])
        losses.append(torch.logsumexp(others, 0) - view @ views[partner] / temperature)
    return sum(losses) / len(losses)


def test_nt_xent_and_its_gradients_equal_those_of_a_double_loop(figures):
    a, b = (torch.randn(7, 16, dtype=torch.float64, requires_grad=True) for _ in range(2))
    ours, written = nt_xent(a, b, 0.1), double_loop(a, b, 0.1)
    mine, theirs = torch.autograd.grad(ours, [a, b]), torch.autograd.grad(written, [a, b])
    figures.add(
        "contrastive",
        "NT-Xent, eq. 1 in a double loop",
        output=gap(ours, written),
        output_float32=gap(nt_xent(a.float(), b.float(), 0.1), written.float()),
        gradient=max(map(gap, mine, theirs)),
    )
