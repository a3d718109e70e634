"""What it costs a training loop to log two metrics a step, next to the peers, on the step of a tiny network.

Run: `python tests/bench/bench_log.py [repeats]`. All methods take turns in one process, so that a busy machine slows
them alike; what is compared are medians of CPU time and ratios, not wall time. `Recorder` is measured with the feed of
a live view behind it, which packs and sends what is new ten times a second on a thread of its own, and once as it is
used: with a `LearningCurves` that sends, takes snapshots and judges at its own pace. All messages are signed and
written to a socket that nobody reads. It reports, and exits with 0 whatever the figures are. Nothing leaves the
machine: a connection to any other is refused.
"""

import contextlib
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

os.environ |= {"MPLBACKEND": "Agg", "HF_HUB_OFFLINE": "1", "TRACKIO_DIR": tempfile.mkdtemp()}
sys.path.insert(0, str(Path(__file__).parents[2] / "widgets"))  # the checkout, also where it is not installed

import comm
import torch
import zmq
from comm.base_comm import BaseComm
from jupyter_client.session import Session
from torch import nn

from mlexpert_widgets.curves.learning_curves import LearningCurves
from mlexpert_widgets.curves.recorder import Recorder
from mlexpert_widgets.live.feed import Feed

PEERS = ("livelossplot", "tensorboard", "tqdm", "trackio")
FLUSH_PERIOD_S = 0.1
HOT_CALLS = 20_000
LISTS, BOUND, LOG = "2 × list.append", "Recorder.bind(), 10 Hz feed", "Recorder.log(), 10 Hz feed"
Log = Callable[[int, float, float], None]


class Method(NamedTuple):
    """A way to log, and for how many steps it is worth the time."""

    name: str
    open: Callable[[], contextlib.AbstractContextManager[Log]]
    steps: int


class Turn(NamedTuple):
    """What one turn of a method came to, in microseconds a step; `share` is its threads' part of a core."""

    call: float
    call_cpu: float
    threads: float
    share: float
    step_cpu: float


class Screen:
    """Sends as a widget does, to a socket that nobody reads."""

    snapshot = b""

    def __init__(self) -> None:
        self._wire = Wire()

    def send(self, content, buffers=None):
        """Sign and write one message."""
        self._wire.publish_msg("comm_msg", {"method": "custom", "content": content}, buffers=buffers)


class Wire(BaseComm):
    """The kernel's end of a widget: what it is given is signed and written to a socket that nobody reads."""

    def __init__(self, *args, **keys) -> None:
        self._session, self._socket = Session(key=b"key"), zmq.Context.instance().socket(zmq.PUB)
        self._socket.bind(f"inproc://{id(self)}")
        super().__init__(*args, **keys)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        """Sign and write one message."""
        content = {"comm_id": self.comm_id, "data": data, **keys}
        self._session.send(self._socket, msg_type, content, metadata=metadata, buffers=buffers)


def main(repeats: int) -> None:
    """Print the table."""
    missing = [name for name in PEERS if find_spec(name) is None]
    if missing:
        sys.exit(f"{', '.join(missing)} is not installed; run: make bench")
    sys.addaudithook(_refuse_other_machines)
    warnings.simplefilter("ignore")  # the peers' own
    comm.create_comm = Wire
    torch.set_num_threads(1)
    turns: dict[str, list[Turn]] = {method.name: [] for method in METHODS}
    for method in METHODS:
        _turn(method, 20)  # imports, and first calls allocate
    for _ in range(repeats):
        for method in METHODS:
            turns[method.name].append(_turn(method, method.steps))
    step, clock = (_median(turns[METHODS[0].name], what) for what in ("step_cpu", "call_cpu"))
    bound = _median(turns[BOUND], "call_cpu") - clock + _median(turns[BOUND], "threads")
    print(f"torch {torch.__version__}, 1 thread; a step is {step:.0f} µs of CPU; medians of {repeats} turns")
    print(
        f"{'':32}{'call p50':>9}{'call CPU':>9}{'threads':>9}{'together':>9}{'of a step':>10}{'of a core':>10}  ratio"
    )
    for name, each in turns.items():
        call, call_cpu, threads, share, _step = (_median(each, what) for what in Turn._fields)
        together = max(0.0, call_cpu - clock) + threads
        figures = f"{call:9.2f}{call_cpu - clock:9.2f}{threads:9.2f}{together:9.2f}{together / step:10.2%}{share:10.2%}"
        print(f"{name:32}{figures}{together / bound:7.1f}")
    print("µs; call CPU is the mean over all calls, less the clock; threads is what other threads do for it, a step;")
    print("of a core is what these threads take while the loop runs; ratio is to the cost together of a bound log")
    _print_inline(turns, repeats)


