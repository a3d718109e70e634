"""The ResNet against transformers: the same weights give the same logits and gradients."""

import pytest
import torch
from transformers import ResNetConfig, ResNetForImageClassification

from mlexpert_nb.catalogue.families.resnet.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.resnet.model.resnet import build_model

pytestmark = pytest.mark.oracle

SMALL = {"width": 8, "num_classes": 7}
PUBLISHED = {
    "resnet-18": ({"num_blocks": (2, 2, 2, 2), "block": "basic"}, 11_689_512),
    "resnet-50": ({"num_blocks": (3, 4, 6, 3), "block": "bottleneck"}, 25_557_032),
}


def oracle(config):
    """Build the library's network of the same configuration."""
    return ResNetForImageClassification(
        ResNetConfig(
            num_channels=config.num_channels,
            embedding_size=config.width,
            hidden_sizes=[config.expansion * width for width in config.stage_widths],
            depths=list(config.num_blocks),
            layer_type=config.block,
            num_labels=config.num_classes,
        )
    )


def our_name(name, num_convolutions):
    """Give the name that a tensor of the library has with us."""
    kinds = {"convolution": 0, "normalization": 1}
    parts = name.split(".")
    if parts[0] == "classifier":
        return f"head.{parts[-1]}"
    if parts[1] == "embedder":
        return f"stem.{kinds[parts[3]]}.{parts[-1]}"
    _, _, _, stage, _, block, part, *rest = parts
    home = f"stages.{stage}.{block}"
    if part == "shortcut":
        return f"{home}.shortcut.{kinds[rest[0]]}.{rest[-1]}"
    assert int(rest[0]) < num_convolutions
    return f"{home}.branch.{3 * int(rest[0]) + kinds[rest[1]]}.{rest[-1]}"


def gap(a, b):
    return (a - b).abs().max().item()


def pair(sizes):
    """Give the library's network and ours with the same weights and statistics, all far from their start."""
    config = ModelConfig(**{**sizes, **SMALL})
    theirs, ours = oracle(config), build_model(**{**sizes, **SMALL})
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        for module in theirs.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.5, 2.0)
    number = 3 if config.block == "bottleneck" else 2
    ours.load_state_dict({our_name(name, number): tensor for name, tensor in theirs.state_dict().items()})
    return theirs, ours, number


@pytest.mark.parametrize("name", PUBLISHED)
def test_logits_gradients_and_counts_equal_those_of_transformers(name, figures):
    sizes, published = PUBLISHED[name]
    theirs, ours, number = pair(sizes)
    images, labels = torch.randn(4, 3, 64, 64), torch.tensor([0, 3, 6, 3])
    single = gap(ours.eval()(images), theirs.eval()(images).logits)
    theirs, ours, images = theirs.double(), ours.double(), images.double()
    output = gap(ours(images), theirs(images).logits)
    output = max(output, gap(ours.train()(images), theirs.train()(images).logits))  # and by the batch's statistics
    torch.nn.functional.cross_entropy(ours(images), labels).backward()
    theirs(images, labels=labels).loss.backward()
    gradients = {our_name(each, number): parameter.grad for each, parameter in theirs.named_parameters()}
    gradient = max(gap(parameter.grad, gradients[each]) for each, parameter in ours.named_parameters())
    with torch.device("meta"):
        built = sum(parameter.numel() for parameter in oracle(ModelConfig(**sizes)).parameters())
    assert built == published
    figures.add(
        "resnet",
        f"transformers ResNetForImageClassification ({name})",
        output=output,
        output_float32=single,
        gradient=gradient,
        parameters=(count_parameters(ModelConfig(**sizes)), built),
    )
