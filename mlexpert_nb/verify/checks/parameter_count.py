"""Parameter count: as many numbers as were asked for, counted without allocating them."""

import torch
from torch import nn

from mlexpert_nb.verify.checks.network import Network, Outcome

TOLERANCE = 0.02  # share of the target


def parameter_count(model: Network) -> Outcome:
    """Count on the meta device, where no memory is allocated; the real network must have as many."""
    with torch.device("meta"):
        module = model.build()
    count = sum(parameter.numel() for parameter in module.parameters())
    real = sum(parameter.numel() for parameter in model.fresh().parameters())
    target = model.spec.num_parameters
    share = count / target - 1 if target else 0.0
    measured = f"{count:,} parameters" + (f" ({share:+.2%} of the target {target:,})" if target else "")
    if real != count:
        measured += f", but {real:,} when built for real"
    return Outcome(
        passed=count > 0 and real == count and abs(share) <= TOLERANCE,
        measured=measured,
        limit=f"within {TOLERANCE:.0%} of {target:,}" if target else "more than none (no target was named)",
        fix="change the width or the number of layers until the count is met; build nothing that depends on values",
        figures={"parameters": count, "target": target, "parts": _parts(module)},
    )


def _parts(module: nn.Module) -> dict[str, int]:
    """Count by part: modules that a `ModuleList` repeats are one part, named with `*`; tied weights count once."""
    parts: dict[str, int] = {}
    for name, parameter in module.named_parameters():
        path = ["*" if piece.isdigit() else piece for piece in name.split(".")[:-1]]
        depth = max(2, len(path) - path[::-1].index("*") + 1) if "*" in path else 2
        part = ".".join(path[:depth]) or name
        parts[part] = parts.get(part, 0) + parameter.numel()
    return parts
