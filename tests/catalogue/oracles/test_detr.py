"""DETR against transformers and scipy: the same weights give the same detections, loss, gradients and matching."""

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from transformers import DetrConfig, ResNetConfig
from transformers.loss.loss_for_object_detection import (
    ForObjectDetectionLoss,
    center_to_corners_format,
    generalized_box_iou,
)
from transformers.models.detr.modeling_detr import (
    DetrDecoder,
    DetrEncoder,
    DetrMLPPredictionHead,
    DetrSinePositionEmbedding,
)

from mlexpert_nb.catalogue.families.detr.model.detr import build_model
from mlexpert_nb.catalogue.families.detr.model.functional import example_batch, loss
from mlexpert_nb.catalogue.families.detr.model.set_loss import assign, giou

pytestmark = pytest.mark.oracle

SMALL = {
    "image_size": 32,
    "num_classes": 7,
    "num_queries": 9,
    "backbone_channels": (16, 24),
    "hidden_size": 48,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "num_heads": 4,
    "ffn_dim": 72,
}


class Oracle(torch.nn.Module):
    """The library's transformer, positions and heads behind our own backbone, which has no counterpart there."""

    def __init__(self, ours):
        super().__init__()
        config = DetrConfig(
            backbone_config=ResNetConfig(),
            use_timm_backbone=False,
            d_model=48,
            encoder_layers=2,
            decoder_layers=3,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=72,
            decoder_ffn_dim=72,
            dropout=0.0,
            num_labels=7,
            num_queries=9,
        )
        config._attn_implementation = "eager"
        self.config = config
        self.features = lambda pixels: ours.projection(ours.backbone(pixels)).detach()
        self.encoder, self.decoder = DetrEncoder(config), DetrDecoder(config)
        self.places = DetrSinePositionEmbedding(24, normalize=True)
        self.queries = torch.nn.Parameter(torch.empty(9, 48))
        self.class_head, self.box_head = torch.nn.Linear(48, 8), DetrMLPPredictionHead(48, 48, 4, 3)

    def forward(self, pixels):
        """Give logits and boxes after every decoder layer."""
        x = self.features(pixels)
        places = self.places(x.shape, x.device, x.dtype).flatten(2).transpose(1, 2)
        memory = self.encoder(inputs_embeds=x.flatten(2).transpose(1, 2), spatial_position_embeddings=places)[0]
        queries = self.queries.expand(len(x), -1, -1)
        y, found = torch.zeros_like(queries), []
        for layer in self.decoder.layers:
            y = layer(y, None, places, queries, memory)
            found.append(self.decoder.layernorm(y))
        whole = self.decoder(
            inputs_embeds=torch.zeros_like(queries),
            encoder_hidden_states=memory,
            spatial_position_embeddings=places,
            object_queries_position_embeddings=queries,
        ).last_hidden_state
        assert torch.equal(whole, found[-1])
        return [(self.class_head(each), self.box_head(each).sigmoid()) for each in found]


def renamed(tensors):
    """Give the library's tensors, by name, under our names; a first self-attention, which ours lacks, is left out."""
    parts, joined = {}, {}
    names = {
        "self_attn_layer_norm": {"encoder": "norm_attention", "decoder": "norm_self"},
        "self_attn": {"encoder": "attention", "decoder": "self_attention"},
        "encoder_attn_layer_norm": {"decoder": "norm_cross"},
        "encoder_attn": {"decoder": "cross_attention"},
        "final_layer_norm": {"encoder": "norm_mlp", "decoder": "norm_mlp"},
    }
    for name, tensor in tensors.items():
        if "layers.0.self_attn" in name and name.startswith("decoder"):
            continue
        home, _, rest = name.partition(".layers.")
        if name.startswith("decoder.layernorm"):
            parts[name.replace("decoder.layernorm", "norm")] = tensor
        elif home in ("encoder", "decoder"):
            index, part, *more = rest.split(".")
            if part == "mlp":
                parts[f"{home}.{index}.mlp.{ {'fc1': 0, 'fc2': 3}[more[0]] }.{more[1]}"] = tensor
            elif more[0] in ("q_proj", "k_proj", "v_proj"):
                joined.setdefault(f"{home}.{index}.{names[part][home]}.in_proj_{more[1]}", {})[more[0]] = tensor
            else:
                tail = more[0] if len(more) == 1 else f"out_proj.{more[1]}"
                parts[f"{home}.{index}.{names[part][home]}.{tail}"] = tensor
        elif home == "box_head":
            index, kind = rest.split(".")
            parts[f"box_head.{2 * int(index)}.{kind}"] = tensor
        else:
            parts[name] = tensor
    for name, three in joined.items():
        parts[name] = torch.cat([three[f"{letter}_proj"] for letter in "qkv"])
    return parts


