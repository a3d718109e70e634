"""The recorder: percentiles with intervals, exact or from the histogram, merged, and honest about its limits."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from mlexpert_widgets.latency.histogram import LONGEST_NS, RELATIVE_ERROR, LogHistogram
from mlexpert_widgets.latency.recorder import LatencyRecorder
from mlexpert_widgets.latency.words import duration

TIMES = np.random.default_rng(0).lognormal(-7, 0.5, 5000)


@pytest.fixture
def recorder():
    made = LatencyRecorder("forward")
    for each in TIMES.tolist():
        made.record(each)
    return made


def test_percentiles_are_those_of_the_durations(recorder):
    assert recorder.count == 5000
    assert recorder.mean == pytest.approx(TIMES.mean(), rel=1e-4)
    wanted = np.quantile(TIMES, (0.5, 0.95, 0.99), method="inverted_cdf")
    assert (recorder.p50, recorder.p95, recorder.p99) == pytest.approx(tuple(wanted), abs=1e-9)
    assert recorder.relative_error == 0


def test_a_histogram_answers_to_its_stated_error():
    recorder = LatencyRecorder(exact=0)
    recorder.extend(TIMES)
    assert recorder.relative_error == RELATIVE_ERROR
    for share in np.linspace(0.01, 0.99, 50):
        exact = np.quantile(TIMES, share, method="inverted_cdf")
        assert recorder.quantile(share).value == pytest.approx(exact, rel=RELATIVE_ERROR)
    assert "to 0.8 %" in recorder.text()


def test_every_duration_falls_into_a_bucket_close_to_it():
    durations = np.unique(np.geomspace(1, LONGEST_NS, 20_000).astype(np.int64))
    for each in (*range(200), *durations[::200].tolist(), LONGEST_NS):
        histogram = LogHistogram()
        histogram.add(np.array([each]))
        assert histogram.order(1) == pytest.approx(each, rel=RELATIVE_ERROR)


def test_beyond_the_bound_the_size_stays(recorder):
    small = LatencyRecorder(exact=100)
    small.extend(TIMES)
    assert small.tally.samples is None
    assert recorder.tally.samples is not None
    assert small.count == 5000


@pytest.mark.parametrize("exact", [0, 10_000])
def test_recorders_merge_as_if_one_had_recorded_all(exact):
    parts = [LatencyRecorder(exact=exact) for _ in range(3)]
    parts[0].extend(TIMES[:1000])
    parts[1].extend(TIMES[1000:])
    parts[2].extend(TIMES)
    parts[0].merge(parts[1])
    assert parts[0].count == 5000
    assert [parts[0].p50, parts[0].p99, parts[0].mean] == [parts[2].p50, parts[2].p99, parts[2].mean]


def test_a_block_and_a_call_are_timed_and_a_failure_is_not(recorder):
    before = recorder.count
    with recorder, recorder:
        pass
    assert recorder.time(sorted, [2, 1], reverse=True) == [2, 1]
    with pytest.raises(KeyError), recorder:
        raise KeyError
    assert recorder.count == before + 3


def test_threads_lose_nothing():
    recorder = LatencyRecorder()
    threads = [threading.Thread(target=lambda: [recorder.record(1e-3) for _ in range(10_000)]) for _ in range(4)]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        recorder.tally  # noqa: B018 - folds in the middle of it
    assert recorder.tally.count == 40_000


def test_the_text_says_when_there_are_too_few_for_a_p99_and_when_the_clock_is_too_coarse():
    recorder = LatencyRecorder("f")
    assert recorder.text() == "f: nothing recorded yet"
    recorder.extend(np.full(100, 2e-7))
    assert "p50 0.20 µs (95 %: 0.20 µs to 0.20 µs)" in recorder.text()
    assert "p99 0.20 µs (no interval: it takes 368 calls)" in recorder.text()
    assert "cannot resolve: a clock around each call tells nothing below 0.50 µs" in recorder.text()
    assert not recorder.resolved


def test_json_and_svg_hold_the_figures(recorder):
    told = json.loads(recorder.to_json())
    assert told["p99"]["low"] <= told["p99"]["value"] <= told["p99"]["high"]
    assert told["count"] == 5000
    assert json.loads(LatencyRecorder().to_json())["mean"] is None
    assert all(each in recorder.to_svg() for each in ("p50", "p95", "p99", "forward"))
    assert LatencyRecorder().to_svg().startswith("<svg")
    assert repr(recorder) == "LatencyRecorder('forward', 5,000 calls)"


def test_what_makes_no_sense_is_refused(recorder):
    for wrong in (-1e-3, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"a duration is 0 to 1e\+06 seconds, not"):
            recorder.record(wrong)
        with pytest.raises(ValueError, match=r"a duration is 0 to 1e\+06 seconds, not"):
            recorder.extend(np.array([1.0, wrong]))
    with pytest.raises(ValueError, match="0 or more exact durations, not -1"):
        LatencyRecorder(exact=-1)
    with pytest.raises(ValueError, match=r"above 0 and below 1, not 50; the median is 0\.5"):
        recorder.quantile(50)
    with pytest.raises(ValueError, match=r"'calls' has recorded nothing yet; use `with recorder:`"):
        LatencyRecorder().p50  # noqa: B018 - asking is the test
    assert recorder.count == 5000


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.00 ns"), (5e-8, "50.0 ns"), (1.234e-6, "1.23 µs"), (0.0456, "45.6 ms"), (75, "75.0 s")]
)
def test_a_duration_reads_in_its_own_unit(seconds, text):
    assert duration(seconds) == text


def test_a_script_gets_it_without_torch_or_widgets():
    code = (
        "import sys; from mlexpert_widgets.latency.recorder import LatencyRecorder; LatencyRecorder().to_svg(); "
        "print({'torch', 'anywidget', 'matplotlib', 'IPython'} & set(sys.modules))"
    )
    folder = Path(__file__).parents[3] / "widgets"
    command = [sys.executable, "-W", "error", "-c", code]
    assert subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout == "set()\n"
