"""DETR written out anew, with functions and loops alone; dropout draws in the order of the network."""

import itertools
import math

import torch
import torch.nn.functional as F

SMALL = {
    "image_size": 16,
    "num_channels": 2,
    "num_classes": 3,
    "num_queries": 5,
    "backbone_channels": (16, 24),
    "hidden_size": 16,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "num_heads": 2,
    "ffn_dim": 24,
    "dropout": 0.0,
    "no_object_weight": 0.1,
    "l1_weight": 5.0,
    "giou_weight": 2.0,
}


def shaken(model):
    """Move every parameter away from its start, where norms and biases hide mistakes."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def positions(height, width, dim):
    """Encode places one by one."""
    half, rows = dim // 2, []
    for y, x in itertools.product(range(1, height + 1), range(1, width + 1)):
        row = []
        for place in (2 * math.pi * y / (height + 1e-6), 2 * math.pi * x / (width + 1e-6)):
            for k in range(half):
                angle = place / 10_000 ** (2 * (k // 2) / half)
                row.append(math.cos(angle) if k % 2 else math.sin(angle))
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


def attend(part, queries, keys, values, drop):
    """Attend head by head's slice, with the weights dropped."""
    width, heads = queries.shape[-1], part.num_heads
    weights, biases = part.in_proj_weight.chunk(3), part.in_proj_bias.chunk(3)
    q, k, v = (
        F.linear(x, w, b).unflatten(-1, (heads, -1)).transpose(1, 2)
        for x, w, b in zip((queries, keys, values), weights, biases, strict=True)
    )
    mix = F.dropout((q @ k.transpose(2, 3) / math.sqrt(width / heads)).softmax(-1), drop)
    out = F.linear((mix @ v).transpose(1, 2).flatten(2), part.out_proj.weight, part.out_proj.bias)
    return out.transpose(0, 1).contiguous().transpose(0, 1)  # dropout draws in the order of memory


def norm(part, x):
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    return (x - mean) / (variance + 1e-5).sqrt() * part.weight + part.bias


def mlp(part, x, drop):
    hidden = F.dropout(F.linear(x, part[0].weight, part[0].bias).clamp(min=0), drop)
    return F.linear(hidden, part[3].weight, part[3].bias)


def group_norm(part, x):
    grouped = x.unflatten(1, (8, -1))
    mean = grouped.mean((2, 3, 4), keepdim=True)
    variance = grouped.var((2, 3, 4), keepdim=True, unbiased=False)
    return ((grouped - mean) / (variance + 1e-5).sqrt()).flatten(1, 2) * part.weight[:, None, None] + part.bias[
        :, None, None
    ]


def layers(model, images, drop=0.0):
    """Give logits and boxes after every decoder layer."""
    x = images
    for stage in model.backbone:
        x = group_norm(stage.norm_down, F.conv2d(x, stage.down.weight, stride=2, padding=1)).clamp(min=0)
        x = (x + group_norm(stage.norm_refine, F.conv2d(x, stage.refine.weight, padding=1))).clamp(min=0)
    x = torch.einsum("bchw,dc->bdhw", x, model.projection.weight[:, :, 0, 0]) + model.projection.bias[:, None, None]
    place = positions(*x.shape[2:], x.shape[1])
    x = x.flatten(2).transpose(1, 2)
    for layer in model.encoder:
        x = norm(layer.norm_attention, x + F.dropout(attend(layer.attention, x + place, x + place, x, drop), drop))
        x = norm(layer.norm_mlp, x + F.dropout(mlp(layer.mlp, x, drop), drop))
    query, y, found = model.queries, torch.zeros(len(x), *model.queries.shape, dtype=x.dtype), []
    for index, layer in enumerate(model.decoder):
        if index:
            mixed = attend(layer.self_attention, y + query, y + query, y, drop)
            y = norm(layer.norm_self, y + F.dropout(mixed, drop))
        read = attend(layer.cross_attention, y + query, x + place, x, drop)
        y = norm(layer.norm_cross, y + F.dropout(read, drop))
        y = norm(layer.norm_mlp, y + F.dropout(mlp(layer.mlp, y, drop), drop))
        out = norm(model.norm, y)
        box = out
        for part in (model.box_head[0], model.box_head[2]):
            box = F.linear(box, part.weight, part.bias).clamp(min=0)
        box = 1 / (1 + torch.exp(-F.linear(box, model.box_head[4].weight, model.box_head[4].bias)))
        found.append((F.linear(out, model.class_head.weight, model.class_head.bias), box))
    return found


def giou(a, b):
    """Give the generalised overlap of two boxes, as numbers."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a.tolist(), b.tolist()

    def side(low, high):
        return max(0.0, high - low)

    shared = side(max(ax - aw / 2, bx - bw / 2), min(ax + aw / 2, bx + bw / 2))
    shared *= side(max(ay - ah / 2, by - bh / 2), min(ay + ah / 2, by + bh / 2))
    hull = side(min(ax - aw / 2, bx - bw / 2), max(ax + aw / 2, bx + bw / 2))
    hull *= side(min(ay - ah / 2, by - bh / 2), max(ay + ah / 2, by + bh / 2))
    union = aw * ah + bw * bh - shared
    return shared / union - (hull - union) / hull


def cheapest(cost):
    """Try every assignment of rows to columns."""
    rows, columns = len(cost), len(cost[0])
    return min(
        itertools.permutations(range(columns), rows),
        key=lambda chosen: sum(cost[row][column] for row, column in enumerate(chosen)),
    )


@torch.no_grad()
def set_loss(logits, boxes, targets, weights):
    """Give the loss of one layer, pair by pair; weights: (no object, l1, giou)."""
    no_object, l1, overlap = weights
    crossed = weighed = box_loss = 0.0
    count = 0
    for image in range(len(logits)):
        objects = [m for m, kind in enumerate(targets["classes"][image].tolist()) if kind >= 0]
        chance, kinds = logits[image].softmax(-1), [logits.shape[-1] - 1] * logits.shape[1]
        wanted = {m: targets["boxes"][image, m] for m in objects}
        if objects:
            cost = [
                [
                    l1 * sum((box - wanted[m]).abs().tolist())
                    - chance[query, targets["classes"][image, m]].item()
                    - overlap * giou(box, wanted[m])
                    for query, box in enumerate(boxes[image])
                ]
                for m in objects
            ]
            for m, query in zip(objects, cheapest(cost), strict=True):
                kinds[query] = targets["classes"][image, m].item()
                box = boxes[image, query]
                box_loss += l1 * sum((box - wanted[m]).abs().tolist()) + overlap * (1 - giou(box, wanted[m]))
                count += 1
        for query, kind in enumerate(kinds):
            weight = no_object if kind == logits.shape[-1] - 1 else 1.0
            crossed -= weight * math.log(chance[query, kind])
            weighed += weight
    return crossed / weighed + box_loss / max(1, count)
