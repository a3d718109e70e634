"""The report of an out-of-memory error: from recorded snapshots of the allocator, and of a real error on a CPU."""

import json
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.cuda import _memory_viz

from mlexpert_widgets import oom_report
from mlexpert_widgets.memory.out_of_memory import is_out_of_memory, owner_in
from mlexpert_widgets.memory.report import asked_for, report_from

SNAPSHOTS = Path(__file__).parent / "snapshots"
MIB = 1 << 20
MESSAGE = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 2.00 GiB"


def snapshot(name):
    return json.loads((SNAPSHOTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["full", "fragmented", "hostile"])
def test_the_recorded_snapshots_are_in_torchs_own_format(name):
    assert "segments" in _memory_viz.segsum(snapshot(name))


def test_the_largest_holders_are_named_by_the_users_lines():
    report = report_from(snapshot("full"), message=MESSAGE)
    assert report.asked == 2 << 30
    assert report.reserved == 1802 * MIB
    assert (report.free, report.largest_free) == (89 * MIB, 88 * MIB)
    assert [(each.where, each.num_bytes / MIB) for each in report.holders] == [
        ("/home/me/model.py:41 in forward", 790),
        ("/run/ipykernel_7/123.py:3 in <module>", 512),
        ("/home/me/model.py:77 in forward", 400),
        ("a line that was not recorded", 1),
    ]
    assert report.notes == ("1 blocks were taken before the recording began, so their lines are not known.",)
    text = report.picture().text()
    assert "Torch holds 1.76 GiB, of which 89 MiB are free; the largest free block is 88 MiB." in text
    assert "Halve the batch" in text


def test_memory_that_is_free_in_pieces_is_told_first():
    report = report_from(snapshot("fragmented"), message=MESSAGE.replace("2.00 GiB.", "1.00 GiB."))
    assert (report.free, report.largest_free) == (2048 * MIB, 256 * MIB)
    assert report.advice[0].startswith("2 GiB are free, but in pieces of at most 256 MiB")
    assert "expandable_segments:True" in report.advice[0]


def test_the_module_is_told_by_where_its_forward_stands():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    code = nn.ReLU.forward.__code__
    owner = owner_in(model)
    frames = [{"filename": code.co_filename, "name": "forward", "line": code.co_firstlineno + 1}]
    assert owner(frames) == "1"
    code = nn.Linear.forward.__code__
    assert (
        owner([{"filename": code.co_filename, "name": "forward", "line": code.co_firstlineno + 1}]) == "0 and 1 like it"
    )
    assert owner([{"filename": "elsewhere.py", "name": "forward", "line": 1}]) == ""


def test_nothing_of_a_snapshot_becomes_markup():
    html = report_from(snapshot("hostile"), message="<b>out of memory</b>").picture().html()
    assert "<img" not in html
    assert "<script" not in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("Tried to allocate 20.00 MiB", 20 * MIB),
        ("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes.", 4096),
        ("MPS backend out of memory (MPS allocated: 1 GB). Tried to allocate 1.50 GB on private pool.", 1.5e9),
        ("something else", None),
    ],
)
def test_what_was_asked_for_is_read_from_the_error(message, wanted):
    assert asked_for(message) == wanted


def test_only_errors_for_lack_of_memory_are_told():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory"))
    assert not is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(ValueError, match="mine"), oom_report() as watching:
        raise ValueError("mine")
    assert watching.report is None
    with pytest.raises(RuntimeError, match="shape"), oom_report() as watching:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert watching.report is None


def test_a_real_error_is_raised_with_its_report(capsys):
    held = torch.zeros(3 << 20)
    with pytest.raises(RuntimeError, match="allocate"), oom_report() as watching:
        torch.empty(1 << 60)
    report = watching.report
    assert report.asked == 1 << 62
    assert any(each.num_bytes == held.numel() * 4 and "3145728 float32" in each.where for each in report.holders)
    assert "One tensor of" in report.advice[0]
    assert "Out of memory" in capsys.readouterr().err
    sys.last_value = ValueError("kept")
    report.release()
    assert sys.last_value is None


def test_in_a_notebook_the_report_stands_in_the_cell_above_the_error(kernel):
    code = """
        import torch
        from mlexpert_widgets import oom_report
        weights = torch.zeros(1 << 20)
        with oom_report():
            torch.empty(1 << 60)
    """
    ran = kernel.run(textwrap.dedent(code))
    assert ran.reply["status"] == "error"
    first, last = ran.shown
    assert "weights: 1048576 float32" in first["data"]["text/html"]
    assert last["ename"] == "RuntimeError"
