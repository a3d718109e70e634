"""Latency: the op table from one sweep next to `key_averages()`, and how steady a median is next to torch's timer.

Run: `python tests/bench/bench_latency.py [repeats]`. Both sides of a row take turns in one run. The figures of the two
op tables must be equal: if one differs, it exits with 1.
"""

import sys
import time
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.benchmark import Timer

sys.path.insert(0, str(Path(__file__).parents[2] / "widgets"))  # the checkout, also where it is not installed

from mlexpert_widgets.latency.clock import clock_of
from mlexpert_widgets.latency.kineto import op_times, quiet
from mlexpert_widgets.latency.measure import Limits, measure
from mlexpert_widgets.latency.recorder import LatencyRecorder
from mlexpert_widgets.latency.subject import subject

TOLERANCE = 1e-9  # of sums of the same numbers in another order


def main(repeats: int) -> int:
    """Print the tables; give the exit code."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread, medians of {repeats} interleaved repeats")
    wrong = _op_table(repeats)
    _steadiness(repeats)
    _recorder()
    return 1 if wrong else 0


def _op_table(repeats: int) -> int:
    layer = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True, norm_first=True)
    model = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    x = torch.randn(2, 64, 128)
    sweeps, peers, wrong, count = [], [], 0, 0
    for _ in range(repeats):
        with quiet(), profile(activities=[ProfilerActivity.CPU]) as profiler:
            for _ in range(5):
                model(x).sum().backward()
        start = time.perf_counter()
        events = profiler.profiler.kineto_results.events()
        mine = {each.name: (each.count, each.total_us, each.self_us) for each in op_times(events)}
        middle = time.perf_counter()
        averages = profiler.key_averages()
        end = time.perf_counter()
        count = len(events)
        sweeps.append(1e6 * (middle - start) / count)
        peers.append(1e6 * (end - middle) / count)
        theirs = {each.key: (each.count, each.cpu_time_total, each.self_cpu_time_total) for each in averages}
        wrong += mine.keys() != theirs.keys() or not all(_equal(mine[key], theirs[key]) for key in theirs)
    ratio = median(peer / sweep for peer, sweep in zip(peers, sweeps, strict=True))
    print(f"\nop table of {count:,} events: sweep {median(sweeps):.2f} µs each, key_averages {median(peers):.1f} µs")
    print(f"  {ratio:.1f}x; count, total and self time {'DIFFER' if wrong else 'equal'} in {len(theirs)} ops")
    return wrong


def _equal(mine: tuple[float, ...], theirs: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= TOLERANCE * max(1.0, abs(b)) for a, b in zip(mine, theirs, strict=True))


def _steadiness(repeats: int) -> None:
    small, mlp = torch.randn(64, 64), nn.Sequential(*(nn.Linear(256, 256) for _ in range(8)))
    print(f"\n{'p50 over repeats, 0.3 s each':28} {'calls, p50':>12} {'spread':>8} {'Timer':>12} {'spread':>8}")
    for name, fn, x in (("matmul 64 x 64", small.matmul, small), ("8 linear layers 256", mlp, torch.randn(32, 256))):
        mine, theirs = [], []
        for _ in range(repeats):
            times = measure([subject(fn, x, grad=False)], clock_of("cpu"), Limits(0.3, None), tick=lambda *_: True)
            mine.append(1e6 * median(times.rows()[0].tolist()))
            with torch.no_grad():
                timer = Timer("fn(x)", globals={"fn": fn, "x": x})
                theirs.append(1e6 * timer.blocked_autorange(min_run_time=0.3).median)
        print(f"{name:28} {_row(mine)} {_row(theirs)}")


def _row(times: list[float]) -> str:
    return f"{median(times):9.2f} µs {100 * (max(times) - min(times)) / median(times):6.1f} %"


def _recorder() -> None:
    recorder, num_calls = LatencyRecorder(), 200_000
    start = time.perf_counter_ns()
    for _ in range(num_calls):
        recorder.record(1e-3)
    middle = time.perf_counter_ns()
    for _ in range(num_calls):
        with recorder:
            pass
    end = time.perf_counter_ns()
    record, block = (middle - start) / num_calls, (end - middle) / num_calls
    print(f"\nrecorder: record() {record:.0f} ns, `with recorder:` {block:.0f} ns")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
