"""Memory that operations hold at once."""

import torch

from mlexpert_nb.verify.checks.live import LiveMemory

KIB = 1024


def test_the_peak_counts_what_is_alive_together_and_not_what_was_let_go():
    with LiveMemory() as live:
        first = torch.zeros(KIB // 4)  # 1 KiB
        second = first + 1
        del first
        third = second * 2
        del second
        for _ in range(5):
            third = third + 1
    assert third.shape == (KIB // 4,)
    assert live.peak == 2 * KIB


def test_views_and_results_in_place_take_nothing():
    weights = torch.zeros(KIB // 4)
    with LiveMemory() as live:
        weights.view(2, -1).T.add_(1)
    assert live.peak == 0


def test_a_result_that_is_kept_stays_counted():
    with LiveMemory() as live:
        kept = [torch.zeros(KIB // 4) for _ in range(3)]
    assert len(kept) == 3
    assert live.peak == 3 * KIB
