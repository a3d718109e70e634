"""Networks whose layers have no sizes before their first call, such as `nn.LazyLinear`.

Shapes: B batch.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify.behaviour.slots import Reading
from mlexpert_nb.verify.behaviour.subject import PAIR, clone, outputs
from mlexpert_nb.verify.checks.network import seeded


def needs_a_call(module: nn.Module) -> bool:
    """Tell whether some parameter or buffer has no size yet."""
    return any(is_lazy(each) for each in (*module.parameters(), *module.buffers()))


def with_sizes(module: nn.Module, example_inputs: Any = None) -> nn.Module:
    """Give a network with the sizes that examples imply: itself if it has them, else a copy that was run on them.

    Raises:
        UsageError: There are no examples, or it does not run on them.
    """
    if not needs_a_call(module):
        return module
    kind = type(module).__name__
    if example_inputs is None:
        raise UsageError(
            f"{kind} has lazy layers without sizes; pass example_inputs, or run it once on an example before, as in "
            "a function build() of its file"
        )
    copied = clone(module).eval()
    try:
        with torch.no_grad(), seeded(0):
            if isinstance(example_inputs, Mapping):
                copied(**example_inputs)
            else:
                copied(*(example_inputs if isinstance(example_inputs, (tuple, list)) else (example_inputs,)))
    except Exception as error:
        line = " ".join(str(error).split())[:160]
        raise UsageError(f"{kind} does not run on example_inputs: {line}; give others") from error
    return copied.train(module.training)


def ready(module: nn.Module, reading: Reading) -> nn.Module:
    """Give a network that was just built its sizes, as the function `build` of a test file does."""
    if needs_a_call(module):
        with torch.no_grad():
            outputs(module.eval(), reading.draw(PAIR, seed=0), reading)
    return module