def _print_inline(turns: dict[str, list[Turn]], repeats: int) -> None:
    """Print what the call itself takes, where the caches are the logger's and where a step has just used them."""
    methods = [each for each in METHODS if each.name in {METHODS[0].name, LISTS, BOUND, LOG}]
    hot: dict[str, list[float]] = {each.name: [] for each in methods}
    for _ in range(repeats):
        for each in methods:
            hot[each.name].append(_hot(each))
    clock = methods[0].name
    print(f"\n{'inline, µs: p50 less the clock':32}{'hot loop':>9}{'in a step':>10}")
    for name, calls in list(hot.items())[1:]:
        cold = _median(turns[name], "call") - _median(turns[clock], "call")
        print(f"{name:32}{median(calls) - median(hot[clock]):9.2f}{cold:10.2f}")
    print(f"the clock and the call of a function that does nothing: {median(hot[clock]):.2f} hot", end=", ")
    print(f"{_median(turns[clock], 'call'):.2f} in a step")


def _hot(method: Method) -> float:
    calls, clock = [], time.perf_counter_ns
    with method.open() as log:
        for step in range(HOT_CALLS):
            before = clock()
            log(step, 0.25, 0.5)
            calls.append(clock() - before)
    return median(calls) / 1e3


def _median(turns: list[Turn], what: str) -> float:
    return median(getattr(turn, what) for turn in turns)


def _turn(method: Method, steps: int) -> Turn:
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer, inputs = torch.optim.SGD(model.parameters(), lr=1e-3), torch.randn(16, 32)
    calls, calls_cpu, clock, cpu = [], 0, time.perf_counter_ns, time.thread_time_ns
    with _quiet(), method.open() as log:
        wall, all_threads, mine = time.perf_counter(), time.process_time(), time.thread_time()
        for step in range(steps):
            optimizer.zero_grad()
            loss = model(inputs).square().mean()
            loss.backward()
            optimizer.step()
            value = loss.item()
            before_cpu, before = cpu(), clock()
            log(step, value, 0.5)
            calls.append(clock() - before)
            calls_cpu += cpu() - before_cpu
        wall, all_threads, mine = (
            time.perf_counter() - wall,
            time.process_time() - all_threads,
            time.thread_time() - mine,
        )
    others = max(0.0, all_threads - mine)
    per_step = 1e6 / steps
    return Turn(median(calls) / 1e3, calls_cpu / steps / 1e3, others * per_step, others / wall, mine * per_step)


@contextmanager
def _nothing() -> Iterator[Log]:
    yield lambda _step, _loss, _acc: None


@contextmanager
def _lists() -> Iterator[Log]:
    losses, accs = [], []

    def log(_step, loss, acc):
        losses.append(loss)
        accs.append(acc)

    yield log


@contextmanager
def _fed(recorder: Recorder) -> Iterator[None]:
    """Send what a recorder gets to a page, ten times a second."""
    feed, end = Feed(Screen(), recorder), threading.Event()

    def run():
        while not end.is_set():
            time.sleep(FLUSH_PERIOD_S)
            feed.flush()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    end.set()
    thread.join()


@contextmanager
def _log() -> Iterator[Log]:
    recorder = Recorder()
    with _fed(recorder):
        yield lambda step, loss, acc: recorder.log(step, loss=loss, acc=acc)


@contextmanager
def _bind() -> Iterator[Log]:
    recorder = Recorder()
    with _fed(recorder):
        yield recorder.bind("loss", "acc")


@contextmanager
def _view() -> Iterator[Log]:
    curves = LearningCurves()
    yield curves.bind("loss", "acc")
    curves.close()


@contextmanager
def _tqdm() -> Iterator[Log]:
    from tqdm import tqdm  # noqa: PLC0415 - a peer

    with Path(os.devnull).open("w") as nowhere, tqdm(total=1000, file=nowhere) as bar:

        def log(_step, loss, acc):
            bar.set_postfix(loss=loss, acc=acc, refresh=False)
            bar.update()

        yield log


@contextmanager
def _tensorboard() -> Iterator[Log]:
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - a peer

    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:

        def log(step, loss, acc):
            writer.add_scalar("loss", loss, step)
            writer.add_scalar("acc", acc, step)

        yield log


@contextmanager
def _trackio() -> Iterator[Log]:
    import trackio  # noqa: PLC0415 - a peer

    run = trackio.init("bench", embed=False, auto_log_cpu=False, auto_log_gpu=False)
    yield lambda step, loss, acc: run.log({"loss": loss, "acc": acc}, step=step)
    run.finish()


@contextmanager
def _livelossplot() -> Iterator[Log]:
    from livelossplot import PlotLosses  # noqa: PLC0415 - a peer

    plot = PlotLosses()

    def log(step, loss, acc):
        plot.update({"loss": loss, "acc": acc})
        if step % 100 == 99:
            plot.send()

    yield log


METHODS = (
    Method("nothing", _nothing, 1000),
    Method(LISTS, _lists, 1000),
    Method(BOUND, _bind, 5000),
    Method(LOG, _log, 5000),
    Method("LearningCurves.bind(), live", _view, 10_000),
    Method("tqdm", _tqdm, 1000),
    Method("trackio, local", _trackio, 500),
    Method("TensorBoard SummaryWriter", _tensorboard, 500),
    Method("livelossplot every 100 steps", _livelossplot, 200),
)


def _refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.bind"} and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if host not in {"127.0.0.1", "::1", "localhost"}:
            raise ConnectionRefusedError(f"{host}: this bench stays on this machine")


@contextmanager
def _quiet() -> Iterator[None]:
    """Let the peers print into nothing."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
