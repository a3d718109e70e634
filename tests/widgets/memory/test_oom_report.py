"""The report of an out-of-memory error: from recorded snapshots of the allocator, and of real errors on a CPU."""

import json
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.cuda import _memory_viz

from mlexpert_widgets import oom_report
from mlexpert_widgets.memory.advice import Facts, advise
from mlexpert_widgets.memory.failure import Failure, failure_of, owner_in
from mlexpert_widgets.memory.message import Told, first_sentence, is_out_of_memory, told_by
from mlexpert_widgets.memory.report import report_from, report_of
from mlexpert_widgets.memory.snapshot import Holder
from mlexpert_widgets.memory.tensors import holders_alive

SNAPSHOTS = Path(__file__).parent / "snapshots"
WIDGETS = Path(__file__).parents[3] / "widgets"
MIB, GIB = 1 << 20, 1 << 30
CUDA = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 14.57 GiB of which 1.58 GiB is "
    "free. Process 2493055 has 12.02 GiB memory in use. Including non-PyTorch memory, this process has 966.00 MiB "
    "memory in use. Of the allocated memory 734.07 MiB is allocated by PyTorch, and 33.93 MiB is reserved by PyTorch "
    "but unallocated. If reserved but unallocated memory is large try setting "
    "PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation."
)
MPS = (
    "MPS backend out of memory (MPS allocated: 17.36 GB, other allocations: 613.56 MB, max allowed: 18.13 GB). Tried "
    "to allocate 192.00 MB on private pool. Use PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 to disable upper limit."
)
CPU = (
    "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes."
)


class Block(nn.Module):
    """Asks for more than there is when it is told to."""

    def __init__(self):
        super().__init__()
        self.layer, self.fails = nn.Linear(4, 4), False

    def forward(self, x):
        if self.fails:
            torch.empty(1 << 60)
        return self.layer(x)


