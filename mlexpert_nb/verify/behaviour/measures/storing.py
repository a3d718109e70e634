"""Does a network survive being saved, moved, cast and exported, and stay finite.

Shapes: B batch.
"""

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.measures.repeating import distance
from mlexpert_nb.verify.behaviour.report import Behaviour
from mlexpert_nb.verify.behaviour.slots import Inputs
from mlexpert_nb.verify.behaviour.subject import Subject, cast, clone, outputs, retyped
from mlexpert_nb.verify.checks.network import seeded

LARGE = 1e3
_OTHER = 7_340_033  # a seed that nobody builds a network with, or both would be the same
_MISMATCH = re.compile(
    r"same dtype|expected (?:scalar type|dtype|m1 and m2|\S+ to have)|(?:but found|but got|found dtype) .*"
    r"(?:float|double|half|bfloat16)|can't be cast|dtypes? .{0,20}(?:mismatch|match)|input and hidden tensors are not",
    re.IGNORECASE | re.DOTALL,
)
_OVERFLOW = re.compile("without overflow")
_DEVICES = re.compile(r"same device|expected device|meta and cpu|cpu and meta|on cpu.{0,40}meta|meta.{0,40}on cpu")


def save_load(subject: Subject) -> Behaviour:
    """Save the state to a file, load it into another network of the same kind, and compare."""
    module, inputs = subject.fresh(), subject.draw()
    before = subject.run(module, inputs)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = _another(subject)
    try:
        other.load_state_dict(torch.load(file, weights_only=True))
        moved = distance(before, subject.run(other, inputs))
    except (RuntimeError, ValueError) as error:
        return Behaviour("save_load", holds=False, must=True, measured=f"it cannot be loaded: {line(error)}", fix=_SAVE)
    measured = f"outputs differ by {moved:.1e} after the state went through a file"
    return Behaviour("save_load", moved <= subject.tolerance, must=True, measured=measured, fix=_SAVE)


_SAVE = (
    "put whatever the outputs depend on into parameters or buffers (register_buffer), or into the arguments of "
    "__init__; draw no random number in __init__ that is not saved"
)


def finite(subject: Subject) -> Behaviour:
    """Run on random inputs and on zeros: no NaN and no infinity may come out (minus infinity is a mask)."""
    usual, zeros = subject.draw(), subject.draw(whole=True)
    for slot in subject.reading.slots:
        if slot.kind in ("float", "unit") or (slot.kind == "range" and slot.low == 0):
            zeros[slot.name] = torch.zeros_like(zeros[slot.name])
    bad = {
        what: [name for name, each in subject.run(subject.fresh(), inputs).items() if not _is_finite(each)]
        for what, inputs in (("random inputs", usual), ("zeros", zeros))
    }
    said = [f"{', '.join(names)} on {what}" for what, names in bad.items() if names]
    return Behaviour(
        "finite",
        not said,
        must=True,
        measured=f"NaN or infinity in {'; '.join(said)}"
        if said
        else "outputs on random inputs and on zeros are finite",
        fix="add a small number before a division, a logarithm and a root: x / (std + 1e-5); subtract the largest "
        "logit before exp",
    )


def finite_when_large(subject: Subject) -> Behaviour:
    """Run on large inputs."""
    name, inputs = "finite_when_large", subject.draw()
    floats = [slot.name for slot in subject.reading.slots if slot.kind == "float"]
    if not floats:
        return Behaviour(name, None, must=False, measured="it reads no unbounded numbers")
    large = {key: LARGE * each if key in floats else each for key, each in inputs.items()}
    bad = [key for key, each in subject.run(subject.fresh(), large).items() if not _is_finite(each)]
    said = f"outputs on inputs of size {LARGE:g} are {'not ' if bad else ''}finite"
    return Behaviour(name, not bad, must=False, measured=said)


def dtypes(subject: Subject) -> tuple[Behaviour, ...]:
    """Cast the network and its inputs: does it run, and stay in that kind of number.

    A tensor that is made in one kind only is a defect, told once; a layer that torch has for some kinds only is none.
    Of float16 only a constant is told that is too large for it.
    """
    is_complex = any(each.is_complex() for each in subject.module.state_dict().values())
    kinds = (torch.float64, torch.float16) if is_complex else (torch.float64, torch.bfloat16, torch.float16)
    found: list[Behaviour] = []
    for dtype in kinds:
        made, error = _dtype(subject, dtype)
        pattern = _OVERFLOW if dtype == torch.float16 else _MISMATCH
        broken = bool(pattern.search(error)) and not any(each.must for each in found)
        if broken or dtype != torch.float16:
            found.append(replace(made, must=broken, fix=_DTYPE if broken else ""))
    return tuple(found)


