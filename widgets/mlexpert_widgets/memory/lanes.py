"""Series of one device put together: what is drawn in one chart, in one unit, with what there is in all."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mlexpert_widgets.live.amounts import unit
from mlexpert_widgets.live.chart import Line, line_chart
from mlexpert_widgets.live.series import Series, extremes
from mlexpert_widgets.memory.sampler import Row

SYSTEM = "System memory"
DEVICE = re.compile(r"(GPU \d+|cuda:\d+|MPS) (.*)")
MOST_POINTS = 2400  # of all charts of a picture that is to stay small
SHOWN_FROM = 0.5  # of the limit; below it the limit would press the lines flat


class Lane(NamedTuple):
    """What is drawn of one device.

    Attributes:
        name: Of the device.
        series: In bytes.
        rows: What is said of these series, in their order.
    """

    name: str
    series: list[Series]
    rows: list[Row]

    @property
    def limit(self) -> float | None:
        """Bytes that the device has."""
        return next((row.limit for row in self.rows if row.limit), None)

    @property
    def shown_limit(self) -> float | None:
        """The limit, if it is near enough to what is used to be drawn."""
        most = max((row.peak for row in self.rows), default=0.0)
        return self.limit if self.limit and most >= SHOWN_FROM * self.limit else None

    @property
    def unit(self) -> tuple[int, str]:
        """Bytes and name of the unit of its axis."""
        return unit(self.shown_limit or max((row.peak for row in self.rows), default=0.0))


def lane_of(name: str) -> tuple[str, str]:
    """Give the device of a series, and what it is of that device."""
    found = DEVICE.fullmatch(name)
    return (found[1], found[2]) if found else (SYSTEM, name)


def lanes(series: Iterable[Series], rows: Sequence[Row]) -> list[Lane]:
    """Put the series of each device together, the system's memory first."""
    said = {row.name: row for row in rows}
    found: dict[str, Lane] = {}
    for each in series:
        if each.unit == "B" and len(each) and each.name in said:
            name = lane_of(each.name)[0]
            lane = found.setdefault(name, Lane(name, [], []))
            lane.series.append(each)
            lane.rows.append(said[each.name])
    return list(found.values())


def drawn(all_lanes: Sequence[Lane]) -> str:
    """Draw one chart for each device."""
    points = MOST_POINTS // max(1, sum(len(lane.series) for lane in all_lanes))
    return "".join(_chart(lane, points) for lane in all_lanes)


def _chart(lane: Lane, points: int) -> str:
    step, name = lane.unit
    ends = np.array([min(each.time[0] for each in lane.series), max(each.time[-1] for each in lane.series)])
    lines = [Line("", ends, np.zeros(2), faint=True, colour=7)]  # the axis begins at zero
    for at, each in enumerate(lane.series):
        value, time = each.value.copy(), each.time.copy()
        kept = extremes(value[: len(time)], max(16, points))
        lines.append(Line(lane_of(each.name)[1], time[kept], value[kept] / step, colour=at))
    if lane.shown_limit:
        lines.append(Line("all there is", ends, np.full(2, lane.shown_limit / step), dashed=True, colour=7))
    return line_chart(lines, title=f"{lane.name}, {name}", x_label="seconds")
