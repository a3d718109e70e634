"""What bounds a call: arithmetic, memory or overhead, from counts of its work and from peaks of the machine."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from mlexpert_widgets.latency.clock import Clock
from mlexpert_widgets.latency.kineto import OpTable
from mlexpert_widgets.latency.words import duration, three

PROBE_S = 0.15  # to spend on each peak
SIDES = {"cpu": (512, 1024)}  # of the matrices; large enough to fill the device, small enough to be repeated
SIDES_ELSEWHERE = (4096,)
COPIED = 32 << 20  # bytes; more than most caches hold
BOUND = 0.3  # of the time: what explains less of it does not bound it
OVERHEAD = 0.5  # of the time between ops, from which on that is the bound
NOTHING = 0.1  # of the time: work that explains less, in ops as short as `SHORT_S`, leaves the overhead of each op
SHORT_S = 20e-6


@dataclass(frozen=True, slots=True)
class Work:
    """What one call does.

    Attributes:
        flops: Floating-point operations; a multiply-add is two.
        num_bytes: Read and written by its ops, if nothing stays in a cache.
        dtype: Of most of its floating-point numbers.
    """

    flops: int
    num_bytes: int
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class Peak:
    """What the machine was seen to do at its best.

    Attributes:
        flops_per_s: In a product of large matrices.
        bytes_per_s: In a copy of a large block, read and written.
    """

    flops_per_s: float
    bytes_per_s: float


def work_of(call: Callable[[], object]) -> Work:
    """Count what one call does, by calling it once."""
    counter = _Counter()
    with counter:
        call()
    dtype = max(counter.dtypes, key=lambda each: counter.dtypes[each], default=torch.float32)
    return Work(counter.flops, counter.num_bytes, dtype)


def peak_of(clock: Clock, dtype: torch.dtype) -> Peak:
    """Measure the peaks of the machine, for a fraction of a second.

    Args:
        clock: Of the device.
        dtype: Of the numbers to multiply.
    """
    sides = SIDES.get(clock.device, SIDES_ELSEWHERE)
    with torch.no_grad():
        rates = [_product(clock, side, dtype, PROBE_S / len(sides)) for side in sides]
        source = torch.ones(COPIED, dtype=torch.uint8, device=clock.device)
        target = torch.empty_like(source)
        copy_s = _best(clock, lambda: target.copy_(source), PROBE_S)
    return Peak(max(rates), 2 * COPIED / copy_s)


def bound(work: Work, peak: Peak, seconds: float, ops: OpTable) -> str:
    """Say in a sentence what bounds a call; empty if the numbers do not show it.

    Args:
        work: What it does.
        peak: What the machine can do.
        seconds: How long it takes.
        ops: Its ops.
    """
    compute_s, memory_s = work.flops / peak.flops_per_s, work.num_bytes / peak.bytes_per_s
    explained = max(compute_s, memory_s) / seconds
    overhead = explained < BOUND and (ops.between or 0.0) >= OVERHEAD
    if ops.between is not None and (overhead or (explained < NOTHING and ops.mean_s < SHORT_S)):
        return (
            f"Overhead-bound: {100 * ops.between:.0f} % of the time is between ops, and an op takes "
            f"{duration(ops.mean_s)} on average. At the machine's peaks its arithmetic would take "
            f"{duration(compute_s)} and its memory traffic {duration(memory_s)} of {duration(seconds)}."
        )
    if explained < BOUND or not work.flops:
        return ""
    intensity, ridge = work.flops / max(1, work.num_bytes), peak.flops_per_s / peak.bytes_per_s
    facts = f"{three(intensity)} FLOP a byte, and this machine turns at {three(ridge)}"
    if compute_s >= memory_s:
        return f"Compute-bound: {_reached(work.flops / seconds, peak.flops_per_s, 'GFLOP/s')} ({facts})."
    return (
        f"Memory-bound: {_reached(work.num_bytes / seconds, peak.bytes_per_s, 'GB/s')}, if nothing is cached ({facts})."
    )


def _reached(rate: float, best: float, unit: str) -> str:
    if rate >= best:  # a probe on a busy machine, or a cache
        return f"{three(rate / 1e9)} {unit}, no less than the best measured on its own"
    return f"{three(rate / 1e9)} of {three(best / 1e9)} {unit} measured here"


def _product(clock: Clock, side: int, dtype: torch.dtype, seconds: float) -> float:
    a = torch.ones(side, side, device=clock.device, dtype=dtype)
    return 2 * side**3 / _best(clock, lambda: a @ a, seconds)


class _Counter(TorchDispatchMode):
    """Counts what ops compute, read and write; a view does neither."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types there
        self.flops = self.num_bytes = 0
        self.dtypes: dict[torch.dtype, int] = {}
        self._formulas: dict[Any, Callable[..., int]] = {**flop_registry, **_attention()}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the first op imports torch's compiler, for three seconds

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        formula = self._formulas.get(func._overloadpacket)  # noqa: SLF001 - what the formulas are filed under
        if formula is None:
            with self:
                result = func.decompose(*args, **named)  # one of several ops, in inference mode
            if result is not NotImplemented:
                return result
        result = func(*args, **named)
        if formula is not None:
            self.flops += int(formula(*args, **named, out_val=result))
        read, written = list(_tensors((args, named))), list(_tensors(result))
        places = {each.untyped_storage()._cdata for each in read}  # noqa: SLF001 - what a storage is known by
        is_view = not func._schema.is_mutable and all(  # noqa: SLF001 - the only place that tells
            each.untyped_storage()._cdata in places  # noqa: SLF001 - what a storage is known by
            for each in written
        )
        if not is_view:
            self._count([*read, *written])
        return result

    def _count(self, tensors: list[Tensor]) -> None:
        for each in tensors:
            size = min(each.numel() * each.itemsize, each.untyped_storage().nbytes())  # an expanded one has fewer
            self.num_bytes += size
            if each.is_floating_point():
                self.dtypes[each.dtype] = self.dtypes.get(each.dtype, 0) + size


def _tensors(values: object) -> Iterator[Tensor]:
    return (each for each in pytree.tree_leaves(values) if isinstance(each, Tensor) and each.layout == torch.strided)


def _attention() -> dict[Any, Callable[..., int]]:
    """Give formulas of what torch runs on the processor and does not count."""
    aten = torch.ops.aten
    forward = aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001 - its only name
    backward = aten._scaled_dot_product_flash_attention_for_cpu_backward  # noqa: SLF001 - its only name
    return {
        forward: lambda q, k, v, *_, **__: sdpa_flop_count(q.shape, k.shape, v.shape),
        backward: lambda grad, q, k, v, *_, **__: sdpa_backward_flop_count(grad.shape, q.shape, k.shape, v.shape),
    }


def _best(clock: Clock, call: Callable[[], object], seconds: float) -> float:
    """Give the shortest of the calls that there is time for."""
    best, end = math.inf, time.perf_counter() + seconds
    while math.isinf(best) or time.perf_counter() < end:
        best = min(best, clock.time(call))
    return best
