"""Parameter count: as many numbers as were asked for, counted without allocating them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mlexpert_nb.verify.checks.network import Network, Outcome

TOLERANCE = 0.02  # share of the target
_DRAWS = {Tensor.normal_, Tensor.uniform_, Tensor.bernoulli_}  # without memory; these load torch's compiler for it


class _Unfilled(TorchFunctionMode):
    """Leaves out drawing numbers into tensors that hold none."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation, unless there is nothing to fill."""
        del types
        given = {"tensor": args[0] if args else None, **(kwargs or {})}["tensor"]
        draws = func in _DRAWS or getattr(func, "__module__", "") == nn.init.__name__
        return given if draws and isinstance(given, Tensor) and given.is_meta else func(*args, **(kwargs or {}))


def parameter_count(model: Network) -> Outcome:
    """Count on the meta device, where no memory is allocated; the real network must have as many."""
    with torch.device("meta"), _Unfilled():
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
