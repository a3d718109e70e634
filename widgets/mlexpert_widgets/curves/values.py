"""What may be logged: numbers, and tensors and arrays of one element; taken so that they stay as they are now."""

import math
from collections.abc import Sequence
from typing import Any

PLAIN = frozenset({float, int})
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


def fetched(values: tuple[Any, ...]) -> tuple[float, ...]:
    """Give numbers for what was taken; what lies on a GPU comes over together, after one wait.

    Args:
        values: Numbers, and tensors that `taken` has copied.
    """
    types = set(map(type, values))
    if not types <= PLAIN:
        values = _here(values)
    if types == {float}:
        return values
    try:
        return tuple(map(float, values))
    except OverflowError:  # an integer of more than 308 digits
        return tuple([float(str(each)) for each in values])


def _here(values: Sequence[Any]) -> tuple[Any, ...]:
    """Give the values with numbers in place of tensors."""
    found, away = list(values), dict[Any, list[int]]()
    for at, value in enumerate(values):
        if type(value) not in PLAIN:
            away.setdefault(value.device, []).append(at)
    for device, places in away.items():
        for at, number in zip(places, _from(device, [values[at] for at in places]), strict=True):
            found[at] = number
    return tuple(found)


def _from(device: Any, tensors: list[Any]) -> Sequence[float]:
    import torch  # noqa: PLC0415 - who logs tensors has loaded it

    torch.cuda.synchronize(device)  # the copies were made on whatever stream the loop runs on
    found: list[float] = torch.stack([each.reshape(()).double() for each in tensors]).tolist()
    return found
