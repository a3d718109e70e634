"""The feed of one view: what is new in its series goes to the browser in numbered binary chunks.

A chunk is a message `{"kind": "points", "number": n, "fresh": false, "series": [{"id", "name", "unit", "generation",
"from", "count"}]}` with one buffer a series (`Cut`). Numbers count up by one; a browser that misses one asks with
`{"kind": "resend"}` and gets everything again, from a chunk that is `fresh`. The same in small, with no extreme lost,
is kept in the view's `snapshot` for a page that is loaded anew.
"""

import json
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlexpert_widgets.live.series import Cut, Series

SNAPSHOT_POINTS = 2000  # of one series
SNAPSHOT_BUDGET = 20_000  # of all
SNAPSHOT_PERIOD_S = 2.0  # at least
SNAPSHOT_SHARE = 0.001  # of a core, at most, for snapshots
LARGEST_CHUNK = 1 << 18  # points of one message: 3 MB


class Source(Protocol):
    """What has series to show."""

    def series(self) -> Sequence[Series]:
        """Give the series; new ones only ever come at the end."""


class Screen(Protocol):
    """What a feed writes to: a widget."""

    snapshot: bytes

    def send(self, content: Mapping[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send one message to the browser."""


class Feed:
    """Sends the new points of a source to one screen; `flush` may be called from any thread."""

    def __init__(self, screen: Screen, source: Source) -> None:
        self._screen, self._source = screen, source
        self._sent: dict[int, tuple[int, int]] = {}  # series -> its generation, points sent
        self._number, self._lock = 0, threading.Lock()
        self._snapshot_at, self._snapshot_due = 0.0, False

    def flush(self, *, last: bool = False) -> bool:
        """Send what is new; tells whether there was anything.

        Args:
            last: Whether nothing more is to come soon, so that the snapshot must have all of it.
        """
        with self._lock:
            series = list(self._source.series())
            moved = False
            while self._send(series):
                moved = True
            self._snapshot_due |= moved
            now, began = time.monotonic(), time.thread_time()
            if self._snapshot_due and (last or now >= self._snapshot_at):
                self._screen.snapshot = snapshot(series, self._number)
                wait_s = max(SNAPSHOT_PERIOD_S, (time.thread_time() - began) / SNAPSHOT_SHARE)
                self._snapshot_at, self._snapshot_due = now + wait_s, False
            return moved

    def resend(self) -> None:
        """Send everything again, in the next flush."""
        with self._lock:
            self._sent.clear()

    def _send(self, series: Sequence[Series]) -> bool:
        """Send one message with what is new, if anything is."""
        fresh = not self._sent
        told, buffers, room = [], [], LARGEST_CHUNK
        for at, each in enumerate(series):
            generation, start = self._sent.get(at, (-1, 0))
            if not room or not len(each) or (generation == each.generation and start == len(each)):
                continue
            cut = each.cut(start, generation, room)
            self._sent[at] = (cut.generation, cut.start + cut.length)
            room -= cut.length
            told.append(_told(at, each, cut))
            buffers.append(cut.data)
        if told:
            self._screen.send({"kind": "points", "number": self._number, "fresh": fresh, "series": told}, buffers)
            self._number += 1
        return bool(told)


def snapshot(series: Sequence[Series], number: int) -> bytes:
    """Pack all series, decimated, as one value: length of a JSON head, the head, then the points of each series.

    Args:
        series: What to pack.
        number: Number of the chunk that would follow.
    """
    limit = max(64, min(SNAPSHOT_POINTS, SNAPSHOT_BUDGET // max(1, len(series))))
    small = [each.decimated(limit) for each in series]
    head = {"number": number, "series": [_told(at, *pair) for at, pair in enumerate(zip(series, small, strict=True))]}
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)  # float32 arrays begin at multiples of four
    return b"".join((struct.pack("<I", len(text)), text, *(each.data for each in small)))


def _told(at: int, series: Series, cut: Cut) -> dict[str, Any]:
    return {
        "id": at,
        "name": series.name,
        "unit": series.unit,
        "generation": cut.generation,
        "from": cut.start,
        "count": cut.length,
    }
