"""The view of a latency: in a script, in a kernel with its messages, stopped, interrupted, and gone after close."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

from mlexpert_widgets.latency.clock import clock_of
from mlexpert_widgets.latency.latency_profile import LatencyProfile
from mlexpert_widgets.latency.measure import Limits, measure
from mlexpert_widgets.latency.subject import subject

MODEL = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 8))
X = torch.randn(4, 32)
SETUP = """
import time, torch
from torch import nn
from mlexpert_widgets.latency.latency_profile import LatencyProfile
model, x = nn.Sequential(nn.Linear(32, 64), nn.ReLU()), torch.randn(4, 32)
"""


@pytest.fixture(scope="module")
def profile():
    made = LatencyProfile(MODEL, X, seconds=0.3).run()
    yield made
    made.close()


@pytest.fixture(scope="module")
def race():
    made = LatencyProfile(lambda: sum(range(300)), against=lambda: sum(range(3000)), seconds=0.3).run(detail=False)
    yield made
    made.close()


def test_a_script_gets_percentiles_modules_and_ops(profile):
    recorder = profile.recorder
    assert recorder.p50 <= recorder.p95 <= recorder.p99
    assert recorder.count + profile.report.warm.dropped == profile.report.times.shape[1]
    assert list(profile.module_latency) == ["", "0", "1", "2"]
    assert 0 < profile.module_latency["0"] < profile.module_latency[""]
    assert next(each.count for each in profile.report.ops.rows if each.name == "aten::linear") > 0
    assert profile.phase == "done"
    assert profile.comparison is None


def test_the_picture_says_what_was_found_and_stays_small(profile):
    picture = profile.picture()
    assert picture.title == "Latency of Sequential"
    assert "Sequential: p50 " in picture.summary
    assert "out of" in picture.summary or "No warm-up" in picture.summary
    assert [each.title.split(",")[0] for each in picture.tables] == ["Percentiles", "Time by module", "Time by op"]
    assert {"(whole model)", "0", "1", "2"} == {row[0] for row in picture.tables[1].rows}
    assert len(profile.html()) < 150_000
    assert profile.plot().png().startswith(b"\x89PNG")


def test_traits_hold_what_the_browser_draws(profile):
    (told,) = profile.distributions
    assert sum(told["counts"]) == told["count"] == profile.recorder.count
    assert len(profile.edges) == len(told["counts"]) + 1
    assert told["quantiles"][0]["value"] == pytest.approx(1e6 * profile.recorder.p50, rel=1e-5)
    assert profile.strip["dropped"] == profile.report.warm.dropped
    assert [row[0] for row in profile.module_rows] == ["", "0", "1", "2"]
    assert profile.op_rows[0][3] == max(row[3] for row in profile.op_rows)
    assert profile.comparison_told == {}


def test_two_functions_take_turns_and_the_faster_one_is_named(race):
    assert race.comparison.differ
    assert "slower than <lambda> A" in race.comparison.sentence
    assert race.sentences[0] == f"{race.comparison.sentence}."
    assert len(race.distributions) == 2
    assert race.report.modules == ()
    assert [row[0] for row in race.picture().tables[0].rows[::4]] == ["<lambda> A", "<lambda> B"]


def test_the_turns_come_in_a_random_order_and_in_pairs():
    calls = []
    subjects = [subject(lambda name=name: calls.append(name), None, grad=None) for name in "AB"]
    times = measure(subjects, clock_of("cpu"), Limits(5.0, 200), tick=lambda *_: True)
    assert times.rows().shape == (2, 200)
    pairs = {"".join(calls[at : at + 2]) for at in range(0, 400, 2)}
    assert pairs == {"AB", "BA"}


def test_an_interrupt_keeps_what_was_measured():
    main = threading.main_thread().ident
    threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
    made = LatencyProfile(MODEL, X, seconds=30.0).run()
    assert made.recorder.count > 0
    assert made.report.modules == ()
    assert made.phase == "done"
    made.close()


def test_an_interrupt_before_the_first_call_has_ended_is_one():
    def interrupted():
        raise KeyboardInterrupt

    made = LatencyProfile(interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert (made.phase, made.measured) == ("ready", False)
    made.close()


def test_stop_in_the_browser_ends_it():
    made = LatencyProfile(MODEL, X, seconds=30.0)
    threading.Timer(0.3, lambda: made.said("stop")).start()
    made.run()
    assert made.recorder.count > 0
    made.close()


def test_a_compiled_model_has_times_and_ops_but_no_modules():
    made = LatencyProfile(torch.compile(MODEL, backend="eager"), X, seconds=60.0).run(num_calls=30)
    assert made.report.times.shape == (1, 30)
    assert made.module_latency == {}
    assert made.report.ops.rows
    assert made.report.bound == ""
    made.close()


def test_what_does_not_run_under_a_dispatch_mode_goes_without_a_bound():
    def picky():
        if torch._C._len_torch_dispatch_stack():
            raise TypeError("not here")

    made = LatencyProfile(picky, seconds=0.05).run()
    assert made.report.bound == ""
    assert "cannot resolve; a clock around each call" in made.picture().summary or made.recorder.resolved
    made.close()


def test_before_it_is_measured_it_says_so():
    made = LatencyProfile(MODEL, X)
    assert made.picture().summary == "Not measured yet; show it, or call run()."
    assert made.plot().png()
    with pytest.raises(ValueError, match=r"nothing has been measured yet; show the profile, or call run\(\)"):
        made.recorder  # noqa: B018 - asking is the test
    made.close()


def test_what_makes_no_sense_is_refused():
    for seconds in (0, -1.0, float("inf")):
        with pytest.raises(ValueError, match="a number of seconds above 0, not"):
            LatencyProfile(MODEL, X, seconds=seconds)
    made = LatencyProfile(MODEL, X)
    with pytest.raises(ValueError, match="at least 1 call, not 0"):
        made.run(num_calls=0)
    with pytest.raises(TypeError, match="of a function or a module, not of str"):
        LatencyProfile("model", X)
    made.close()


def test_showing_it_measures_live_with_few_messages_and_a_picture_stays(kernel):
    ran = kernel.run(SETUP + "p = LatencyProfile(model, x, seconds=1.0)\np")
    sent = [each["content"]["data"] for each in ran.messages if each["msg_type"] == "comm_msg"]
    live = [each["state"] for each in sent if each.get("state", {}).get("progress")]
    assert 2 <= len(live) <= 5
    assert all("distributions" in each for each in live)
    assert len(sent) <= 12
    (shown,) = ran.shown
    assert "p50" in shown["data"]["text/html"]
    assert "(whole model)" in shown["data"]["text/html"]
    assert "image/png" in shown["data"]
    assert "USDT" not in ran.text
    again = next(each["content"] for each in kernel.run("p").messages if each["msg_type"] == "display_data")
    assert "Time by module" in again["data"]["text/plain"]


def test_a_terminal_shows_the_text_of_what_was_measured():
    code = "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.instance()\n" + SETUP
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        f"{code}p = LatencyProfile(model, x, seconds=0.1)\np.show()\np.close()",
    ]
    folder = Path(__file__).parents[3] / "widgets"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Latency of Sequential\n\nSequential: p50")
    assert not done.stderr


def test_no_view_is_alive_after_it_was_closed(kernel):
    code = SETUP + (
        "import gc, weakref\np = LatencyProfile(model, x, seconds=0.1)\np.show()\nseen = weakref.ref(p)\n"
        "p.close()\ndel p\ngc.collect()\nprint(seen())"
    )
    assert kernel.run(code).text == "None\n"


def test_the_parts_that_need_no_browser_do_what_they_say(node):
    tests = Path(__file__).with_name("latency_profile.test.mjs")
    done = subprocess.run([node, "--test", tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
