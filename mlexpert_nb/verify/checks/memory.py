"""Memory of one training step: measured on a GPU where there is one, else estimated from what must be kept.

Shapes: B batch, T time.
"""

import resource
import sys
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks.token_model import Outcome, TokenModel
from mlexpert_nb.verify.figures import short_bytes

ADAMW_MOMENTS = 2


def memory(model: TokenModel) -> Outcome:
    """Take a training step at batch size 1; the bytes of it are held to the limit."""
    figures: dict[str, Any] = {"batch_size": 1, "tokens": model.context}
    if torch.cuda.is_available():
        figures |= {"bytes": _on_the_gpu(model), "method": "measured", "device": torch.cuda.get_device_name()}
    else:
        figures |= _estimate(model)
    figures["cpu_peak_rss_bytes"] = _peak_rss()
    limit = model.spec.vram_bytes
    how = "measured" if figures["method"] == "measured" else "estimate, no GPU: weights, gradients, AdamW, activations"
    return Outcome(
        passed=limit is None or figures["bytes"] <= limit,
        measured=f"{short_bytes(figures['bytes'])} for a training step of 1 x {model.context} tokens ({how}); "
        f"the checks themselves peaked at {short_bytes(figures['cpu_peak_rss_bytes'])} of CPU memory",
        limit="no limit was named" if limit is None else f"at most {short_bytes(limit)}",
        fix="fewer or narrower layers; torch.utils.checkpoint around each block; the loss in pieces over time",
        figures={"memory": figures},
    )


def _estimate(model: TokenModel) -> dict[str, Any]:
    module = model.fresh().train()
    weights = sum(each.nbytes for each in (*module.parameters(), *module.buffers()))
    gradients = sum(each.nbytes for each in module.parameters() if each.requires_grad)
    saved = _saved_activations(model, module)
    parts = {"weights": weights, "gradients": gradients, "adamw": ADAMW_MOMENTS * gradients, "activations": saved}
    return {"bytes": sum(parts.values()), "method": "estimate, no GPU", "device": "CPU", "parts": parts}


def _saved_activations(model: TokenModel, module: nn.Module) -> int:
    """Add up the memory that the forward pass keeps for the backward pass, each storage once."""
    own = {each.untyped_storage().data_ptr() for each in (*module.parameters(), *module.buffers())}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model.loss(module, model.tokens(1, model.context))
    del loss  # held until here, so that no address is used twice
    return sum(kept.values())


def _on_the_gpu(model: TokenModel) -> int:
    module = model.fresh().train().to("cuda")
    torch.cuda.reset_peak_memory_stats()
    optimizer = torch.optim.AdamW(module.parameters())
    model.loss(module, model.tokens(1, model.context).to("cuda")).backward()
    optimizer.step()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()


def _peak_rss() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
