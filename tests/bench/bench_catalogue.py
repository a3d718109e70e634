"""The networks of the catalogue beside those of transformers: one pass, a pass and back, and decoding with a cache.

Run: `python tests/bench/bench_catalogue.py [repeats]`. Both sides of a row have the same configuration and take turns,
on one thread, so a busy machine slows both alike. It reports, and exits with 0 whatever the figures are. It needs the
extra `test`.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, also where it is not installed

import torch
import transformers
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.bert.model.bert import build_model as build_bert
from mlexpert_nb.catalogue.families.decoder.model.decoder import build_model as build_decoder
from mlexpert_nb.catalogue.families.mamba.model.mamba import build_model as build_mamba
from mlexpert_nb.catalogue.families.vit.model.vit import build_model as build_vit

LIMIT = 1.1  # of transformers' time
CACHED = 5.0  # recomputing takes at least so many times as long as a token with a cache
CONTEXT = 512
WORDS = 8192
SDPA = {"attn_implementation": "sdpa"}

Network = Callable[[Tensor], Tensor]


class Pair(NamedTuple):
    """Two networks of the same configuration, and what both read."""

    name: str
    ours: nn.Module
    theirs: nn.Module
    inputs: Tensor


def main(repeats: int) -> None:
    """Print the table."""
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{versions}, {torch.get_num_threads()} thread, float32, {load}; medians of {repeats} interleaved repeats")
    print(f"{'':62} {'ours ms':>9} {'other ms':>10} {'ratio':>12} {'limit':>6}")
    _decoding(repeats)
    for make in (_llama, _bert, _vit, _mamba, _mixtral):
        pair = make()
        _row(f"{pair.name}: forward", *_forward(pair), repeats)
        _row(f"{pair.name}: forward + backward", *_learn(pair), repeats)


def _llama() -> Pair:
    sizes = {"vocab_size": WORDS, "hidden_size": 384, "intermediate_size": 1024}
    ours = build_decoder(**sizes, num_layers=4, num_heads=6, num_kv_heads=2)
    config = transformers.LlamaConfig(**sizes, **_llama_shape(), **SDPA)
    return _same("LLaMA 4 x 384, 2 x 256 tokens", ours, transformers.LlamaForCausalLM(config), _ids(2, 256))


def _mixtral() -> Pair:
    sizes = {"vocab_size": WORDS, "hidden_size": 384, "intermediate_size": 512}
    experts = {"ffn": "moe", "num_experts": 8, "top_k": 2}
    ours = build_decoder(**sizes, **experts, num_layers=4, num_heads=6, num_kv_heads=2)
    theirs = {"num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": None}
    config = transformers.MixtralConfig(**sizes, **_llama_shape(), **theirs, **SDPA)
    name = "Mixtral 4 x 384, 8 experts, 2 x 256 tokens"
    return _same(name, ours, transformers.MixtralForCausalLM(config), _ids(2, 256))


def _llama_shape() -> dict[str, object]:
    heads = {"num_hidden_layers": 4, "num_attention_heads": 6, "num_key_value_heads": 2}
    return {**heads, "tie_word_embeddings": True, "use_cache": False}


def _bert() -> Pair:
    sizes = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
    config = transformers.BertConfig(vocab_size=WORDS, **sizes, **SDPA)
    theirs = transformers.BertForMaskedLM(config)
    return _same("BERT mini, 4 x 128 tokens", build_bert(vocab_size=WORDS, **sizes), theirs, _ids(4, 128))


def _vit() -> Pair:
    config = transformers.ViTConfig(
        hidden_size=192, num_hidden_layers=6, num_attention_heads=3, intermediate_size=768, num_labels=1000, **SDPA
    )
    ours = build_vit(hidden_size=192, num_layers=6, num_heads=3, mlp_dim=768, num_classes=1000)
    name = "ViT tiny (6 layers), 2 images of 224"
    return _same(name, ours, transformers.ViTForImageClassification(config), torch.randn(2, 3, 224, 224))


def _mamba() -> Pair:
    sizes = {"vocab_size": WORDS, "hidden_size": 192, "num_hidden_layers": 4}
    theirs = transformers.MambaForCausalLM(transformers.MambaConfig(**sizes, expand=2, use_cache=False))
    ours = build_mamba(**sizes, intermediate_size=384, time_step_rank=12)
    return _same("Mamba 4 x 192 (plain torch), 2 x 64 tokens", ours, theirs, _ids(2, 64))


def _ids(*shape: int) -> Tensor:
    return torch.randint(6, WORDS, shape)


def _same(name: str, ours: nn.Module, theirs: nn.Module, inputs: Tensor) -> Pair:
    """Pair two networks, or say that they are not the same one."""
    counts = [sum(each.numel() for each in network.parameters()) for network in (ours, theirs)]
    if counts[0] != counts[1]:
        raise ValueError(f"{name}: {counts[0]:,} parameters of ours, {counts[1]:,} of theirs")
    return Pair(name, ours.eval(), theirs.eval(), inputs)


def _forward(pair: Pair) -> Iterator[Callable[[], object]]:
    for network in (pair.ours, pair.theirs):
        yield torch.no_grad()(lambda network=network: _logits(network(pair.inputs)))


def _learn(pair: Pair) -> Iterator[Callable[[], object]]:
    for network in (pair.ours, pair.theirs):
        weights = [each for each in network.parameters() if each.requires_grad]
        yield lambda network=network, weights=weights: torch.autograd.grad(
            _logits(network(pair.inputs)).square().mean(), weights, allow_unused=True
        )


def _logits(output: object) -> Tensor:
    return output if isinstance(output, Tensor) else output.logits


def _row(name: str, ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> None:
    mine, other = _race(ours, theirs, repeats)
    ratio = median(left / right for left, right in zip(mine, other, strict=True))
    note = "" if ratio <= LIMIT else "  slower"
    print(f"{name:62} {median(mine):9.1f} {median(other):10.1f} {ratio:11.2f}x {LIMIT:5.1f}x{note}", flush=True)


def _race(one: Callable[[], object], two: Callable[[], object], repeats: int) -> tuple[list[float], list[float]]:
    """Give the milliseconds of both; whoever goes first in one turn goes second in the next."""
    one(), two()  # first calls allocate
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats):
        for index in (0, 1) if turn % 2 else (1, 0):
            start = time.perf_counter()
            (one, two)[index]()
            times[index].append(1000 * (time.perf_counter() - start))
    return times


def _decoding(repeats: int) -> None:
    """One token behind a full cache against running the whole context again."""
    network, ids = _llama().ours, _ids(1, CONTEXT)
    with torch.no_grad():
        _, state = network.stream(ids[:, :-1])
        torch.testing.assert_close(network.stream(ids[:, -1:], state)[0], network(ids)[:, -1:], rtol=1e-3, atol=1e-4)
        cached, again = _race(lambda: network.stream(ids[:, -1:], state), lambda: network(ids), repeats)
    ratio = median(right / left for left, right in zip(cached, again, strict=True))
    note = "" if ratio >= CACHED else "  below"
    name = f"next token at context {CONTEXT}: cached, recomputed"
    print(f"{name:62} {median(cached):9.1f} {median(again):10.1f} {ratio:11.1f}x {CACHED:5.0f}x{note}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
