"""The training script in miniature: time splits the years, and the result stands beside naive forecasts."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_series_has_every_year_and_the_known_extremes(script):
    series = script.sunspots()
    assert len(series) == 2008 - 1700 + 1
    assert series.argmax() == 1957 - 1700
    assert series.max() == pytest.approx(190.2)
    assert series[[1712 - 1700, 1810 - 1700, 2008 - 1700]].tolist() == pytest.approx([0, 0, 2.9])


def test_no_year_is_forecast_in_two_parts_and_the_scale_is_that_of_the_first(script):
    years = torch.arange(1700.0, 2009.0)
    split = script.split_years(years)
    known = torch.arange(1700.0, 1921.0)
    found = [(part.future * known.std() + known.mean()).round() for part in split[:3]]
    spans = [(int(part.min()), int(part.max())) for part in found]
    assert spans == [(1766, 1920), (1921, 1955), (1956, 2008)]
    gaps = (split.test.future[..., 0] - split.test.past[..., -1]) * known.std()
    torch.testing.assert_close(gaps, torch.ones_like(gaps), rtol=0, atol=1e-3)


def test_naive_forecasts_repeat_the_last_year_and_the_last_cycle(script):
    split = script.split_years(torch.arange(309.0))
    same, cycle = script.naive(split.test)
    step = split.test.past[0, 0, 1] - split.test.past[0, 0, 0]
    torch.testing.assert_close((split.test.future - same)[0, 0] / step, torch.arange(1.0, 9.0))
    torch.testing.assert_close((split.test.future - cycle)[0, 0] / step, torch.full((8,), 11.0))


@pytest.mark.parametrize("kind", ["patchtst", "dlinear"])
def test_the_script_trains_and_prints_what_it_measured(script, kind, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "40", "--lr", "3e-3", "--kind", kind])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("step")] == ["20", "40"]
    assert lines[-1].startswith("test error")
    reached, same = float(lines[-1].split()[2]), float(lines[-1].split("last year ")[1].split(",")[0])
    assert 10 < reached < 0.9 * same
