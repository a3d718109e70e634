"""The recorder: what is logged comes back, tensors are taken as they are, and what cannot be one number is refused."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from mlexpert_widgets import Recorder
from mlexpert_widgets.curves.recorder import MOST_WAITING

ROOT = Path(__file__).parents[3]


def test_what_is_logged_comes_back_in_order():
    recorder = Recorder()
    for step in range(2 * MOST_WAITING + 5):
        recorder.log(step, loss=step / 2)
    recorder.log(step=7, loss=1, **{"val/loss": float("nan")})
    steps, values = recorder.history("loss")
    assert len(steps) == 2 * MOST_WAITING + 6
    assert (steps[-1], values[-1], values[4]) == (7, 1, 2)
    assert np.isnan(recorder.history("val/loss")[1]).all()
    assert [each.name for each in recorder.series()] == ["loss", "val/loss"]
    times = recorder.series()[0].time
    assert (np.diff(times) >= 0).all()


def test_a_metric_that_is_logged_beside_different_others_keeps_its_order():
    recorder = Recorder()
    put = recorder.bind("loss", "acc")
    for step in range(0, 30, 3):
        recorder.log(step, loss=step)
        put(step + 1, step + 1, 0.5)
        recorder.log(step + 2, lr=0.1, loss=step + 2)
    recorder.log(30)
    steps, values = recorder.history("loss")
    assert steps.tolist() == values.tolist() == list(range(30))
    assert [each.name for each in recorder.series()] == ["loss", "acc", "lr"]


def test_a_bound_log_is_the_same():
    recorder = Recorder()
    put = recorder.bind("loss", "acc")
    for step in range(10):
        put(step, 1, torch.tensor(step / 10))
    assert recorder.history("acc")[1].tolist() == pytest.approx([each / 10 for each in range(10)])
    with pytest.raises(TypeError, match="loss, acc at step 10 got 1 values; give one for each of 2"):
        put(10, 1.0)
    with pytest.raises(TypeError, match="acc=None is not one number"):
        put(10, 1.0, None)
    for names in ((), ("a", "a")):
        with pytest.raises(ValueError, match="bind needs different names"):
            recorder.bind(*names)


def test_a_tensor_is_taken_as_it_is_now_and_keeps_no_graph():
    recorder = Recorder()
    weight = torch.ones(1, requires_grad=True)
    total = torch.zeros(())
    count = np.zeros(())
    for step in range(3):
        total += 1
        count += 1
        recorder.log(torch.tensor(step), total=total, loss=(weight * 2).sum(), count=count, many=np.array([[step]]))
    for entry in recorder._waiting:
        assert all(type(value) is float for value in entry[2].values())
    assert recorder.history("total")[1].tolist() == [1, 2, 3]
    assert recorder.history("count")[1].tolist() == [1, 2, 3]
    assert recorder.history("many")[0].tolist() == [0, 1, 2]


def test_a_tensor_on_a_gpu_is_copied_and_waited_for_only_by_who_reads(monkeypatch):
    class Away(torch.Tensor):
        """A tensor that says that it is on a GPU."""

        is_cuda = True

        def item(self):
            raise AssertionError("waited for the GPU")

    waits = []
    monkeypatch.setattr(torch.cuda, "synchronize", waits.append)
    recorder, total = Recorder(), torch.zeros(()).as_subclass(Away).requires_grad_()
    for step in range(3):
        total = total + 1
        recorder.log(step, total=total, loss=0.5)
    assert waits == []
    assert not any(entry[2]["total"].requires_grad for entry in recorder._waiting)
    assert recorder.history("total")[1].tolist() == [1, 2, 3]
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.zeros(3), r"loss has shape \(3,\), not one number; log loss.mean\(\)"),
        (np.zeros((2, 2)), r"loss has shape \(2, 2\), not one number"),
        (None, "loss=None is not one number; log numbers, or tensors of one element"),
        ("0.5", "loss='0.5' is not one number"),
        (1j, "loss=1j is not one number"),
        ([1.0], r"loss=\[1.0\] is not one number"),
        (torch.zeros((), device="meta"), "loss=.* is not one number"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_not_one_number_is_refused_at_once_by_its_name(value, told):
    recorder = Recorder()
    recorder.log(0, loss=1.0)
    with pytest.raises(TypeError, match=told):
        recorder.log(1, acc=0.5, loss=value)
    assert [each.name for each in recorder.series()] == ["loss"]
    with pytest.raises(TypeError, match="step=None is not one number"):
        recorder.log(None, loss=1.0)
    with pytest.raises(KeyError, match="no metric 'nope' in 'run'; there are: loss"):
        recorder.history("nope")


def test_an_integer_that_no_float_holds_is_infinite():
    recorder = Recorder()
    recorder.log(0, count=10**400)
    assert np.isinf(recorder.history("count")[1]).all()


def test_a_capacity_and_a_direction_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="at least 16 points, not 3"):
        Recorder(capacity=3)
    with pytest.raises(ValueError, match="elbo is better 'higher'; say 'up', 'down', or '' not to judge it"):
        Recorder(better={"elbo": "higher"})


def test_an_epoch_ends_with_the_newest_step_also_after_a_restart():
    recorder = Recorder()
    recorder.epoch(0)
    for step in (*range(100), *range(50, 80)):
        recorder.log(step, loss=1.0)
    recorder.epoch(1)
    assert recorder.epochs == ((0, 0), (79, 1))


def test_threads_that_log_at_once_lose_nothing():
    recorder = Recorder()

    def work():
        for step in range(5000):
            recorder.log(step, loss=1.0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        recorder.drain()
    assert len(recorder.history("loss")[0]) == 20_000


def test_a_long_run_is_bounded_and_keeps_its_spike():
    recorder = Recorder(capacity=1000)
    for step in range(20_000):
        recorder.log(step, loss=99.0 if step == 777 else 1.0)
    (series,) = recorder.series()
    assert len(series) <= 1000
    assert series.thinned
    assert series.value.max() == 99


def test_a_saved_run_is_read_back_and_something_else_is_refused(tmp_path):
    recorder = Recorder("first", better={"loss": ""})
    for step in range(20):
        recorder.log(step, loss=[1.0, float("nan"), float("inf")][step % 3])
    recorder.epoch(1)
    recorder.save(tmp_path / "run.json")
    json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)
    again = Recorder.load(tmp_path / "run.json")
    assert (again.name, again.epochs, again.better) == ("first", ((19, 1),), {"loss": ""})
    assert again.history("loss")[1].tolist() == pytest.approx(recorder.history("loss")[1].tolist(), nan_ok=True)
    again.log(20, loss=1.0)
    assert (np.diff(again.series()[0].time) >= 0).all()
    for text in ("[]", "{}", "nonsense", '{"name": "a", "better": {}, "epochs": [1], "metrics": {}}'):
        with pytest.raises(ValueError, match=r"this is not a saved recorder \(.*\); give what"):
            Recorder.from_json(text)


def test_text_and_svg_show_it():
    recorder = Recorder()
    recorder.log(0, loss=2.0)
    recorder.log(1, loss=1.0)
    assert "least 1, greatest 2, 2 points" in recorder.text()
    recorder.log(1, **{"val/loss": float("nan")}, lr=0.1)
    assert "val/loss                      nan   1 points" in recorder.text()
    assert recorder.to_svg("val/loss").startswith("<svg")
    assert (
        recorder.to_svg().count("<path d=")
        == recorder.to_svg("loss").count("<path d=")
        > recorder.to_svg("lr").count("<path d=")
    )
    with pytest.raises(KeyError, match="there are: none yet"):
        Recorder().to_svg()


def test_a_script_is_told_what_its_curves_say():
    recorder = Recorder(better={"elbo": "up"})
    for step in range(200):
        recorder.log(step, loss=1.0 / (step + 1), elbo=step / 100, lr=0.1)
    assert {each.metric: each.kind for each in recorder.verdicts()} == {"loss": "healthy", "elbo": "healthy"}
    assert "elbo still rises" in recorder.text()


def test_a_script_gets_it_without_torch_and_without_the_widget_machinery():
    code = (
        "import sys; from mlexpert_widgets import Recorder; r = Recorder(); r.log(0, loss=1.0); print(r.text()); "
        "print([n for n in ('torch', 'anywidget', 'ipywidgets', 'matplotlib', 'IPython') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "widgets", capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
