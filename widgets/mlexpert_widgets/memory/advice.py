"""What to do about an out-of-memory error, with the numbers that speak for it, the most useful first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlexpert_widgets.live.amounts import size
from mlexpert_widgets.memory.failure import Failure
from mlexpert_widgets.memory.snapshot import UNKNOWN, Holder

if TYPE_CHECKING:
    from torch import nn

MANY = 20  # blocks of one line that are kept
TENTH = 0.1
NOWHERE = Failure()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the advice is drawn from.

    Attributes:
        device: "cuda", "mps" or "cpu".
        asked: Bytes that were asked for; None if that is not known.
        held: Bytes that tensors hold.
        free: Free bytes in torch's cache.
        largest_free: The largest free block there.
        fixed: Bytes of parameters and gradients, whatever the batch; 0 if the model is not known.
        full_precision: Whether the parameters are float32.
        holders: Who holds what, the most first.
        others: Process id and bytes of the other processes on the device.
        failure: Where the error came from.
    """

    device: str = "cpu"
    asked: float | None = None
    held: float = 0.0
    free: float = 0.0
    largest_free: float = 0.0
    fixed: float = 0.0
    full_precision: bool = True
    holders: Sequence[Holder] = ()
    others: Sequence[tuple[int, float]] = ()
    failure: Failure = NOWHERE


def fixed_of(model: "nn.Module | None") -> tuple[float, bool]:
    """Give the bytes of a model's parameters and gradients, and whether they are float32."""
    parameters = list(model.parameters()) if model is not None else []
    held = [*parameters, *(each.grad for each in parameters if each.grad is not None)]
    total = float(sum(each.numel() * each.element_size() for each in held))
    return total, not parameters or str(parameters[0].dtype) == "torch.float32"


def advise(facts: Facts) -> tuple[str, ...]:
    """Say what to do, the most useful first."""
    return (*_of_this_error(facts), *_of_training(facts), _of_the_traceback(facts))


def _of_this_error(facts: Facts) -> Iterator[str]:
    asked = facts.asked
    if asked and facts.free >= asked > facts.largest_free:
        yield (
            f"It would have fitted in one piece: {size(facts.free)} are free, but in pieces of at most "
            f"{size(facts.largest_free)}. Set PYTORCH_ALLOC_CONF=expandable_segments:True before torch is imported "
            "(older torch: PYTORCH_CUDA_ALLOC_CONF)."
        )
    elsewhere = sum(num for _, num in facts.others)
    if elsewhere and elsewhere >= (asked or 0):
        processes = ", ".join(f"{pid} ({size(num)})" for pid, num in facts.others)
        yield (
            f"Other processes hold {size(elsewhere)} of this GPU: {processes}. End them, or choose another GPU by "
            "CUDA_VISIBLE_DEVICES."
        )
    if asked and asked > facts.held > 0:
        yield (
            f"One tensor of {size(asked)} was asked for, more than all others hold together ({size(facts.held)}): look "
            f"at its shape{f' at {facts.failure.line}' if facts.failure.line else ''} first."
        )
    kept = next((each for each in facts.holders if _keeps(each, facts.held)), None)
    if kept is not None:
        yield (
            f"{kept.where} holds {kept.num_bytes / facts.held:.0%} of it in {kept.count} blocks: if results are put "
            "into a list there, keep numbers: loss.item(), or tensor.detach().cpu()."
        )


def _of_training(facts: Facts) -> Iterator[str]:
    if facts.failure.phase.startswith("in the step"):
        yield (
            "It failed in the optimizer's step, where Adam takes two more numbers for each parameter: an optimizer "
            "with less state (SGD, Adafactor, 8-bit Adam) or fewer trained parameters (LoRA) helps, the batch does not."
        )
    moving = max(0.0, facts.held - facts.fixed)
    much = f" ({size(moving)} here)" if facts.fixed and moving else ""
    half = f": about {size(moving / 2)} less" if facts.fixed and moving else ""
    enough = ", which is enough" if facts.fixed and facts.asked and moving / 2 >= facts.asked - facts.free else ""
    yield (
        f"Halve the batch and accumulate gradients over two steps: what depends on the batch{much} is halved"
        f"{half}{enough}."
    )
    where = next((each.module for each in facts.holders if each.module and each.module != "(model)"), "")
    yield (
        "Recompute activations on the way back: torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False)"
        f"{f', first around {where}' if where else ''}."
    )
    if facts.full_precision and facts.device != "cpu":
        yield (
            f'Compute in bfloat16: torch.autocast("{facts.device}", dtype=torch.bfloat16) makes most of what depends '
            f"on the batch half as large{half}."
        )
    if facts.device == "mps":
        yield "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 lifts the limit; then the whole system may run out of memory."


def _of_the_traceback(facts: Facts) -> str:
    then = " and torch.cuda.empty_cache() gives it to other processes" if facts.device == "cuda" else ""
    mine = " (torch has emptied its cache by itself before it failed)" if facts.device == "cuda" else ""
    return (
        "The error's traceback still holds the tensors of the failed step: before you try again, report.release() lets "
        f"go of them{then}{mine}."
    )


def _keeps(holder: Holder, held: float) -> bool:
    outside = holder.where.endswith("in <module>") and holder.where != UNKNOWN
    return outside and not holder.module and holder.count >= MANY and holder.num_bytes >= TENTH * held
