"""Memory: what reading it costs a training loop, and what one reading costs.

Run: `python tests/bench/bench_memory.py [repeats]`. Each rate takes turns, in random order, with a loop of the same
steps without a sampler; a row is the median of the ratios of such pairs, beside the quarters of their spread.
"""

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / "widgets"))  # the checkout, also where it is not installed

from mlexpert_widgets.memory.memory_monitor import MemoryMonitor
from mlexpert_widgets.memory.process import Kernel
from mlexpert_widgets.memory.sampler import MemorySampler

STEPS = 2000  # of one loop: half a second and more
Runs = list[tuple[float, float]]


def main(repeats: int) -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, 1 thread, {repeats} interleaved repeats of {STEPS} steps")
    _one_reading()
    _loops(repeats)
    _hooks(repeats)


def _one_reading() -> None:
    kernel, process, sampler = Kernel(), psutil.Process(), MemorySampler()
    sampler.sample()
    print("\none reading, best of 9, in µs")
    rows: dict[str, Callable[[], object]] = {
        "psutil memory_info": lambda: process.memory_info().rss,
        "statm, file kept open": kernel.resident,
        "peak from status, the same": kernel.peak,
        "all sources of this machine": sampler.sample,
    }
    took = {name: _best(read) for name, read in rows.items()}
    for name, each in took.items():
        print(f"  {name:30} {each:8.2f}")
    ratio = took["psutil memory_info"] / took["statm, file kept open"]
    print(f"  statm is {ratio:.1f} times cheaper than psutil; missing here: {', '.join(sampler.reasons) or 'nothing'}")


def _best(read: Callable[[], object], num: int = 2000, *, repeats: int = 9) -> float:
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(num):
            read()
        found.append((time.perf_counter() - start) / num)
    return 1e6 * min(found)


def _loops(repeats: int) -> None:
    step = _trainer()
    step(200)
    kinds: dict[str, Callable[[], Callable[[], None]]] = {
        "1 Hz": lambda: _sampling(1),
        "10 Hz": lambda: _sampling(10),
        "100 Hz": lambda: _sampling(100),
        "monitor, 10 Hz": _monitoring,
    }
    off, on = {name: Runs() for name in kinds}, {name: Runs() for name in kinds}
    for _ in range(repeats):
        for name in random.sample(list(kinds), len(kinds)):
            for place in random.sample([off, on], 2):
                end = kinds[name]() if place is on else lambda: None
                place[name].append(step(STEPS))
                end()
    print(f"\n{'sampling':16}{'step p50':>12}{'ratio p50':>12}{'its spread':>16}{'of a core':>12}")
    for name in kinds:
        ratios = [mine[0] / bare[0] for mine, bare in zip(on[name], off[name], strict=True)]
        low, ratio, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        spent = statistics.median(each[1] for each in on[name]) - statistics.median(each[1] for each in off[name])
        took = 1e6 * statistics.median(each[0] for each in on[name])
        print(f"{name:16}{took:9.1f} µs{ratio:12.3f}{f'{low:.3f}-{high:.3f}':>16}{100 * spent:10.2f} %")


def _trainer() -> Callable[[int], tuple[float, float]]:
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    x, y = torch.randn(32, 64), torch.randn(32, 8)

    def loop(num: int) -> tuple[float, float]:
        """Take steps; give the p50 of a step in seconds, and the share of a core that other threads took."""
        times = []
        gc.collect()
        whole, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
        for _ in range(num):
            start = time.perf_counter()
            optimizer.zero_grad()
            (model(x) - y).square().mean().backward()
            optimizer.step()
            times.append(time.perf_counter() - start)
        others = (time.process_time() - cpu) - (time.thread_time() - own)
        return statistics.median(times), others / (time.perf_counter() - whole)

    return loop


def _sampling(hz: float) -> Callable[[], None]:
    return MemorySampler(hz).start().stop


def _monitoring() -> Callable[[], None]:
    return MemoryMonitor(hz=10).close


def _hooks(repeats: int) -> None:
    """Time the first calls, which are looked at, and a loop, which is looked at now and then."""
    layers = 50
    model, x = nn.Sequential(*(nn.Linear(64, 64) for _ in range(layers))), torch.randn(8, 64)
    bare, looked, loop = [], [], []
    for _ in range(repeats):
        bare.append(_best(lambda: model(x), 100))
        for _ in range(10):
            with MemorySampler().watch(model):
                looked.append(_best(lambda: model(x), 1, repeats=3))
        with MemorySampler().watch(model):
            loop.append(_best(lambda: model(x), 100))
    calls = layers + 1
    print("\nwatching a model, µs more for each call of a module")
    print(f"  calls that are looked at {(min(looked) - min(bare)) / calls:6.1f}")
    print(f"  the others of a loop     {(min(loop) - min(bare)) / calls:6.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
