"""Latency: milliseconds for one token or one example, after a warm-up, on one thread of the CPU or on the GPU.

Shapes: B batch, T time, V vocabulary.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks.network import Network, Outcome, gap
from mlexpert_nb.verify.checks.token_model import Stream, TokenModel

TOKENS = 40  # single tokens timed behind the context
FORWARDS = 11  # whole passes timed, fewer when they take long
PASSES_S, LEAST = 3.0, 3
WARM = 5  # a warm-up window; it is over when two windows in a row agree
MOST_WINDOWS = 4
STABLE = 0.1
AGREEMENT = 1e-3  # streamed and whole logits: other shapes, other order of float32 sums
STREAM_FIX = (
    "keep a state between tokens (src/model/functional.py: stream) that gives the logits of a whole pass; "
    "fewer layers or recursions"
)


def latency(model: Network) -> Outcome:
    """Time what people wait for; p50 is held to the limit.

    Of a network over tokens these are single tokens behind a full context if it streams, else whole passes; of any
    other network, passes over one example.
    """
    return _of_tokens(model) if isinstance(model, TokenModel) else _of_inputs(model)


def _of_tokens(model: TokenModel) -> Outcome:
    device = _device()
    module = model.fresh().to(device)
    ids_BT = model.tokens(1, model.context).to(device)
    passes = _passes(lambda: model.logits(module, ids_BT), device)
    figures = {**_where(device), "context": model.context, "forward_ms": _summary(passes)}
    if model.stream_fn is None:
        return _outcome(model, figures, "forward_ms", f"pass over {model.context} tokens")
    samples, distance = _stream(model, module, ids_BT, model.stream_fn)
    figures["token_ms"] = _summary(samples)
    wrong = "" if distance <= AGREEMENT else f"streamed logits differ from whole ones by {distance:.1e}; "
    return _outcome(model, figures, "token_ms", f"token behind {model.context}", wrong=wrong)


def _of_inputs(model: Network) -> Outcome:
    device = _device()
    module = model.fresh()
    with torch.no_grad():
        size, example = model.smallest(lambda tried: model.outputs(module, tried.inputs))
    module, inputs = module.to(device), example.to(device).inputs
    passes = _passes(lambda: model.outputs(module, inputs), device)
    figures = {**_where(device), "batch_size": size, "forward_ms": _summary(passes)}
    return _outcome(
        model, figures, "forward_ms", "pass over one example" if size == 1 else f"pass over {size} examples"
    )


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _where(device: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    return {"device": name, "threads": torch.get_num_threads()}


def _outcome(model: Network, figures: dict[str, Any], timed: str, what: str, *, wrong: str = "") -> Outcome:
    times, limit = figures[timed], model.spec.latency_ms
    where = f"{figures['device']}, {figures['threads']} thread" + ("s" if figures["threads"] > 1 else "")
    return Outcome(
        passed=not wrong and (limit is None or times["p50"] <= limit),
        measured=f"{wrong}{times['p50']:.1f} ms a {what} (p50), {times['p95']:.1f} ms (p95), "
        f"{times['samples']} samples after a warm-up ({where})",
        limit="no limit was named" if limit is None else f"p50 of at most {limit:g} ms",
        fix=STREAM_FIX if isinstance(model, TokenModel) else "fewer or narrower layers",
        figures={"latency": figures},
    )


def _stream(model: TokenModel, module: nn.Module, ids_BT: Tensor, stream: Stream) -> tuple[list[float], float]:
    """Give the times of single tokens behind the context, and how far streamed logits are from whole ones."""
    half = model.context // 2
    with torch.no_grad():
        _, state = stream(module, ids_BT[:, :half])
        parts = []
        for index in range(half, min(half + 3, model.context)):
            logits_BTV, state = stream(module, ids_BT[:, index : index + 1], state)
            parts.append(logits_BTV)
        streamed_BTV = torch.cat(parts, dim=1)
        whole_BTV = model.logits(module, ids_BT[:, : half + len(parts)])[:, half:]
        _, state = stream(module, ids_BT)
    times = _tokens(lambda: stream(module, ids_BT[:, :1], state), ids_BT.device)
    return times, gap(whole_BTV, streamed_BTV)


def _passes(run: Callable[[], object], device: torch.device) -> list[float]:
    """Give the milliseconds of whole passes; one pass is warm-up, for a pass is long."""
    with torch.no_grad():
        samples = [_once(run, device) for _ in range(1 + LEAST)]
        while len(samples) <= FORWARDS and sum(samples) < 1000 * PASSES_S:
            samples.append(_once(run, device))
    return samples[1:]


def _tokens(call: Callable[[], object], device: torch.device) -> list[float]:
    """Give the milliseconds of single tokens, after as many others as it takes for the times to settle."""
    with torch.no_grad():
        _warm_up(lambda: _once(call, device))
        return [_once(call, device) for _ in range(TOKENS)]


def _once(call: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (time.perf_counter() - began)


def _warm_up(once: Callable[[], float]) -> None:
    before = median(once() for _ in range(WARM))
    for _ in range(MOST_WINDOWS):
        after = median(once() for _ in range(WARM))
        if abs(after - before) <= STABLE * before:
            return
        before = after


def _summary(samples: list[float]) -> dict[str, Any]:
    ordered = sorted(samples)
    last = len(ordered) - 1
    p50, p95 = (ordered[round(share * last)] for share in (0.5, 0.95))
    return {"p50": round(p50, 3), "p95": round(p95, 3), "samples": len(ordered)}
