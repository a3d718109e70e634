"""The view of learning curves: what a notebook keeps of it, Stop while a cell runs, and the browser's arithmetic."""

import json
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from lab import lab_of

from mlexpert_widgets import LearningCurves, Recorder
from mlexpert_widgets.curves.drawing import places
from mlexpert_widgets.curves.recorder import Points
from mlexpert_widgets.curves.smoothing import smoothed

HERE = Path(__file__).parent
SAVED = 150_000  # bytes that a picture may have


def run_of(name="run", count=400, **better):
    """A run that overfits from step 200 on, with a value that is no number."""
    recorder, rng = Recorder(name, better=better), np.random.default_rng(len(name))
    for step in range(count):
        loss = 0.3 + 2 * np.exp(-step / 80) + rng.normal() * 0.02
        recorder.log(step, loss=float("nan") if step == 33 else loss, lr=1e-3)
        if step % 10 == 9:
            recorder.log(step, val_loss=loss + max(0, step - 200) / 100)
    return recorder


@pytest.fixture
def curves():
    made = []

    def make(*runs, **look):
        made.append(LearningCurves(*runs, **look))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_before_the_first_point_it_waits(curves):
    picture = curves().picture()
    assert picture.summary == "Waiting for the first point."
    assert curves().plot().png().startswith(b"\x89PNG")


def test_its_own_run_is_logged_through_it(curves):
    view = curves()
    put = view.bind("loss")
    for step in range(3):
        put(step, 1.0 / (step + 1))
    view.log(3, loss=0.1, val_loss=0.2)
    view.epoch(1)
    assert view.recorder.history("loss")[1][-1] == 0.1
    picture = view.picture()
    assert picture.summary == "5 points of 2 curves; nothing to say of them yet."
    assert picture.tables[0].rows[0] == ("run", "loss", "0.1", "0.1", "3", "4")
    assert view.epochs == [[[3.0, 1.0]]]
    assert repr(view) == "LearningCurves(run)"


def test_the_picture_has_a_chart_a_metric_the_best_values_and_the_verdicts_with_their_rules(curves):
    view = curves(run_of(), smoothing=0.9)
    picture = view.picture()
    assert picture.svg.count("<svg") == 2
    assert picture.svg.count(">overfitting</text>") == 1
    assert "loss is NaN at step 33; 1 of 400 values." in picture.summary
    values, verdicts = picture.tables
    assert [row[1] for row in values.rows] == ["loss", "lr", "val_loss"]
    assert values.rows[1][3:5] == ("", "")  # of a learning rate none is best
    assert {row[0] for row in verdicts.rows} == {"run"}
    assert "a value is NaN or infinite" in verdicts.rows[0][2]
    assert [each["kind"] for each in view.verdicts][:2] == ["nan", "overfitting"]
    assert view.verdicts[1]["base"] == "loss"


def test_only_the_metrics_that_were_asked_for_are_shown_with_their_twins(curves):
    view = curves(run_of(), metrics=["loss"])
    assert [each.name for each in view.series()] == ["loss", "val_loss"]
    assert view.lines == [[0, "loss", False, "loss"], [0, "val_loss", True, "loss"]]
    assert "lr" not in [row[1] for row in view.picture().tables[0].rows]


def test_runs_are_named_and_two_of_one_name_are_told_apart(curves):
    view = curves(run_of("a"), run_of("a"), {"b": run_of("other")})
    assert view.names == ["a", "a 2", "b"]
    assert "a 2: val_loss leaves training" in view.picture().summary
    assert view.picture().title == "Learning curves of 3 runs"


def test_what_is_no_run_and_a_look_that_is_none_are_refused():
    with pytest.raises(TypeError, match=r"a run is a Recorder, not dict_keys; log into one: Recorder\('run'\)"):
        LearningCurves({}.keys())
    with pytest.raises(ValueError, match="no axis 'steps'; there are: step, epoch, time"):
        LearningCurves(x="steps")
    with pytest.raises(ValueError, match="smoothing is from 0 to below 1, not 1"):
        LearningCurves(smoothing=1)


def test_ten_long_runs_of_many_metrics_make_a_small_picture_that_keeps_a_spike_and_says_what_it_leaves_out(curves):
    steps, runs = np.arange(20_000.0), []
    for number in range(10):
        recorder = Recorder(f"learning rate {number}")
        for metric in range(8):
            values = np.exp(-steps / 5000) + np.random.default_rng(number).normal(size=len(steps)) * 0.02
            values[777] = 99
            for name, some in (
                (f"loss of head {metric}", slice(None)),
                (f"val/loss of head {metric}", slice(0, None, 99)),
            ):
                recorder._of(name).extend(steps[some], steps[some], values[some])
        runs.append(recorder)
    view = curves(*runs, smoothing=0.5)
    picture = view.picture()
    assert len(picture.html("mlx-1").encode()) <= SAVED
    assert picture.summary.endswith("more metrics are not drawn here.")
    assert "more verdicts are in the table" in picture.summary
    charts, _left_out = view._drawn()
    assert all(max(line.ys) == 99 for line in charts[0].lines if not line.dashed and line.faint)


