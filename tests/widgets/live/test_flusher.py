"""The background thread: serves what is held, and ends when nothing is."""

import gc
import threading

from mlexpert_widgets.live.flusher import Flusher, period_s


class Counter:
    """Counts its flushes."""

    def __init__(self):
        self.count, self.reached = 0, threading.Event()

    def flush(self):
        """Count."""
        self.count += 1
        if self.count == 2:
            self.reached.set()


def threads():
    return [each for each in threading.enumerate() if each.name == "mlexpert-widgets"]


def test_what_is_added_is_flushed_and_the_thread_ends_when_nobody_holds_it():
    before = threads()
    flusher, counter = Flusher(), Counter()
    flusher.add(counter)
    assert counter.reached.wait(10)
    (thread,) = [each for each in threads() if each not in before]
    del counter
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_what_is_removed_is_flushed_no_more_and_may_come_back():
    flusher, counter = Flusher(), Counter()
    flusher.add(counter)
    flusher.remove(counter)
    (thread,) = [each for each in threads() if each is not threading.current_thread()][-1:]
    thread.join(10)
    flusher.add(counter)
    assert counter.reached.wait(10)
    flusher.remove(counter)


def test_many_views_share_ten_flushes_a_second():
    assert [period_s(count) for count in (1, 2, 4, 20)] == [0.2, 0.2, 0.4, 2.0]


def test_a_view_that_costs_much_is_flushed_less_often():
    assert period_s(1, 0.001) == 0.2
    assert period_s(1, 0.01) == 1.0
    assert period_s(1, 60.0) == 5.0
