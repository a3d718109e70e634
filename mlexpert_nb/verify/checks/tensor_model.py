"""A network over any tensors, as the checks take it: it brings its own example batch, its loss and its claims.

Shapes: B batch, T positions, K classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.verify.checks.network import Example, Network, seeded
from mlexpert_nb.verify.checks.outputs import named_tensors

_LABELS = "cross entropy of the labels"
_IGNORED = -100  # label that no loss counts


@dataclass(frozen=True, slots=True)
class TensorModel(Network):
    """A network with named inputs and any outputs, as delivered.

    Attributes:
        example_fn: Gives inputs and targets from a batch size and a seed.
        loss_fn: Training loss of `(module, inputs, targets)`.
    """

    READS: ClassVar[str] = "inputs"
    GIVES: ClassVar[str] = "outputs"

    example_fn: Callable[[int, int], tuple[dict[str, Tensor], dict[str, Tensor]]]
    loss_fn: Callable[[nn.Module, dict[str, Tensor], dict[str, Tensor]], Tensor]

    def example(self, batch_size: int, seed: int = 0) -> Example:
        """Draw a batch; the same for the same seed.

        Raises:
            TypeError: What was drawn is not inputs and targets by name.
        """
        drawn = self.example_fn(batch_size, self.spec.seed + seed)
        if not isinstance(drawn, tuple) or [type(each) for each in drawn] != [dict, dict]:
            raise TypeError("example_batch does not give (inputs, targets), two dicts of tensors")
        for name, each in {**drawn[0], **drawn[1]}.items():
            if not isinstance(each, Tensor):
                raise TypeError(f"example_batch gives {name!r} as {type(each).__name__}, not as a tensor")
        return Example(*drawn)

    def outputs(self, module: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run the network and flatten what it returns: `logits`, `0`, `hidden.1`; a lone tensor is `output`.

        Raises:
            ValueError: There is no tensor in it.
        """
        returned = module(**inputs)
        found = dict(named_tensors(returned, ""))
        if not found:
            raise ValueError(f"model(**inputs) gives {type(returned).__name__}, in which there is no tensor")
        return found

    def loss(self, module: nn.Module, example: Example) -> Tensor:
        """Give the training loss; noise comes from the global generator, which the caller seeds."""
        return self.loss_fn(module, dict(example.inputs), dict(example.targets))

    def errors(self, module: nn.Module, example: Example) -> dict[str, float]:
        """Give what learning must lower: the loss, and the judge's own cross entropy where there are labels."""
        with seeded(self.spec.seed):
            found = {"loss": self.loss(module.train(), example).item()}
        for is_training in (True, False):  # what was learned by heart with one dropout may not be known without it
            with torch.no_grad(), seeded(self.spec.seed):
                outputs = self.outputs(module.train(is_training), example.inputs)
            if matched := _labelled(outputs, example.targets):
                error = F.cross_entropy(*matched, ignore_index=_IGNORED).item()
                found[_LABELS] = min(error, found.get(_LABELS, error))
        return found


def _labelled(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> tuple[Tensor, Tensor] | None:
    """Find the labels and the logits for them, as `(…, K)` and `(…)` flattened; None if there are none that match."""
    labels = [each for name, each in targets.items() if name.partition("_")[0] == "labels" and _is_integer(each)]
    logits = [each for name, each in outputs.items() if name == "output" or name.partition("_")[0] == "logits"]
    if len(labels) != 1 or len(logits) != 1 or not bool((labels[0] != _IGNORED).any()):
        return None
    for last in (logits[0], logits[0].movedim(1, -1) if logits[0].ndim > 1 else logits[0]):
        if last.ndim > 1 and last.shape[:-1] == labels[0].shape and labels[0].max() < last.shape[-1]:
            return last.flatten(0, -2).float(), labels[0].flatten().long()
    return None


def _is_integer(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool
