"""Does a network survive being saved, moved, cast and exported, and stay finite.

Shapes: B batch.
"""

import io
import re
import warnings

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.measures.repeating import distance
from mlexpert_nb.verify.behaviour.report import Behaviour
from mlexpert_nb.verify.behaviour.slots import Inputs
from mlexpert_nb.verify.behaviour.subject import Subject, cast, outputs
from mlexpert_nb.verify.checks.network import seeded

LARGE = 1e3
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
    """Cast the network and its inputs: does it run, and stay in that kind of number."""
    return tuple(_dtype(subject, dtype) for dtype in (torch.float64, torch.bfloat16))


def device(subject: Subject) -> Behaviour:
    """Move the network and its inputs to another device, the one without storage: does everything go along."""
    name, inputs = "device", {key: each.to("meta") for key, each in subject.draw().items()}
    try:
        with torch.no_grad():
            outputs(subject.fresh().to("meta"), inputs, by_name=subject.reading.by_name)
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
            names = inputs if subject.reading.by_name else {}
            args = () if subject.reading.by_name else tuple(inputs.values())
            program = torch.export.export(module, args, dict(names)).module()
        moved = distance(subject.run(subject.fresh(), inputs), _run(program, inputs, subject))
    except Exception as error:  # noqa: BLE001 - tracing raises whatever the network and torch come to
        return Behaviour("export", holds=False, must=False, measured=f"torch.export refuses it: {line(error)}")
    measured = f"the program of torch.export gives the outputs to within {moved:.1e}"
    return Behaviour("export", moved <= subject.loose, must=False, measured=measured)


def line(error: Exception) -> str:
    """Give the first line of an error, short."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:160]}"


def _run(program: nn.Module, inputs: Inputs, subject: Subject) -> dict[str, Tensor]:
    with torch.no_grad(), seeded(0):
        return outputs(program, inputs, by_name=subject.reading.by_name)


def _another(subject: Subject) -> nn.Module:
    """Give a network of the same kind with other weights: built anew, or a copy whose saved tensors were changed."""
    if subject.build is not None:
        with seeded(1):
            return subject.build().to(subject.dtype).eval()
    other = subject.fresh()
    with torch.no_grad():
        for each in other.state_dict().values():
            if each.is_floating_point():
                each.add_(1.0)
    return other


def _dtype(subject: Subject, dtype: torch.dtype) -> Behaviour:
    short = str(dtype).removeprefix("torch.")
    name, module = f"dtype:{short}", subject.fresh().to(dtype)
    try:
        with torch.no_grad(), seeded(0):
            given = outputs(module, cast(subject.draw(), dtype), by_name=subject.reading.by_name)
    except Exception as error:  # noqa: BLE001 - the network is not ours
        return Behaviour(name, holds=False, must=False, measured=f"does not run in {short}: {line(error)}")
    other = [
        f"{key} is {each.dtype}" for key, each in given.items() if each.is_floating_point() and each.dtype != dtype
    ]
    bad = [*other, *(f"{key} is not finite" for key, each in given.items() if not _is_finite(each))]
    return Behaviour(name, not bad, must=False, measured="; ".join(bad) or f"runs in {short} and stays in it")


def _is_finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point():
        return True
    return not bool((tensor.isnan() | (tensor == float("inf"))).any())