@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
@pytest.mark.parametrize("log_scale", [False, True])
def test_every_look_can_be_drawn(curves, axis, log_scale):
    recorder = run_of()
    recorder.log(400, only_zero=0.0)
    for number in range(4):
        recorder.epoch(number + 1, step=(number + 1) * 100)
    view = curves(recorder, x=axis, log_scale=log_scale, smoothing=0.5)
    picture = view.picture()
    assert picture.svg.count("<svg") == 3
    assert f">{'seconds' if axis == 'time' else axis}</text>" in picture.svg
    assert view.plot().png().startswith(b"\x89PNG")


def test_where_a_run_knows_no_epochs_the_axis_is_steps(curves):
    knows = run_of("knows")
    knows.epoch(1, step=100)
    assert ">step</text>" in curves(knows, run_of("knows not"), x="epoch").picture().svg


def test_an_epoch_that_still_runs_goes_on_at_the_pace_of_the_last():
    steps = np.array([0.0, 50, 100, 150, 200, 300])
    points = Points(steps, steps, steps)
    assert places(points, "epoch", [(100, 1), (200, 3)]).tolist() == [0, 0.5, 1, 2, 3, 5]
    assert places(points, "epoch", [(0, 1)]).tolist() == steps.tolist()


def test_what_a_restart_has_done_again_is_drawn_faint(curves):
    recorder = Recorder()
    for step in (*range(100), *range(50, 120)):
        recorder.log(step, loss=1.0)
    (chart,), _left_out = curves(recorder)._drawn()
    assert [(line.faint, line.xs[0], len(line.xs)) for line in chart.lines] == [(True, 50, 50), (False, 0, 120)]


def test_a_picture_can_be_taken_while_another_thread_logs(curves):
    view, end = curves(Recorder(capacity=256)), threading.Event()

    def train():
        step = 0
        while not end.is_set():
            step += 1
            view.log(step, loss=1.0 / step, **{f"metric {step % 9}": 1.0})

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for _ in range(8):
            view.picture()
            view.flush()
    finally:
        end.set()
        thread.join()
    names = [each.name for each in view.series()]
    assert len(names) == len(set(names)) == len(view.lines)
    assert "thinned" in view.picture().tables[0].rows[0][-1]


TRAINING = """
import time
from mlexpert_widgets import LearningCurves
curves = LearningCurves()
display(curves)
print(curves.model_id, flush=True)
end, step = time.monotonic() + 20, 0
while not curves.stopped and time.monotonic() < end:
    step += 1
    curves.log(step, loss=1 / step)
    time.sleep(0.001)
print(curves.stopped, curves.stopping)
"""


def test_stop_is_heard_while_the_cell_runs_points_come_and_the_picture_stays(kernel):
    with lab_of(kernel) as lab:
        sent = lab.start(TRAINING)
        model = kernel.wait_for(sent, "stream")["content"]["text"].strip()
        while "points" not in str(kernel.wait_for(sent, "comm_msg")["content"]["data"].get("content")):
            pass
        lab.press(model)
        ran = kernel.finish(sent)
        assert ran.text == "True True\n"
        (update,) = [each for each in ran.messages if each["msg_type"] == "update_display_data"]
        data = update["content"]["data"]
        assert sorted(data) == ["image/png", "text/html", "text/plain"]
        assert "<svg" in data["text/html"]
        assert "points of 1 curves" in data["text/plain"] or "loss still falls" in data["text/plain"]
        assert lab.run("curves.reset()\nprint(curves.stopped, curves.stopping)\ncurves.close()").text == "False False\n"


def test_the_browser_smooths_and_places_as_python_does(tmp_path, node):
    rng = np.random.default_rng(0)
    values = rng.normal(size=300).cumsum()
    values[[0, 7, 299]] = np.nan
    steps = np.arange(300.0)
    ends = [(100.0, 1.0), (250.0, 2.0)]
    told = {
        "values": [None if np.isnan(each) else each for each in values],
        "smoothed": [None if np.isnan(each) else each for each in smoothed(values, 0.93)],
        "epochs": ends,
        "places": places(Points(steps, steps, values), "epoch", ends).tolist(),
    }
    (tmp_path / "told.json").write_text(json.dumps(told))
    command = [node, "--test", HERE / "learning_curves.test.mjs"]
    env = {"TOLD": str(tmp_path / "told.json")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout
