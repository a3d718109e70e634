"""Two functions or modules against each other, without a view."""

from collections.abc import Callable

from mlexpert_widgets.latency.clock import clock_of
from mlexpert_widgets.latency.comparison import Comparison, compared
from mlexpert_widgets.latency.measure import Limits, measure
from mlexpert_widgets.latency.statistics import warm_up
from mlexpert_widgets.latency.subject import named_apart, subject


def compare(
    first: Callable[..., object], second: Callable[..., object], inputs: object = None, *, seconds: float = 2.0
) -> Comparison:
    """Call two in turns, and give which is faster.

    Args:
        first: A function or a module.
        second: Another one.
        inputs: A tuple of arguments, a mapping of named ones, or one argument; None for none.
        seconds: Time to spend.

    Raises:
        TypeError: One cannot be called.
        ValueError: They run on different devices, or there is no time.
    """
    subjects = named_apart([subject(each, inputs, grad=None) for each in (first, second)])
    rows = measure(subjects, clock_of(subjects[0].device), Limits(seconds, None), tick=lambda *_: True).rows()
    dropped = max(warm_up(row).dropped for row in rows)
    return compared((subjects[0].name, rows[0, dropped:]), (subjects[1].name, rows[1, dropped:]))
