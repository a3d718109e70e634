"""Memory of a training step and of inference: measured on a GPU where there is one, else estimated from what is kept.

Shapes: B batch, T time.
"""

import resource
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks.live import LiveMemory
from mlexpert_nb.verify.checks.network import WHOLE_BATCH, Example, Network, Outcome, seeded
from mlexpert_nb.verify.checks.token_model import TokenModel
from mlexpert_nb.verify.figures import short_bytes

ADAMW_MOMENTS = 2


@dataclass(frozen=True, slots=True)
class _Step:
    """What is trained on, in words and as figures."""

    example: Example
    words: str
    figures: dict[str, Any]


def memory(model: Network) -> Outcome:
    """Take a training step on the smallest batch that trains; the bytes of it are held to the limit.

    Inference on the same batch is told beside it.
    """
    with seeded(model.spec.seed):
        step = _step(model)
        used, inference = _used(model, step.example), _inference(model, step.example)
        figures = {**step.figures, **used, "inference_bytes": inference, "cpu_peak_rss_bytes": _peak_rss()}
    limit = model.spec.vram_bytes
    peak = short_bytes(figures["cpu_peak_rss_bytes"])
    how = "measured" if figures["method"] == "measured" else "estimate, no GPU: weights, gradients, AdamW, activations"
    return Outcome(
        passed=limit is None or figures["bytes"] <= limit,
        measured=f"{short_bytes(figures['bytes'])} for a training step of {step.words}, {short_bytes(inference)} for "
        f"inference ({how}); the checks peaked at {peak} of CPU memory",
        limit="no limit was named" if limit is None else f"at most {short_bytes(limit)}",
        fix="fewer or narrower layers; torch.utils.checkpoint around each block; the loss in pieces",
        figures={"memory": figures},
    )


def _step(model: Network) -> _Step:
    if isinstance(model, TokenModel):
        figures = {"batch_size": 1, "tokens": model.context}
        return _Step(model.example(1, length=model.context), f"1 x {model.context} tokens", figures)
    module = model.fresh().train()
    least = WHOLE_BATCH if "whole_batch" in model.claims else 1
    size, example = model.smallest(lambda tried: model.loss(module, tried), least=least)
    return _Step(example, f"a batch of {size}", {"batch_size": size})


def _used(model: Network, example: Example) -> dict[str, Any]:
    if torch.cuda.is_available():
        used = _on_the_gpu(model, example)
        return {"bytes": used, "method": "measured", "device": torch.cuda.get_device_name()}
    return _estimate(model, example)


def _estimate(model: Network, example: Example) -> dict[str, Any]:
    module = model.fresh().train()
    weights = sum(each.nbytes for each in (*module.parameters(), *module.buffers()))
    gradients = sum(each.nbytes for each in module.parameters() if each.requires_grad)
    saved = _saved_activations(model, module, example)
    parts = {"weights": weights, "gradients": gradients, "adamw": ADAMW_MOMENTS * gradients, "activations": saved}
    return {"bytes": sum(parts.values()), "method": "estimate, no GPU", "device": "CPU", "parts": parts}


def _saved_activations(model: Network, module: nn.Module, example: Example) -> int:
    """Add up the memory that the forward pass keeps for the backward pass, each storage once."""
    own = {each.untyped_storage().data_ptr() for each in (*module.parameters(), *module.buffers())}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model.loss(module, example)
    del loss  # held until here, so that no address is used twice
    return sum(kept.values())


def _inference(model: Network, example: Example) -> int:
    """Give the bytes of the weights and of the most that a pass over the example holds beside them."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module = model.fresh().to(device)
    inputs = example.to(device).inputs
    with torch.no_grad():
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            model.outputs(module, inputs)
            return torch.cuda.max_memory_allocated()
        with LiveMemory() as live:
            model.outputs(module, inputs)
    weights: int = sum(each.nbytes for each in (*module.parameters(), *module.buffers()))
    return weights + int(live.peak)


def _on_the_gpu(model: Network, example: Example) -> int:
    device = torch.device("cuda")
    module = model.fresh().train().to(device)
    torch.cuda.reset_peak_memory_stats()
    optimizer = torch.optim.AdamW(each for each in module.parameters() if each.requires_grad)
    model.loss(module, example.to(device)).backward()
    optimizer.step()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()


def _peak_rss() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
