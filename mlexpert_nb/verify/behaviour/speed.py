"""How fast and how large a network is: milliseconds, examples a second, operations, parameters, memory.

Shapes: B batch.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from mlexpert_nb.verify.behaviour.examples import tensors_of
from mlexpert_nb.verify.behaviour.figures import Benchmark, Part
from mlexpert_nb.verify.behaviour.lazy import with_sizes
from mlexpert_nb.verify.behaviour.probing import find_reading
from mlexpert_nb.verify.behaviour.slots import Reading
from mlexpert_nb.verify.behaviour.subject import clone, outputs
from mlexpert_nb.verify.checks.network import seeded

BUDGET_S = 3.0  # for each of the timings
LEAST, MOST = 5, 200  # runs timed
WARM = 3
_ADAM = 3  # of a parameter: its gradient and two moments


def benchmark_module(module: nn.Module, example_inputs: Any = None, target_ms: float | None = None) -> Benchmark:
    """Measure a network on its own device; copies of it are run.

    Args:
        module: Any network.
        example_inputs: As for `find_reading`; what is measured has their batch size, or one example if None.
        target_ms: What a forward pass may take at the median.

    Raises:
        UsageError: What it reads cannot be found out.
    """
    module = with_sizes(module, example_inputs)
    reading = find_reading(module, example_inputs)
    first = next(iter(module.parameters()), torch.empty(0))
    inputs = _inputs(reading, {} if example_inputs is None else tensors_of(module, example_inputs), first)
    with seeded(0):
        forward = _timed(_forward(clone(module).eval(), inputs, reading), first.device)
        both = _timed(_training(clone(module).train(), inputs, reading), first.device)
        activations = _saved(clone(module).train(), inputs, reading)
        flops = _flops(clone(module).eval(), inputs, reading)
    weights = sum(each.numel() * each.element_size() for each in (*module.parameters(), *module.buffers()))
    trained = sum(each.numel() * each.element_size() for each in module.parameters() if each.requires_grad)
    batch = max((each.shape[0] for each in inputs.values() if each.ndim), default=1)
    return Benchmark(
        network=type(module).__name__,
        inputs=tuple(f"{name} {tuple(each.shape)}" for name, each in inputs.items()),
        device=torch.cuda.get_device_name(first.device) if first.is_cuda else "CPU",
        threads=torch.get_num_threads(),
        num_parameters=sum(each.numel() for each in module.parameters()),
        parts=_parts(module),
        forward_ms=_percentiles(forward),
        training_ms=_percentiles(both) if both else None,
        examples_per_s=1000 * batch / median(forward),
        flops=flops,
        inference_bytes=weights,
        training_bytes=weights + _ADAM * trained + activations,
        target_ms=target_ms,
    )


def _inputs(reading: Reading, examples: Mapping[str, Tensor], first: Tensor) -> dict[str, Tensor]:
    """Give what is measured: the user's examples, or one drawn example, on the device of the network."""
    drawn = reading.draw(1 if reading.has_rows else 16, seed=0, whole=True) | dict(examples)
    dtype = first.dtype if first.is_floating_point() else torch.float32
    return {
        name: each.detach().to(first.device, dtype if each.is_floating_point() else each.dtype)
        for name, each in drawn.items()
    }


def _forward(module: nn.Module, inputs: Mapping[str, Tensor], reading: Reading) -> Callable[[], bool]:
    def run() -> bool:
        with torch.no_grad():
            outputs(module, inputs, reading)
        return True

    return run


def _training(module: nn.Module, inputs: Mapping[str, Tensor], reading: Reading) -> Callable[[], bool]:
    """Give a forward and a backward pass; it says False where there is no way back."""

    def run() -> bool:
        try:
            given = outputs(module, inputs, reading).values()
        except ValueError:  # BatchNorm refuses to be trained on one example
            return False
        parts = [each.abs().float().square().mean() for each in given if each.requires_grad]
        if not parts:
            return False
        torch.stack(parts).sum().backward()
        module.zero_grad(set_to_none=True)
        return True

    return run


def _timed(run: Callable[[], bool], device: torch.device) -> list[float]:
    """Give the milliseconds of single runs after a warm-up; nothing where it cannot run."""
    for _ in range(WARM):
        if not run():
            return []
    samples: list[float] = []
    until = time.perf_counter() + BUDGET_S
    while len(samples) < LEAST or (len(samples) < MOST and time.perf_counter() < until):
        began = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        samples.append(1000 * (time.perf_counter() - began))
    return samples


def _saved(module: nn.Module, inputs: Mapping[str, Tensor], reading: Reading) -> int:
    """Count the bytes that a forward pass keeps for the way back, parameters aside."""
    known = {each.untyped_storage().data_ptr() for each in module.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        try:
            held = outputs(module, inputs, reading)
        except ValueError:  # as above
            return 0
    del held
    return sum(kept.values())


def _flops(module: nn.Module, inputs: Mapping[str, Tensor], reading: Reading) -> int | None:
    """Count the floating point operations of a forward pass; None where torch cannot."""
    try:
        with warnings.catch_warnings(), FlopCounterMode(display=False) as counter, torch.no_grad():
            warnings.simplefilter("ignore")
            outputs(module, inputs, reading)
    except (RuntimeError, NotImplementedError):
        return None
    return int(counter.get_total_flops()) or None


def _parts(module: nn.Module) -> tuple[Part, ...]:
    """Give the parameters of each child, and those that the network holds itself; shared ones are counted once."""
    seen: set[int] = set()
    parts = []
    for name, part in (("(itself)", module), *module.named_children()):
        own = list(part.parameters(recurse=part is not module))
        count = sum(each.numel() for each in own if id(each) not in seen)
        seen |= {id(each) for each in own}
        parts += [Part(name, type(part).__name__, count)] if count else []
    return tuple(parts)


def _percentiles(samples: list[float]) -> tuple[float, float]:
    ordered = sorted(samples)
    return round(median(ordered), 4), round(ordered[round(0.95 * (len(ordered) - 1))], 4)
