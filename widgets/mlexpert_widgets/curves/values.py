"""What may be logged: numbers, and tensors and arrays of one element; taken so that they stay as they are now."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlexpert_widgets.live.series import Floats

LONGEST = 60  # letters of a value that is refused


def taken(name: str, value: Any) -> Any:
    """Take a value that is no plain number: as a float, or as a copy on its GPU, which is not waited for.

    Args:
        name: Of the metric.
        value: A number, a tensor or an array of one element.

    Raises:
        TypeError: It is not one number.
    """
    if hasattr(value, "detach"):
        value = value.detach()
        if value.is_cuda and value.numel() == 1 and not value.is_complex():
            return value.clone()
    shape = tuple(getattr(value, "shape", ()))
    if math.prod(shape) != 1:
        raise TypeError(f"{name} has shape {shape}, not one number; log {name}.mean(), or its elements")
    try:
        if isinstance(value, str | bytes):
            raise TypeError  # noqa: TRY301 - "0.5" would be a number
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        told = " ".join(repr(value).split())[:LONGEST]
        raise TypeError(f"{name}={told} is not one number; log numbers, or tensors of one element") from None


def fetched(values: list[Any]) -> Floats:
    """Give numbers for what was taken; what lies on a GPU comes over together, after one wait.

    Args:
        values: Numbers, and tensors that `taken` has copied; the tensors are replaced.
    """
    away: dict[Any, list[int]] = {}
    for at, value in enumerate(values):
        if type(value) is not float and type(value) is not int:
            away.setdefault(value.device, []).append(at)
    for device, places in away.items():
        for at, number in zip(places, _from(device, [values[at] for at in places]), strict=True):
            values[at] = number
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:  # an integer of more than 308 digits
        return np.array([float(str(each)) for each in values])


def _from(device: Any, tensors: list[Any]) -> Sequence[float]:
    import torch  # noqa: PLC0415 - who logs tensors has loaded it

    torch.cuda.synchronize(device)  # the copies were made on whatever stream the loop runs on
    found: list[float] = torch.stack([each.reshape(()).double() for each in tensors]).tolist()
    return found
