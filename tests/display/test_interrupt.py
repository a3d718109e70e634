"""The interrupt of one run: it hits the run, and a press that comes a moment too late hits nothing."""

import random
import signal
import sys
import threading
import time

import pytest

from mlexpert_nb.display.interrupt import Interrupt


class Run:
    """The smallest thing that can be stopped."""

    def __init__(self):
        self.cleaned = False
        self.interrupt = Interrupt(Run.__exit__)

    def __enter__(self):
        self.interrupt.begin()
        return self.interrupt

    def __exit__(self, *error):
        self.interrupt.over = True
        self.interrupt.end()


def test_a_press_on_another_thread_ends_the_run_at_once():
    began = time.monotonic()
    run = Run()
    threading.Timer(0.1, run.interrupt.send).start()
    with pytest.raises(KeyboardInterrupt), run:
        time.sleep(30)
    assert 0.1 <= time.monotonic() - began < 1
    assert run.interrupt.sent


def test_before_and_after_the_run_a_press_does_nothing_and_the_handler_is_as_it_was():
    before = signal.getsignal(signal.SIGINT)
    run = Run()
    run.interrupt.send()
    with run as interrupt:
        assert signal.getsignal(signal.SIGINT) != before
    interrupt.send()
    time.sleep(0.05)
    assert not interrupt.sent
    assert signal.getsignal(signal.SIGINT) == before


def test_a_second_press_does_not_hit_the_clean_up():
    run = Run()
    with pytest.raises(KeyboardInterrupt), run:
        _stopped_twice(run)
    assert run.cleaned


def test_the_interrupt_of_the_kernel_still_arrives():
    with pytest.raises(KeyboardInterrupt), Run():
        signal.raise_signal(signal.SIGINT)


def test_off_the_main_thread_there_is_no_interrupt():
    run, seen = Run(), []

    def body():
        with run as interrupt:
            interrupt.send()
            seen.append(interrupt.sent)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [False]


@pytest.fixture
def restless():
    """Threads that take turns a hundred times as often as usual, so that they meet everywhere."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 100)
    yield
    sys.setswitchinterval(usual)


def test_however_a_press_meets_the_end_a_finished_run_is_finished_and_nothing_later_is_hit(restless):
    chance, hits, misses = random.Random(0), 0, 0  # noqa: S311 - distances between two threads, no secret
    for _ in range(1500):
        run, ready, finished = Run(), threading.Event(), False
        thread = threading.Thread(target=_press, args=(run.interrupt, ready, chance.randrange(2000)))
        thread.start()
        try:
            with run:
                ready.set()
                sum(number for number in range(chance.randrange(20_000)))
                finished = True
        except KeyboardInterrupt:
            hits += 1
            assert not finished
        else:
            misses += 1
        thread.join()
        sum(number for number in range(200))  # code after the run; a stray interrupt would fail the test here
    assert min(hits, misses) > 50


def _stopped_twice(run):
    try:
        run.interrupt.send()
        time.sleep(30)
    finally:
        run.interrupt.send()
        time.sleep(0.05)
        run.cleaned = True


def _press(interrupt, ready, spins):
    ready.wait()
    sum(number for number in range(spins))
    interrupt.send()