_DTYPE = (
    "make tensors in the kind of number at hand: torch.zeros(…, dtype=x.dtype, device=x.device), x.new_zeros(…), "
    ".to(x.dtype) after a step in float32; mask with torch.finfo(x.dtype).min or -inf, not with -1e9"
)


def device(subject: Subject) -> Behaviour:
    """Move the network and its inputs to another device, the one without storage: does everything go along."""
    name, inputs = "device", {key: each.to("meta") for key, each in subject.draw().items()}
    try:
        with torch.no_grad():
            outputs(subject.fresh().to("meta"), inputs, subject.reading)
    except Exception as error:  # noqa: BLE001 - the network is not ours
        if not _DEVICES.search(str(error)):
            return Behaviour(name, None, must=True, measured=f"cannot be told without a GPU: {line(error)}")
        return Behaviour(
            name,
            holds=False,
            must=True,
            measured=f"after .to(device) something stayed behind: {line(error)}",
            fix="make tensors in forward with device=x.device, hold constants in register_buffer, layers in "
            "nn.ModuleList",
        )
    return Behaviour(name, holds=True, must=True, measured="after .to(device) everything is on that device")


def export(subject: Subject) -> Behaviour:
    """Trace the whole network with torch.export and compare what the program gives."""
    inputs, module = subject.draw(), subject.fresh()
    try:
        with warnings.catch_warnings(), seeded(0), torch.no_grad():
            warnings.simplefilter("ignore")
            given = subject.reading.arguments(inputs)
            args, names = ((), given) if subject.reading.by_name else (tuple(given.values()), {})
            with _silence():
                program = torch.export.export(module, args, names).module()
        moved = distance(subject.run(subject.fresh(), inputs), _run(program, inputs, subject))
    except Exception as error:  # noqa: BLE001 - tracing raises whatever the network and torch come to
        return Behaviour("export", holds=False, must=False, measured=f"torch.export refuses it: {line(error)}")
    measured = f"the program of torch.export gives the outputs to within {moved:.1e}"
    return Behaviour("export", moved <= subject.loose, must=False, measured=measured)


def line(error: Exception) -> str:
    """Give an error in one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what torch prints and logs of a network that it cannot trace from the user's terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _run(program: nn.Module, inputs: Inputs, subject: Subject) -> dict[str, Tensor]:
    with torch.no_grad(), seeded(0):
        return outputs(program, inputs, subject.reading)


def _another(subject: Subject) -> nn.Module:
    """Give a network of the same kind with other weights: built anew, or a copy whose saved tensors were changed."""
    if subject.build is not None:
        with seeded(_OTHER):
            return retyped(subject.build(), subject.dtype).eval()
    other = clone(subject.module)  # of its own numbers, which are changed here
    with torch.no_grad():
        for each in other.state_dict().values():
            if each.is_floating_point():
                each.add_(1.0)
    return other


def _dtype(subject: Subject, dtype: torch.dtype) -> tuple[Behaviour, str]:
    """Run in a kind of number; give what was found, and the error if there was one."""
    short = str(dtype).removeprefix("torch.")
    name, module = f"dtype:{short}", retyped(subject.fresh(), dtype)
    try:
        with torch.no_grad(), seeded(0):
            given = outputs(module, cast(subject.draw(), dtype), subject.reading)
    except Exception as error:  # noqa: BLE001 - the network is not ours
        said = f"does not run in {short}: {line(error)}"
        return Behaviour(name, holds=False, must=False, measured=said), str(error)
    other = [
        f"{key} is {each.dtype}" for key, each in given.items() if each.is_floating_point() and each.dtype != dtype
    ]
    bad = [*other, *(f"{key} is not finite" for key, each in given.items() if not _is_finite(each))]
    return Behaviour(name, not bad, must=False, measured="; ".join(bad) or f"runs in {short} and stays in it"), ""


def _is_finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point():
        return True
    return not bool((tensor.isnan() | (tensor == float("inf"))).any())
