"""The feed: numbered chunks, a resend, a snapshot; read in node as the browser reads it."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

from mlexpert_widgets.live.feed import Feed
from mlexpert_widgets.live.series import Series

HERE = Path(__file__).parent


class Screen:
    """Keeps what it is sent."""

    def __init__(self):
        self.snapshot, self.sent = b"", []

    def send(self, content, buffers=None):
        """Keep a message."""
        self.sent.append((content, buffers))


class Source:
    """Two metrics of a run."""

    def __init__(self, capacity=1 << 20):
        self.loss, self.val = Series("loss", capacity=capacity), Series("val/loss", "nats")

    def series(self):
        """Give both."""
        return [self.loss, self.val]

    def log(self, count):
        """Add points to the loss."""
        start = int(self.loss.step[-1]) + 1 if len(self.loss) else 0
        self.loss.extend(*(range(start, start + count) for _ in range(3)))


@pytest.fixture
def fed():
    screen, source = Screen(), Source()
    return screen, source, Feed(screen, source)


def told(screen):
    return [(c["number"], c["fresh"], [(s["id"], s["from"], s["count"]) for s in c["series"]]) for c, _ in screen.sent]


def test_only_what_is_new_is_sent_and_the_chunks_are_numbered(fed):
    screen, source, feed = fed
    assert not feed.flush()
    source.log(10)
    source.val.append(9, 9.0, 0.5)
    assert feed.flush()
    source.log(5)
    feed.flush()
    assert not feed.flush()
    assert told(screen) == [(0, True, [(0, 0, 10), (1, 0, 1)]), (1, False, [(0, 10, 5)])]
    assert [len(each) for each in screen.sent[0][1]] == [120, 12]


def test_a_resend_gives_everything_again_from_a_fresh_chunk(fed):
    screen, source, feed = fed
    source.log(10)
    feed.flush()
    feed.resend()
    feed.flush()
    assert told(screen)[-1] == (1, True, [(0, 0, 10)])


def test_a_long_series_goes_in_several_messages(fed, monkeypatch):
    monkeypatch.setattr("mlexpert_widgets.live.feed.LARGEST_CHUNK", 100)
    screen, source, feed = fed
    source.log(250)
    feed.flush()
    assert [each for _, _, (each,) in told(screen)] == [(0, 0, 100), (0, 100, 100), (0, 200, 50)]


def test_the_snapshot_waits_its_time_and_is_complete_at_the_end(fed):
    screen, source, feed = fed
    source.log(10)
    feed.flush()
    first = screen.snapshot
    assert first
    source.log(10)
    feed.flush()
    assert screen.snapshot == first
    feed.flush(last=True)
    assert screen.snapshot != first


def test_no_point_is_lost_while_another_thread_logs(fed):
    screen, source, feed = fed

    def train():
        for _ in range(200):
            source.log(7)

    thread = threading.Thread(target=train)
    thread.start()
    while thread.is_alive():
        feed.flush()
    feed.flush()
    assert sum(count for _, _, ((_, _, count),) in told(screen)) == 1400
    starts = [start for _, _, ((_, start, _),) in told(screen)]
    assert starts == sorted(starts)


def test_the_browser_reads_what_python_sends(tmp_path, node):
    screen, source = Screen(), Source(capacity=4096)
    feed = Feed(screen, source)
    for count in (10, 3000, 2000, 7000):  # the last two make the series thin itself
        source.log(count)
        source.val.append(count, float(count), float("nan") if count == 10 else count / 2)
        feed.flush()
    feed.flush(last=True)
    messages = [{"content": content, "buffers": [b.hex() for b in buffers]} for content, buffers in screen.sent]
    expected = [{"name": s.name, "unit": s.unit, "length": len(s), "last": s.value[-1]} for s in source.series()]
    data = {"messages": messages, "snapshot": screen.snapshot.hex(), "expected": expected}
    (tmp_path / "sent.json").write_text(json.dumps(data))
    test = HERE / "series.test.mjs"
    env = {"SENT": str(tmp_path / "sent.json")}
    done = subprocess.run([node, "--test", test], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout
