"""Limits of a request: measured for the plan, by the judge's own checks, and kept by a smaller network or refused."""

import re

import pytest

from mlexpert_nb import plan
from mlexpert_nb.agent.offline import limits
from mlexpert_nb.agent.offline.limits import Limits, fit
from mlexpert_nb.catalogue import ENTRIES
from mlexpert_nb.errors import UsageError

ENTRY = ENTRIES["vit"]


def smaller(count):
    return ENTRY.solve(count)


def test_without_a_limit_nothing_is_measured():
    config, said = ENTRY.solve(None), []
    fitted = fit(ENTRY, config, Limits(), smaller, said.append)
    assert fitted.configuration == config
    assert (fitted.said, said) == ((), [])


def test_a_network_that_keeps_its_limits_is_left_as_it_is_and_its_figures_are_told():
    config, said = ENTRY.solve(200_000), []
    fitted = fit(ENTRY, config, Limits(10**9, 10_000.0), smaller, said.append)
    memory, speed = fitted.said
    assert fitted.configuration == config
    assert re.fullmatch(r"Memory: \S+MB for a training step \(.*\) of 1\.0GB allowed, \S+B for inference\.", memory)
    assert re.fullmatch(r"Speed: \S+ms a pass \(p50, \S+\), of 10000ms allowed\.", speed)
    assert said == []


def test_a_size_that_nobody_asked_for_is_made_smaller_until_it_fits():
    said = []
    limit = 20 * 10**6
    fitted = fit(ENTRY, ENTRY.solve(None), Limits(limit), smaller, said.append)
    size, memory = fitted.said
    count = ENTRY.count_parameters(fitted.configuration)
    assert 16 * count < limit < 16 * ENTRY.default_parameters
    assert size.endswith(" do not.")
    assert float(re.search(r"([\d.]+)MB for a training step", memory)[1]) <= 20
    assert said[0].startswith("5.7M parameters: Memory: 91.5MB for weights, gradients and AdamW alone")


def test_a_size_that_was_asked_for_is_refused_with_the_figures():
    with pytest.raises(UsageError, match=r"5\.7M parameters does not keep the limit.*91\.5MB.*20\.0MB allowed.*leave"):
        fit(ENTRY, ENTRY.solve(None), Limits(20 * 10**6), None, lambda _: None)


def test_a_speed_that_no_size_reaches_is_refused_with_what_was_measured():
    with pytest.raises(UsageError, match=r"Speed: \S+ms a pass .* of 0\.0ms allowed"):
        fit(ENTRY, ENTRY.solve(100_000), Limits(latency_ms=0.001), smaller, lambda _: None)


def test_too_many_parameters_for_the_memory_are_refused_before_anything_is_built(tmp_path):
    with pytest.raises(UsageError, match=r"7\.0B parameters .* 112\.0GB for weights, gradients and AdamW alone"):
        plan("Implement a LLaMA decoder", params="7B", vram="6GB", llm="offline", workspace=tmp_path / "W")
    assert not (tmp_path / "W").exists()


def test_what_is_refused_is_the_size_that_was_measured(monkeypatch):
    monkeypatch.setattr(limits, "TRIES", 1)
    with pytest.raises(UsageError, match=r"with 5\.7M parameters does not keep .* 91\.5MB"):
        fit(ENTRY, ENTRY.solve(None), Limits(20 * 10**6), smaller, lambda _: None)


def test_what_is_too_large_to_try_is_called_unmeasured():
    config = ENTRIES["llama-decoder"].solve(1_000_000_000)
    (said,) = fit(ENTRIES["llama-decoder"], config, Limits(10**12, 1.0), None, lambda _: None).said
    assert said.startswith("Limits: too large to try for a plan (")
