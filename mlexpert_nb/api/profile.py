"""Figures of any network: speed, size, memory, operations."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexpert_nb.api.testing import split_target
from mlexpert_nb.verify import Benchmark, benchmark_live, benchmark_path

if TYPE_CHECKING:
    from torch import nn


def benchmark_model(module: "nn.Module", example_inputs: Any = None, *, target_ms: float | None = None) -> Benchmark:
    """Measure a network on its own device: parameters by part, forward and backward pass, throughput, memory, FLOPs.

    Args:
        module: The network; copies of it are run.
        example_inputs: A tensor, a tuple of tensors, or a dict of tensors by argument; found out by trying if None.
        target_ms: What a forward pass may take at the median.

    Raises:
        UsageError: What the network reads cannot be found out.
    """
    return benchmark_live(module, example_inputs, target_ms=target_ms)


def profile_target(target: str | Path, *, target_ms: float | None = None) -> Benchmark:
    """Measure the network of a file or a workspace in a child process.

    Raises:
        UsageError: There is no network, or it does not run.
    """
    path, name = split_target(target)
    return benchmark_path(path, name, target_ms=target_ms)
