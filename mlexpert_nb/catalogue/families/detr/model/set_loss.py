"""The loss of a set: objects are matched with queries at the least cost, then every query is told what it should say.

Paper: Carion et al. 2020, arXiv:2005.12872, section 3.1.

    eq. 1   match = argmin over assignments of the summed cost                `assign`
    cost    - p(class) + l1 |b - b'|_1 - giou GIoU(b, b')                     `match`
    eq. 2   cross entropy ("no object" weighs less) + l1 |b - b'|_1 + giou (1 - GIoU(b, b'))     `set_loss`

GIoU: Rezatofighi et al. 2019, arXiv:1902.09630, algorithm 1.
Shapes: B batch, Q queries, M objects of an image with padding, N matched pairs, K classes with "no object".
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mlexpert_nb.catalogue.families.detr.model.config import ModelConfig

PADDING = -1  # class of a row that is no object
FREE = -1  # owner of a column that no row has


def set_loss(logits_BQK: Tensor, boxes_BQ4: Tensor, targets: dict[str, Tensor], config: ModelConfig) -> Tensor:
    """Give the loss of one decoder layer's detections (eq. 2), averaged over the objects of the batch.

    Args:
        logits_BQK: Classes of each query.
        boxes_BQ4: Box of each query: centre, width, height.
        targets: "classes" (B, M) with -1 as padding, and their "boxes" (B, M, 4).
        config: Weights of the terms.

    Raises:
        ValueError: An image has more objects than there are queries.
    """
    with torch.no_grad():
        image_N, query_N, object_N = match(logits_BQK, boxes_BQ4, targets, config)
    no_object = logits_BQK.shape[-1] - 1
    labels_BQ = torch.full(logits_BQK.shape[:2], no_object, device=logits_BQK.device)
    labels_BQ[image_N, query_N] = targets["classes"][image_N, object_N]
    weight_K = logits_BQK.new_ones(no_object + 1)
    weight_K[no_object] = config.no_object_weight
    classes = F.cross_entropy(logits_BQK.transpose(1, 2), labels_BQ, weight_K)
    found_N4, wanted_N4 = boxes_BQ4[image_N, query_N], targets["boxes"][image_N, object_N]
    distance_N = (found_N4 - wanted_N4).abs().sum(-1)
    miss_N = 1 - giou(found_N4, wanted_N4)
    boxes = config.l1_weight * distance_N + config.giou_weight * miss_N
    return classes + boxes.sum() / max(1, len(image_N))


def match(
    logits_BQK: Tensor, boxes_BQ4: Tensor, targets: dict[str, Tensor], config: ModelConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """Match every object with a query of its image: the image, the query and the object of each pair, (N,) each."""
    classes_BM, wanted_BM4 = targets["classes"], targets["boxes"]
    queries = logits_BQK.shape[1]
    index_BMQ = classes_BM.clamp(min=0)[:, :, None].expand(-1, -1, queries)
    chance_BMQ = logits_BQK.softmax(-1).transpose(1, 2).gather(1, index_BMQ)
    found_BMQ4, wanted_BMQ4 = boxes_BQ4[:, None], wanted_BM4[:, :, None]
    distance_BMQ = (found_BMQ4 - wanted_BMQ4).abs().sum(-1)
    overlap_BMQ = giou(found_BMQ4, wanted_BMQ4)
    cost_BMQ = config.l1_weight * distance_BMQ - chance_BMQ - config.giou_weight * overlap_BMQ
    pairs = []
    for image, cost_MQ in enumerate(cost_BMQ.nan_to_num().tolist()):  # a diverged network is matched somehow
        objects = [row for row, kind in enumerate(classes_BM[image].tolist()) if kind != PADDING]
        if len(objects) > queries:
            raise ValueError(f"an image has {len(objects)} objects, but there are {queries} queries; raise num_queries")
        chosen = assign([cost_MQ[row] for row in objects])
        pairs += [(image, query, row) for row, query in zip(objects, chosen, strict=True)]
    image_N, query_N, object_N = torch.tensor(pairs, dtype=torch.long, device=logits_BQK.device).view(-1, 3).unbind(1)
    return image_N, query_N, object_N


def assign(cost: Sequence[Sequence[float]]) -> list[int]:
    """Give every row a column of its own at the least summed cost (eq. 1), by the Hungarian method.

    Shortest augmenting paths with prices, O(rows^2 columns): Jonker and Volgenant 1987, doi:10.1007/BF02278710.

    Args:
        cost: Rows of equal length, no fewer columns than rows; every number is finite.
    """
    if not cost:
        return []
    owner = [FREE] * len(cost[0])
    row_price, column_price = [0.0] * len(cost), [0.0] * len(cost[0])
    for start in range(len(cost)):
        _seat(cost, start, owner, (row_price, column_price))
    return [owner.index(row) for row in range(len(cost))]


def _seat(
    cost: Sequence[Sequence[float]], start: int, owner: list[int], prices: tuple[list[float], list[float]]
) -> None:
    """Seat one more row on the cheapest path, moving the rows that are in its way; changes owner and prices."""
    row_price, column_price = prices
    waiting = set(range(len(owner)))
    nearest, came_from = [math.inf] * len(owner), [FREE] * len(owner)
    taken: list[int] = []
    row, column = start, FREE
    while True:
        for other in waiting:
            slack = cost[row][other] - row_price[row] - column_price[other]
            if slack < nearest[other]:
                nearest[other], came_from[other] = slack, column
        column = min(waiting, key=nearest.__getitem__)
        step = nearest[column]
        row_price[start] += step
        for other in taken:
            column_price[other] -= step
            row_price[owner[other]] += step
        nearest = [distance - step for distance in nearest]
        row = owner[column]
        if row == FREE:
            break
        waiting.remove(column)
        taken.append(column)
    while came_from[column] != FREE:
        owner[column] = owner[came_from[column]]
        column = came_from[column]
    owner[column] = start


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Give the generalised intersection over union of boxes (..., 4) as centre, width, height; shapes broadcast."""
    a_low, a_high = _corners(a)
    b_low, b_high = _corners(b)
    shared = _area(torch.maximum(a_low, b_low), torch.minimum(a_high, b_high))
    union = _area(a_low, a_high) + _area(b_low, b_high) - shared
    hull = _area(torch.minimum(a_low, b_low), torch.maximum(a_high, b_high))
    return shared / union - (hull - union) / hull


def _corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    centre, size = boxes.split(2, dim=-1)
    return centre - size / 2, centre + size / 2


def _area(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp(min=0).prod(-1)
