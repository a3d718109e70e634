"""Progress in a terminal: lines, a live last line where there is one, never too fast, silent when nobody listens."""

import io
import time
from contextlib import suppress

from mlexpert_nb.display import TerminalProgress
from mlexpert_nb.packages import Event


class _Terminal(io.StringIO):
    def __init__(self, *, live):
        super().__init__()
        self.live, self.writes = live, 0

    def isatty(self):
        return self.live

    def write(self, text):
        self.writes += 1
        return super().write(text)


def test_a_log_gets_one_line_a_phase_tool_and_check():
    log = _Terminal(live=False)
    with TerminalProgress(log) as progress:
        progress(Event("phase", "plan"))
        progress(Event("tool", "propose_plan"))
        progress(Event("phase", "verify"))
        for done in range(1, 49):
            progress(Event("test", f"{done}/48 tests", done=done, total=48))
        progress(Event("check", "causality: moved by 0.0", passed=True))
        progress(Event("check", "latency: 120 ms", passed=False))
    assert log.getvalue().splitlines() == [
        "plan     propose_plan",
        "verify   tests 48/48",
        "verify   ✓ causality: moved by 0.0",
        "verify   ✗ latency: 120 ms",
    ]


def test_a_terminal_has_a_live_line_that_ticks_and_is_wiped_at_the_end():
    screen = _Terminal(live=True)
    with TerminalProgress(screen) as progress:
        progress(Event("phase", "verify"))
        progress(Event("test", "tests", done=3, total=48))
        time.sleep(1.3)
    shown = screen.getvalue()
    assert "verify · tests 3/48 · tests · 0 s" in shown
    assert "tests 3/48 · tests · 1 s" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_flood_of_events_is_written_at_most_ten_times_a_second():
    screen = _Terminal(live=True)
    began = time.monotonic()
    with TerminalProgress(screen) as progress:
        progress(Event("phase", "write"))
        for number in range(20_000):
            progress(Event("tool", f"Write {number}"))
    assert screen.writes <= 10 * (time.monotonic() - began) + 2
    assert "Write 19999" in screen.getvalue()


def test_a_phase_that_ends_in_an_error_at_once_leaves_no_line():
    log = _Terminal(live=False)
    progress = TerminalProgress(log)
    with suppress(ValueError), progress:
        progress(Event("phase", "plan"))
        int("banana")
    assert log.getvalue() == ""


def test_a_long_silence_leaves_a_sign_of_life_in_a_log():
    log, now = _Terminal(live=False), iter(range(0, 10_000, 20))
    with TerminalProgress(log, clock=lambda: next(now)) as progress:
        progress(Event("phase", "verify"))
        time.sleep(0.5)
    assert "verify   … " in log.getvalue()


def test_nothing_is_written_while_the_user_is_asked():
    screen = _Terminal(live=True)
    with TerminalProgress(screen) as progress:
        progress(Event("phase", "plan"))
        with progress.paused():
            before = screen.getvalue()
            progress(Event("tool", "late"))
            time.sleep(0.4)
            assert screen.getvalue() == before
    assert "late" in screen.getvalue()


def test_a_closed_standard_error_does_not_stop_the_run():
    screen = _Terminal(live=False)
    with TerminalProgress(screen) as progress:
        screen.close()
        progress(Event("tool", "Write"))
        time.sleep(0.2)


def test_a_phase_has_a_line_of_its_own_only_where_nothing_else_tells_it():
    log = _Terminal(live=False)
    with TerminalProgress(log) as progress:
        progress(Event("phase", "verify: reading the files"))
        progress(Event("phase", "verify: running the tests"))
        progress(Event("check", "ruff", passed=True))
        progress(Event("phase", "commit"))
        progress(Event("phase", "commit"))
    assert log.getvalue().splitlines() == [
        "verify   reading the files",
        "verify   running the tests",
        "verify   ✓ ruff",
        "commit",
    ]
