"""What bounds a call: the work is counted, and the sentence follows from the numbers."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mlexpert_widgets.latency.clock import clock_of
from mlexpert_widgets.latency.kineto import OpTable, OpTime
from mlexpert_widgets.latency.roofline import Peak, Work, bound, peak_of, work_of

PEAK = Peak(1e11, 1e10)


def _ops(between, mean_us=500.0):
    return OpTable(
        (OpTime("aten::mm", on_device=False, count=10, total_us=10 * mean_us, self_us=10 * mean_us),), 1, between
    )


def test_the_work_of_a_product_is_counted():
    a, b = torch.randn(64, 32), torch.randn(32, 16)
    found = work_of(lambda: a @ b.t().contiguous().t())
    assert found.flops == 2 * 64 * 32 * 16
    product = 4 * (64 * 32 + 32 * 16 + 64 * 16)
    assert product <= found.num_bytes <= product + 2 * 4 * 32 * 16  # and the copy of b; views move nothing
    assert found.dtype == torch.float32


def test_the_work_is_that_of_torchs_own_counter_with_and_without_gradients():
    model, x = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4)), torch.randn(2, 8, 16)
    with FlopCounterMode(display=False) as counter:
        model(x).sum().backward()
    assert work_of(lambda: model(x).sum().backward()).flops == counter.get_total_flops()
    linear = nn.Linear(16, 8)
    with torch.inference_mode():
        assert work_of(lambda: linear(x)).flops == 2 * 2 * 8 * 16 * 8


def test_attention_counts_and_an_expanded_tensor_is_as_small_as_it_is():
    q = torch.randn(1, 2, 16, 8)
    with torch.no_grad():
        assert work_of(lambda: F.scaled_dot_product_attention(q, q, q)).flops == 2 * 2 * 2 * 16 * 16 * 8
    learned = q.clone().requires_grad_()
    found = work_of(lambda: F.scaled_dot_product_attention(learned, q, q).sum().backward())
    assert found.flops == (2 + 5) * 2 * 2 * 16 * 16 * 8  # the backward pass computes the scores anew
    one = torch.ones(1).expand(1000)
    assert work_of(one.sum).num_bytes <= 16


@pytest.mark.parametrize(
    ("work", "ops", "sentence"),
    [
        (
            (5 * 10**9, 10**7),
            _ops(0.1),
            "Compute-bound: 50.0 of 100 GFLOP/s measured here (500 FLOP a byte, and this machine turns at 10.0).",
        ),
        (
            (10**8, 5 * 10**8),
            _ops(0.1),
            "Memory-bound: 5.00 of 10.0 GB/s measured here, if nothing is cached (0.20 FLOP a byte, and this machine ",
        ),
        (
            (2 * 10**10, 10**7),
            _ops(0.1),
            "Compute-bound: 200 GFLOP/s, no less than the best measured on its own (2,000 FLOP a byte, and this ",
        ),
        (
            (10**6, 10**5),
            _ops(0.83),
            "Overhead-bound: 83 % of the time is between ops, and an op takes 500 µs on average. At the machine's ",
        ),
    ],
)
def test_the_sentence_follows_from_the_numbers(work, ops, sentence):
    assert bound(Work(*work, torch.float32), PEAK, 0.1, ops).startswith(sentence)


@pytest.mark.parametrize(
    ("work", "ops"), [((10**8, 10**7), _ops(0.4)), ((0, 10**9), _ops(0.4)), ((10**8, 10**7), _ops(None))]
)
def test_there_is_no_sentence_where_the_numbers_show_nothing(work, ops):
    assert bound(Work(*work, torch.float32), PEAK, 0.1, ops) == ""


def test_short_ops_that_do_next_to_nothing_are_overhead():
    assert bound(Work(10**6, 10**5, torch.float32), PEAK, 0.001, _ops(0.4, 2.0)).startswith("Overhead-bound: 40 %")


def test_the_peaks_of_this_machine_are_found():
    found = peak_of(clock_of("cpu"), torch.float32)
    assert found.flops_per_s > 1e8
    assert found.bytes_per_s > 1e8