def gap(a, b):
    return (a - b).abs().max().item()


def both():
    """Build the two networks with the same weights; the library's first self-attention is made to do nothing."""
    ours = build_model(**SMALL)
    theirs = Oracle(ours)
    with torch.no_grad():
        for name, parameter in [*theirs.named_parameters(), *ours.named_parameters()]:
            is_scale = "norm" in name and name.endswith("weight")
            parameter.copy_(is_scale + 0.2 * torch.randn_like(parameter))
        first = theirs.decoder.layers[0]
        for parameter in (*first.self_attn.o_proj.parameters(), first.self_attn_layer_norm.bias):
            parameter.zero_()
    missing, unexpected = ours.load_state_dict(renamed(theirs.state_dict()), strict=False)
    assert not unexpected
    assert {name.partition(".")[0] for name in missing} == {"backbone", "projection"}
    return ours.eval(), theirs.eval()


def test_detections_loss_gradients_and_counts_are_those_of_transformers(figures):
    ours, theirs = both()
    inputs, targets = example_batch(ours.config, 4, 0)
    pixels = inputs["pixel_values"]
    single = gap(ours(pixels).logits, theirs(pixels)[-1][0])
    ours, theirs, pixels = ours.double(), theirs.double(), pixels.double()
    targets["boxes"] = targets["boxes"].double()
    found, layers = ours(pixels), theirs(pixels)
    pairs = [(found.logits, layers[-1][0]), (found.boxes, layers[-1][1])]
    pairs += [(found.early_logits[:, i], layers[i][0]) for i in range(2)]
    pairs += [(found.early_boxes[:, i], layers[i][1]) for i in range(2)]

    lists = [
        {"class_labels": kinds[kinds >= 0], "boxes": boxes[kinds >= 0]}
        for kinds, boxes in zip(targets["classes"], targets["boxes"], strict=True)
    ]
    torch.set_default_dtype(torch.float64)  # of the class weights that the library makes
    config = theirs.config
    config.auxiliary_loss, config.class_cost, config.bbox_cost, config.giou_cost = False, 1, 5, 2
    config.bbox_loss_coefficient, config.giou_loss_coefficient, config.eos_coefficient = 5, 2, 0.1
    expected = sum(
        ForObjectDetectionLoss(logits, lists, "cpu", boxes, config, None, None)[0] for logits, boxes in layers
    )
    given = loss(ours, {"pixel_values": pixels}, targets)
    given.backward()
    expected.backward()
    gradients = renamed({name: each.grad for name, each in theirs.named_parameters()})
    mine = {name: each.grad for name, each in ours.named_parameters() if name in gradients}
    first = theirs.decoder.layers[0]
    extra = sum(p.numel() for part in (first.self_attn, first.self_attn_layer_norm) for p in part.parameters())
    shared = sum(p.numel() for n, p in ours.named_parameters() if not n.startswith(("backbone", "projection")))
    figures.add(
        "detr",
        "transformers DetrEncoder, DetrDecoder and heads, with its loss",
        output=max(gap(given, expected), *(gap(a, b) for a, b in pairs)),
        output_float32=single,
        gradient=max(gap(mine[name], gradient) for name, gradient in gradients.items()),
        parameters=(shared, sum(p.numel() for p in theirs.parameters()) - extra),
    )


def test_the_generalised_overlap_is_that_of_transformers(figures):
    a, b = torch.rand(50, 4, dtype=torch.float64), torch.rand(40, 4, dtype=torch.float64)
    theirs = generalized_box_iou(center_to_corners_format(a), center_to_corners_format(b))
    figures.add("detr", "transformers generalized_box_iou", output=gap(giou(a[:, None], b), theirs))


def test_the_matching_is_that_of_scipy(figures):
    worst = 0.0
    for rows, columns in [(1, 1), (1, 9), (7, 7), (12, 30), (40, 100), (60, 60)]:
        for scale in (0, 1):
            cost = torch.randn(rows, columns, dtype=torch.float64)
            cost = cost if scale else cost.round()
            chosen, (row, column) = assign(cost.tolist()), linear_sum_assignment(cost.numpy())
            assert len(set(chosen)) == rows
            least = cost.numpy()[row, column].sum()
            worst = max(worst, abs(cost[torch.arange(rows), chosen].sum().item() - least))
            if scale:
                assert chosen == column.tolist()
    figures.add("detr", "scipy linear_sum_assignment", output=worst)