class Model(nn.Module):
    """Blocks inside a list."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(4))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def snapshot(name):
    return json.loads((SNAPSHOTS / f"{name}.json").read_text())


def frame(function):
    code = function.__code__
    return {"filename": code.co_filename, "name": code.co_name, "line": code.co_firstlineno + 1}


@pytest.mark.parametrize("name", ["full", "fragmented", "hostile"])
def test_the_recorded_snapshots_are_in_torchs_own_format(name):
    assert "segments" in _memory_viz.segsum(snapshot(name))
    assert ("OutOfMemoryError" in _memory_viz.trace(snapshot(name))) is (name == "full")


def test_the_largest_holders_of_the_device_are_named_by_the_users_lines():
    report = report_from(snapshot("full"), message=CUDA)
    assert report.facts.asked == 2 * GIB
    assert report.reserved == 1802 * MIB, "without the other device's 64"
    assert (report.facts.free, report.facts.largest_free) == (89 * MIB, 88 * MIB)
    assert [(each.where, each.num_bytes / MIB) for each in report.holders] == [
        ("/home/me/model.py:41 in forward", 790),
        ("/run/ipykernel_7/123.py:3 in <module>", 512),
        ("/home/me/model.py:77 in forward", 400),
        ("a line that was not recorded", 1),
    ]
    assert report.notes == (
        "Blocks that were taken before the recording began, without a line: 1.",
        "Which modules hold it is not known; oom_report(model) tells.",
    )
    text = report.picture().text()
    assert "The device has 14.6 GiB, of which 1.58 GiB are free." in text
    assert "Torch has 1.76 GiB from it: 1.66 GiB in tensors, 89 MiB free, the largest free block 88 MiB." in text
    assert "larger blocks" in text
    assert "blocks up to 1 MiB" in text
    assert "790 MiB" in text
    assert "1. Other processes hold 12 GiB of this GPU: 2493055 (12 GiB)." in text


def test_what_was_asked_for_is_known_from_the_history_if_the_error_does_not_say():
    assert report_from(snapshot("full"), message="CUDA error: out of memory").facts.asked == 2 * GIB


def test_memory_that_is_free_in_pieces_is_told_first():
    report = report_from(snapshot("fragmented"), message=CUDA.replace("allocate 2.00 GiB", "allocate 1.00 GiB"))
    assert (report.facts.free, report.facts.largest_free) == (2048 * MIB, 256 * MIB)
    first = report.advice[0]
    assert first.startswith("It would have fitted in one piece: 2 GiB are free, but in pieces of at most 256 MiB")
    assert "PYTORCH_ALLOC_CONF=expandable_segments:True" in first


def test_the_module_is_told_by_where_its_forward_stands():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    assert owner_in(model)([frame(nn.ReLU.forward)]) == "1"
    assert owner_in(model)([frame(nn.Linear.forward)]) == "0 or 1 like it"
    assert owner_in(model)([{"filename": "elsewhere.py", "name": "forward", "line": 1}]) == ""
    both = nn.ModuleDict({"free": nn.Linear(4, 4), "block": Block()})
    assert owner_in(both)([frame(nn.Linear.forward), frame(Block.forward)]) == "block.layer"
    taken = snapshot("full")
    taken["segments"][0]["blocks"][0]["frames"] = [frame(nn.ReLU.forward)]
    report = report_from(taken, message=CUDA, model=model)
    assert report.by_module() == [("1", 790 * MIB)]
    assert "By module" in report.picture().text()


def test_where_it_failed_is_read_from_the_traceback():
    model = Model()
    model.blocks[2].fails = True
    with pytest.raises(RuntimeError, match="allocate") as raised:
        model(torch.zeros(1, 4))
    failure, found = failure_of(raised.value.__traceback__, None)
    assert found is model
    assert failure.module == "blocks.2"
    assert failure.line.endswith("in forward")
    weight = nn.Parameter(torch.zeros(2))
    weight.register_hook(lambda _: torch.empty(1 << 60))
    with pytest.raises(RuntimeError, match="allocate") as raised:
        weight.sum().backward()
    failure, found = failure_of(raised.value.__traceback__, None)
    assert (failure.module, failure.phase, found) == (None, "on the way back (backward)", None)
    weight = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight])
    with pytest.raises(RuntimeError, match="allocate") as raised:
        optimizer.step(lambda: torch.empty(1 << 60))
    assert failure_of(raised.value.__traceback__, None)[0].phase == "in the step of the optimizer"
    assert failure_of(None, None) == (Failure(), None)


def test_nothing_of_a_snapshot_becomes_markup():
    html = report_from(snapshot("hostile"), message="<b>out of memory</b>").picture().html()
    assert "<img" not in html
    assert "<script" not in html
    assert "<b>" not in html


def test_what_an_error_tells_is_read_from_its_words():
    assert told_by(CUDA) == Told(2 * GIB, 0, 14.57 * GIB, 1.58 * GIB, 734.07 * MIB, ((2493055, 12.02 * GIB),))
    assert told_by(MPS) == Told(192 * MIB, None, 18.13 * GIB, None, 17.36 * GIB)
    assert told_by(CPU) == Told(4096)
    assert told_by("something else") == Told()
    assert first_sentence(CUDA) == "CUDA out of memory. Tried to allocate 2.00 GiB"
    assert first_sentence("") == "out of memory"


def test_the_advice_has_the_numbers_that_speak_for_it():
    fits = advise(Facts("cuda", GIB, 10 * GIB, fixed=4 * GIB, holders=(Holder("a.py:1 in f", "blocks.0", 3 * GIB, 2),)))
    assert fits[0] == (
        "Halve the batch and accumulate gradients over two steps: what depends on the batch (6 GiB here) is halved: "
        "about 3 GiB less, which is enough."
    )
    assert fits[1].endswith("use_reentrant=False), first around blocks.0.")
    assert 'torch.autocast("cuda", dtype=torch.bfloat16)' in fits[2]
    assert "report.release()" in fits[-1]
    assert "torch.cuda.empty_cache()" in fits[-1]
    kept = advise(Facts("cpu", 10, 10 * GIB, holders=(Holder("cell.py:4 in <module>", "", 4 * GIB, 900),)))
    assert kept[0].startswith("cell.py:4 in <module> holds 40% of it in 900 blocks: if results are put into a list")
    assert not any("bfloat16" in each for each in kept)
    adam = advise(Facts("cuda", 10, 10 * GIB, failure=Failure(phase="in the step of the optimizer")))
    assert "Adam takes two more numbers" in adam[0]
    mps = report_of((), message=MPS)
    assert any("HIGH_WATERMARK" in each for each in mps.advice)
    assert "The device has 18.1 GiB.\nTensors hold 17.4 GiB." in mps.picture().text()


def test_only_errors_for_lack_of_memory_are_told():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError(MPS))
    assert is_out_of_memory(RuntimeError(CPU))
    assert not is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))
    with pytest.raises(ValueError, match="mine"), oom_report() as watching:
        raise ValueError("mine")
    assert watching.report is None
    with pytest.raises(RuntimeError, match="shape"), oom_report() as watching:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert watching.report is None


def test_a_real_error_is_raised_with_its_report(capsys):
    held = torch.zeros(30 << 20)
    model = Model()
    model.blocks[1].fails = True
    with pytest.raises(RuntimeError, match="allocate"), oom_report() as watching:
        model(torch.zeros(1, 4))
    report = watching.report
    assert report.facts.asked == 1 << 62
    assert any(each.num_bytes == held.numel() * 4 and "31457280 float32" in each.where for each in report.holders)
    assert report.facts.failure.module == "blocks.1"
    assert "One tensor of" in report.advice[0]
    told = capsys.readouterr().err
    assert "Out of memory" in told
    assert "It failed in blocks.1, at " in told


def test_tensors_are_named_by_variable_and_by_path_and_odd_ones_do_no_harm():
    model, other = nn.Linear(1000, 1000), nn.Linear(2000, 1000)
    model(torch.zeros(1, 1000)).sum().backward()
    with torch.sparse.check_sparse_tensor_invariants():
        odd = [torch.sparse_coo_tensor([[0]], [1.0], (2,)), torch.zeros(9, device="meta")]
    big = torch.zeros(1 << 22)
    view = big[1:]
    holders = holders_alive({"big": big, "net": model, "other": other, "odd": odd}, model)
    named = {each.where: (each.module, each.num_bytes) for each in holders}
    assert named["big: 4194304 float32"] == ("", 1 << 24)
    assert named["weight: 1000×1000 float32"] == ("(model)", 4_000_000)
    assert named["gradient of weight: 1000×1000 float32"] == ("(model)", 4_000_000)
    assert named["other.weight: 1000×2000 float32"] == ("", 8_000_000)
    assert view.numel() == big.numel() - 1


def test_a_script_without_torch_has_a_report_too():
    code = (
        "import sys\nfrom mlexpert_widgets import oom_report\n"
        "try:\n    with oom_report() as oom: bytearray(1 << 62)\n"
        "except MemoryError: print(oom.report.message, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=WIDGETS, capture_output=True, text=True, check=True)
    assert done.stdout == "MemoryError False\n"


NOTEBOOK = """
import weakref, torch
from mlexpert_widgets import oom_report
weights = torch.zeros(1 << 20)
def step():
    global alive
    batch = torch.zeros(1 << 20)
    alive = weakref.ref(batch)
    torch.empty(1 << 60)
with oom_report() as oom:
    step()
"""


def test_in_a_notebook_the_report_stands_above_the_error_and_releases_what_it_keeps(kernel):
    ran = kernel.run(textwrap.dedent(NOTEBOOK))
    assert ran.reply["status"] == "error"
    first, last = ran.shown
    assert "weights: 1048576 float32" in first["data"]["text/html"]
    assert "<svg" in first["data"]["text/html"]
    assert last["ename"] == "RuntimeError"
    after = "held = alive() is not None; oom.report.release(); print(held, alive())"
    assert kernel.run(after).text == "True None\n"


def test_an_error_that_is_caught_is_released_too():
    def step():
        batch = torch.zeros(3)
        alive.append(weakref.ref(batch))
        torch.empty(1 << 60)

    alive = []
    try:
        with oom_report() as oom:
            step()
    except RuntimeError:
        before = alive[0]() is not None
        oom.report.release()
        after = alive[0]() is not None
    assert (before, after) == (True, False)
