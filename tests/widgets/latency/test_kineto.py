"""The op table: the same figures as `key_averages()`, and no noise on the standard error."""

import os
import threading
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.autograd.profiler import profile, record_function

from mlexpert_widgets.latency.kineto import CALL, op_times, profiled, quiet


def _gpt():
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True, norm_first=True)
    model = nn.Sequential(nn.Embedding(50, 32), nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
    return model, torch.randint(50, (2, 16))


def _train():
    model, tokens = _gpt()
    for _ in range(2):
        with record_function("step"):
            model(tokens).sum().backward()
            with torch.no_grad():
                torch._foreach_sub_(list(model.parameters()), [each.grad for each in model.parameters()])


def _threads():
    model, tokens = _gpt()
    threads = [threading.Thread(target=lambda: model(tokens).sum().backward()) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _nested():
    with record_function("same"), record_function("same"), record_function("same"):
        torch.ones(3).add(1)
    with record_function("same"), record_function("same"):
        torch.ones(3).add(1)
        with record_function("same"):
            torch.ones(3).mul(2)
    futures = [torch.jit.fork(torch.sin, torch.ones(100)) for _ in range(3)]
    for each in futures:
        torch.jit.wait(each)


@pytest.mark.parametrize("work", [_train, _threads, _nested])
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_every_op_has_the_figures_of_key_averages(work):
    with quiet(), profile() as profiler:
        work()
    mine = {each.name: each for each in op_times(profiler.kineto_results.events())}
    averages = {each.key: each for each in profiler.key_averages()}
    assert mine.keys() == averages.keys()
    for name, theirs in averages.items():
        assert mine[name].count == theirs.count
        assert mine[name].total_us == pytest.approx(theirs.cpu_time_total, abs=1e-6)
        assert mine[name].self_us == pytest.approx(theirs.self_cpu_time_total, abs=1e-6)


def test_the_time_between_ops_is_that_of_the_python_around_them():
    x = torch.randn(400, 400)
    inside = profiled(lambda: x @ x @ x, num_calls=5)
    assert inside.num_calls == 5
    assert CALL not in {each.name for each in inside.rows}
    assert next(each.count for each in inside.rows if each.name == "aten::mm") == 10
    outside = profiled(lambda: (x.add(1), sum(range(5_000_000))), num_calls=5)
    assert outside.between > 0.5
    assert inside.between < outside.between


def test_under_another_profiler_there_is_no_table():
    with quiet(), profile():
        assert profiled(lambda: torch.ones(2), num_calls=1).rows == ()


def test_a_failing_call_ends_the_profile():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        profiled(lambda: torch.ones(2, 3) @ torch.ones(2, 3), num_calls=1)
    assert profiled(lambda: torch.ones(2), num_calls=1).rows


def test_nothing_but_the_noise_is_kept_from_the_standard_error(capfd):
    profiled(lambda: torch.ones(2), num_calls=1)
    with quiet():
        os.write(2, b"USDT:2026 profiler_start\na real complaint\n")
    assert capfd.readouterr().err == "a real complaint\n"


@dataclass
class Event:
    """An event as a device with launches leaves it."""

    called: str
    start: int
    end: int
    number: int
    link: int = 0
    thread: int = 1
    device: torch._C._autograd.DeviceType = torch._C._autograd.DeviceType.CPU

    def __getattr__(self, name):
        told = {
            "name": self.called,
            "is_hidden_event": False,
            "start_ns": self.start,
            "duration_ns": self.end - self.start,
            "start_thread_id": self.thread,
            "end_thread_id": self.thread,
            "is_async": False,
            "correlation_id": self.number,
            "linked_correlation_id": self.link,
            "device_type": self.device,
        }
        return lambda: told[name]


def test_launches_count_under_their_op_and_kernels_on_their_device():
    events = [
        Event("aten::mm", 0, 10_000, 1),
        Event("launch", 2_000, 5_000, 7, link=1, thread=99),
        Event("gemm", 4_000, 30_000, 7, link=1, device=torch._C._autograd.DeviceType.CUDA),
    ]
    rows = {each.name: (each.on_device, each.total_us, each.self_us) for each in op_times(events)}
    assert rows == {"aten::mm": (False, 10, 7), "launch": (False, 3, 3), "gemm": (True, 26, 26)}
