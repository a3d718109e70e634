"""The commands about networks: one of the notebook, of a file, or of a workspace."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mlexpert_nb import api
from mlexpert_nb.answers import Answer, Front
from mlexpert_nb.config import DEFAULT_WORKSPACE
from mlexpert_nb.display import benchmark_card, examination_card, started_card, tests_card
from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.options import Call

if TYPE_CHECKING:
    from torch import nn


def init(call: Call, front: Front) -> Answer:
    """Start a project."""
    if len(call.words) > 1 and Path(call.words[1]).expanduser().is_file():
        raise UsageError(f"{call.words[1]} is a file; name a folder: init NAME DIR")
    template, params = (str(call.options.get(name, "")) for name in ("template", "params"))
    done = api.init(*call.words, template=template, params=params or None)
    return Answer(started_card(done, front.prefix), asdict(done))


def test(call: Call, front: Front) -> Answer:
    """Write tests of a network of the notebook, or write and run those of a file or a workspace."""
    module = _live(call, front)
    if module is None:
        done = api.check_target(_target(call), claims=_claims(call))
    else:
        done = api.add_tests(module, _live_inputs(call, front), claims=_claims(call))
    return Answer(tests_card(done), done.to_json(), 0 if done.passed else 4)


def profile(call: Call, front: Front) -> Answer:
    """Measure a network."""
    module, latency = _live(call, front), call.options.get("latency")
    target_ms = api.parse_duration(str(latency)) if latency else None
    if module is None:
        found = api.profile_target(_target(call), target_ms=target_ms)
    else:
        found = api.benchmark_model(module, _live_inputs(call, front), target_ms=target_ms)
    return Answer(benchmark_card(found), found.to_json(), 0 if found.passed else 4)


def validate(call: Call, front: Front) -> Answer:
    """Check an architecture."""
    module = _live(call, front)
    if module is None:
        found = api.validate_target(_target(call), claims=_claims(call))
    else:
        found = api.check_module(module, _live_inputs(call, front), claims=_claims(call)).examination
    return Answer(examination_card(found), found.to_json(), 4 if found.defects else 0)


def _live(call: Call, front: Front) -> "nn.Module | None":
    """Give the network of the notebook that a command names; None if it names a file, a folder or nothing."""
    if call.operand not in front.namespace:
        if "inputs" in call.options:
            raise UsageError(
                "--inputs names a variable of a notebook, beside a network that is one; take it out, or test the "
                "network of a file from Python: mlexpert_nb.add_tests(network, example_inputs)"
            )
        return None
    found = front.namespace[call.operand]
    if not (callable(getattr(found, "forward", None)) and hasattr(found, "named_parameters")):
        raise UsageError(f"{call.operand} is a {type(found).__name__}, not a torch.nn.Module; name a network or a file")
    return cast("nn.Module", found)


def _live_inputs(call: Call, front: Front) -> object:
    name = call.options.get("inputs")
    if name is None:
        return None
    if name not in front.namespace:
        known = [each for each in front.namespace if not each.startswith("_")]
        raise UnknownNameError.among("variable", str(name), known)
    return front.namespace[str(name)]


def _claims(call: Call) -> tuple[str, ...]:
    return tuple(each.strip() for each in str(call.options.get("claims", "")).split(",") if each.strip())


def _target(call: Call) -> str:
    return call.operand or str(api.defaults().workspace or DEFAULT_WORKSPACE)
