"""Reading a model: `ModelGraph` next to torchinfo and torchview, in one run, with the true figures beside theirs.

Run: `python tests/bench/bench_graph.py [repeats]`. The ways take turns in one process, so that a busy machine slows all
alike, and what counts is CPU time. It exits with 1 if a figure of `ModelGraph` is not the true one.
"""

import copy
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # the models of the tests
sys.path.insert(0, str(Path(__file__).parents[2] / "widgets"))  # the checkout, also where it is not installed

from widgets.graph.models import GPT2, ResNet50, nest10k, nested

from mlexpert_widgets.graph.model_graph import ModelGraph
from mlexpert_widgets.graph.walk import walk

Figures = tuple[int | None, int | None]  # parameters and floating point operations
SLOW = 5000  # modules from which a peer runs once or not at all


class Case(NamedTuple):
    """One model and what is true of it; the FLOPs are those of torch's own counter."""

    name: str
    model: nn.Module
    inputs: Tensor
    num_parameters: int
    flops: int


class Way(NamedTuple):
    """One way to read a model."""

    name: str
    read: Callable[[nn.Module, Tensor], Figures]
    most_modules: int = sys.maxsize  # beyond them it is left out


def main(repeats: int) -> int:
    """Print the table; give the exit code."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the peers' own
    print(f"torch {torch.__version__}, 1 thread, CPU ms, median of {repeats} interleaved repeats")
    print(f"{'':38} {'CPU ms':>9} {'/ ours':>8} {'parameters':>13} {'GFLOP':>9}")
    return int(sum(_race(case, repeats) for case in _cases()) > 0)


def _cases() -> list[Case]:
    ids = torch.zeros(1, 64, dtype=torch.long)
    line = torch.zeros(1, 8, 16)
    return [
        Case("resnet50", ResNet50(), torch.zeros(1, 3, 224, 224), 25_557_032, 8_178_368_512),
        Case("gpt2", GPT2(), ids, 124_439_808, 15_963_095_040),
        Case("nest1k", nested(10, 20), line, 200 * 304, 200 * 4096),
        Case("nest10k", nest10k(), line, 1950 * 304 + 201 * 272, 2151 * 4096),
    ]


def _race(case: Case, repeats: int) -> int:
    """Print the rows of one model; give how many figures of ours are wrong."""
    size = sum(1 for _ in case.model.modules())
    ways = [each for each in WAYS if size <= each.most_modules]
    found = {way.name: way.read(case.model, case.inputs) for way in ways}  # first calls import and allocate
    spent: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(repeats if size < SLOW else max(3, repeats // 3)):
        for way in ways:
            start = time.process_time()
            way.read(case.model, case.inputs)
            spent[way.name].append(1000 * (time.process_time() - start))
    ours = median(spent[OURS])
    print(f"\n{f'{case.name}, {size:,} modules; the true figures':38} {'':9} {'':8} {_told((case[3], case[4]))}")
    for way in ways:
        took = median(spent[way.name])
        print(f"  {way.name:36} {took:9.1f} {took / ours:7.1f}x {_told(found[way.name])}", flush=True)
    for way in WAYS:
        if way not in ways:
            print(f"  {way.name:36} left out: it takes minutes with more than {way.most_modules:,} modules")
    return int(found[OURS] != (case.num_parameters, case.flops))


def _told(figures: Figures) -> str:
    count, flops = figures
    return f"{'' if count is None else f'{count:,}':>13} {'' if flops is None else f'{flops / 1e9:.4f}':>9}"


def _walk(model: nn.Module, _inputs: Tensor) -> Figures:
    return walk(model)[0].total, None


def _graph(model: nn.Module, inputs: Tensor) -> Figures:
    graph = ModelGraph(model, inputs)
    return graph.num_parameters, graph.flops


def _torchinfo(model: nn.Module, inputs: Tensor) -> Figures:
    from torchinfo import summary  # noqa: PLC0415 - a peer, needed only here

    found = summary(model, input_data=inputs, verbose=0, depth=99, col_names=("output_size", "num_params", "mult_adds"))
    return found.total_params, 2 * found.total_mult_adds


def _torchview(model: nn.Module, inputs: Tensor) -> Figures:
    from torchview import draw_graph  # noqa: PLC0415 - a peer, needed only here

    draw_graph(copy.deepcopy(model).to("meta"), input_data=inputs, device="meta", depth=3)  # it would move the model
    return None, None


OURS = "ModelGraph: shapes, FLOPs, flow"
WAYS = (
    Way("ModelGraph's walk: parameters alone", _walk),
    Way(OURS, _graph),
    Way("torchinfo (a MAC taken as two FLOPs)", _torchinfo),
    Way("torchview, on meta, depth 3", _torchview, SLOW),
)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
