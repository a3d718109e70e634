"""Timing an entry on this machine: by the judge, kept for later, and never taken for another machine's or torch's."""

import json
from types import SimpleNamespace

import pytest

from mlexpert_nb.catalogue import ENTRIES, entry_facts, known_timings, measure_all, timings

SMALLEST = ENTRIES["rl-agent"]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "mlexpert_nb" / "catalogue-timings.json"


PASS = {"device": "CPU", "threads": 1, "batch_size": 1, "forward_ms": {"p50": 1.0, "p95": 1.1, "samples": 11}}


@pytest.fixture
def judged(monkeypatch):
    """Have the judge give figures, or say why it has none, without running a network."""

    def says(measured, figures=None):
        finding = SimpleNamespace(measured=measured, passed=figures is not None)
        report = SimpleNamespace(findings=(finding,), figures={"latency": figures} if figures else {})
        monkeypatch.setattr(timings, "try_out", lambda *_: report)

    return says


def test_nothing_is_known_before_it_was_measured(kept):
    assert known_timings() == {}
    assert entry_facts(SMALLEST)["latency"] is None
    assert not kept.exists()


def test_the_judge_times_a_real_network_and_the_figure_is_kept(kept):
    told = []
    assert measure_all([SMALLEST], told.append) == ()
    found = known_timings()["rl-agent"]
    assert (found.what, found.device, found.threads) == ("pass over one example", "CPU", 1)
    assert 0 < found.ms < 10_000
    assert kept.exists()
    assert entry_facts(SMALLEST, found)["latency"]["ms"] == found.ms
    assert [each.text for each in told if each.kind == "phase"] == ["time: rl-agent, 1 of 1"]
    assert any(each.kind == "check" and each.passed for each in told)


@pytest.mark.usefixtures("kept")
def test_a_token_behind_a_context_on_a_gpu_is_read_too(judged):
    times = {"forward_ms": {"p50": 80.0}, "token_ms": {"p50": 3.1}}
    judged("fast", {"device": "NVIDIA H100 (80GB)", "threads": 4, "context": 256, **times})
    assert measure_all([SMALLEST], lambda _: None) == ()
    found = known_timings()["rl-agent"]
    assert (found.ms, found.what, found.device, found.threads) == (3.1, "token behind 256", "NVIDIA H100 (80GB)", 4)


def test_what_failed_is_told_and_does_not_stop_the_rest(kept, judged):
    judged("no module named model")
    failed = measure_all([SMALLEST, ENTRIES["vit"]], lambda _: None)
    assert failed[0] == "rl-agent could not be timed: no module named model"
    assert failed[1].startswith("vit could not be timed")
    assert not kept.exists()


def test_an_interrupt_keeps_what_was_measured_before(kept, judged):
    judged("1.0 ms", PASS)

    def interrupt(event):
        if "2 of 2" in event.text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_all([SMALLEST, ENTRIES["vit"]], interrupt)
    assert list(known_timings()) == ["rl-agent"]
    assert kept.exists()


def test_figures_of_another_torch_or_of_another_version_of_ours_are_not_shown(kept, judged):
    judged("1.0 ms", PASS)
    measure_all([SMALLEST], lambda _: None)
    ((here, facts),) = json.loads(kept.read_text()).items()
    kept.write_text(json.dumps({f"{here}.1": facts}))
    assert known_timings() == {}
    kept.write_text(json.dumps({here: {"rl-agent": {"seconds": 1}}}))
    assert known_timings() == {}
