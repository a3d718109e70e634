"""What the fast forms of the flagship network buy, next to the obvious ones, in one run.

Run: `python tests/bench/bench_model.py [repeats]`. Both sides of a row take turns, on one thread, so a busy machine
slows both alike; both are first checked to give the same result. It reports, and exits with 0 whatever the figures are.
Shapes: B batch, T tokens, H query heads, G key/value heads, D head size.
"""

import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, also where it is not installed

from mlexpert_nb.catalogue import ENTRIES


class Race(NamedTuple):
    """One row of the table: two ways to the same result."""

    name: str
    fast: Callable[[], object]
    slow: Callable[[], object]
    target: float
    repeats: int


def main(repeats: int) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        functional = _delivered(Path(folder))
        races = [*_memory(functional, repeats), *_attention(functional, repeats), _decoding(functional, repeats)]
        print(f"torch {torch.__version__}, {torch.get_num_threads()} thread, float32, medians of interleaved repeats")
        print(f"{'':58} {'fast ms':>9} {'slow ms':>9} {'ratio':>7} {'target':>7}")
        for race in races:
            _run(race)


def _delivered(folder: Path) -> ModuleType:
    """Write the default network out and import its functions."""
    entry = ENTRIES["trm-titans-mag"]
    for path, text in entry.skeleton(entry.solve(None)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    sys.path.insert(0, str(folder / "src"))
    return importlib.import_module("model.functional")


def _run(race: Race) -> None:
    fast_ms, slow_ms = [], []
    race.fast(), race.slow()  # first calls allocate
    for _ in range(race.repeats):
        fast_ms.append(_time_ms(race.fast))
        slow_ms.append(_time_ms(race.slow))
    ratio = median(slow / fast for fast, slow in zip(fast_ms, slow_ms, strict=True))
    note = "" if ratio >= race.target else "  below target"
    print(
        f"{race.name:58} {median(fast_ms):9.2f} {median(slow_ms):9.2f} {ratio:6.1f}x {race.target:6.0f}x{note}",
        flush=True,
    )


def _time_ms(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def _memory(functional: ModuleType, repeats: int) -> list[Race]:
    """Chunk-parallel exact memory against the recursion token by token, at the sizes of a block of the 25M network."""
    shape = (1, 6, 512)
    q, k, v = torch.randn(3, *shape, 64).unbind()
    alpha, eta, theta = torch.rand(3, *shape).unbind()
    inputs = (F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, 0.01 * alpha, eta, 0.1 * theta)
    torch.testing.assert_close(functional.memory_op(*inputs)[0], _token_loop(*inputs), rtol=1e-3, atol=1e-4)
    leaves = [each.clone().requires_grad_() for each in inputs]

    def learn(form: Callable[..., Tensor]) -> Callable[[], object]:
        return lambda: torch.autograd.grad(form(*leaves).sum(), leaves)

    def read(*args: Tensor) -> Tensor:
        return functional.memory_op(*args)[0]

    name, fast = "memory 6 x 64, T=512: chunk-parallel /", _quiet(read, inputs)
    return [
        Race(f"{name} token loop", fast, _quiet(_token_loop_as_written, inputs), 3, repeats),
        Race(f"{name} token loop, fused", fast, _quiet(_token_loop, inputs), 3, repeats),
        Race(f"{name} the same, + backward", learn(read), learn(_token_loop), 3, repeats),
    ]


def _token_loop_as_written(*inputs: Tensor) -> Tensor:
    """Follow Titans eq. 12 to 15, one token at a time, as one would write it first."""
    q, k, v, alpha, eta, theta = inputs
    M = S = q.new_zeros(*q.shape[:2], q.shape[-1], v.shape[-1])
    reads = []
    for t in range(q.shape[2]):
        error = torch.einsum("bhk,bhkv->bhv", k[:, :, t], M) - v[:, :, t]
        surprise = torch.einsum("bhk,bhv->bhkv", k[:, :, t], error)
        S = eta[:, :, t, None, None] * S - theta[:, :, t, None, None] * surprise
        M = (1 - alpha[:, :, t, None, None]) * M + S
        reads.append(torch.einsum("bhk,bhkv->bhv", q[:, :, t], M))
    return torch.stack(reads, 2)


def _token_loop(*inputs: Tensor) -> Tensor:
    """Follow the same equations with fused products, rows of heads unbound once."""
    q, k, v, alpha, eta, theta = (each.flatten(0, 1).unsqueeze(2).unbind(1) for each in inputs)
    M = S = inputs[0].new_zeros(len(q[0]), q[0].shape[-1], v[0].shape[-1])
    reads = []
    for t in range(len(q)):
        error = torch.baddbmm(v[t], k[t], M, beta=-1)
        S = torch.baddbmm(eta[t].unsqueeze(-1) * S, (theta[t].unsqueeze(-1) * k[t]).mT, error, alpha=-1)
        M = (1 - alpha[t].unsqueeze(-1)) * M + S
        reads.append(q[t] @ M)
    return torch.cat(reads, 1).unflatten(0, inputs[0].shape[:2])


def _attention(functional: ModuleType, repeats: int) -> list[Race]:
    """Banded attention against one SDPA call with a dense mask."""
    length, window = 2048, 256
    q = torch.randn(1, 6, length, 64)
    k, v = torch.randn(2, 1, 2, length, 64).unbind()
    i, j = torch.arange(length).unsqueeze(1), torch.arange(length)
    mask = (j <= i) & (j > i - window)

    def banded(*args: Tensor) -> Tensor:
        return functional.swa_op(*args, window)

    def dense(*args: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(*args, attn_mask=mask, enable_gqa=True)

    torch.testing.assert_close(banded(q, k, v), dense(q, k, v), rtol=1e-4, atol=1e-5)
    name = "attention T=2048, w=256: banded / SDPA with dense mask"
    return [Race(name, _quiet(banded, (q, k, v)), _quiet(dense, (q, k, v)), 3, repeats)]


def _decoding(functional: ModuleType, repeats: int) -> Race:
    """One streamed token of the 25M network against running its whole context again."""
    model = functional.build().eval()
    ids = torch.randint(model.config.vocab_size, (1, 512))
    _, state = functional.stream(model, ids[:, :-1])

    def streamed() -> Tensor:
        return functional.stream(model, ids[:, -1:], state)[0]

    def recomputed() -> Tensor:
        return functional.logits(model, ids)[:, -1:]

    with torch.no_grad():
        torch.testing.assert_close(streamed(), recomputed(), rtol=1e-2, atol=1e-2)
    count = functional.count_parameters(model.config) / 1e6
    name = f"next token of {count:.1f}M at context 512: streamed / recomputed"
    return Race(name, streamed, torch.no_grad()(recomputed), 20, max(5, repeats // 2))


def _quiet(form: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> Callable[[], object]:
    return torch.no_grad()(lambda: form(*inputs))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
