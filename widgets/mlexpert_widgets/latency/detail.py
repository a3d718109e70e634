"""Where the time of a call goes: by module, by op, and what bounds it."""

from dataclasses import replace

from mlexpert_widgets.latency.clock import Clock
from mlexpert_widgets.latency.kineto import profiled
from mlexpert_widgets.latency.modules import ModuleTime, module_times
from mlexpert_widgets.latency.report import Report
from mlexpert_widgets.latency.roofline import Peak, Work, bound, peak_of, work_of
from mlexpert_widgets.latency.subject import Subject

EACH_S = 0.5  # to spend on modules, and on ops
MODULE_CALLS = 101
OP_CALLS = 20
LONG_S = 1e-3  # a call that takes this has many ops
LONG_CALLS = 5  # of them; some thousand events each


def detailed(report: Report, subject: Subject, clock: Clock, peak: Peak | None) -> tuple[Report, Peak | None]:
    """Add to a report where the time of its first subject goes.

    Args:
        report: Of the timed calls.
        subject: What was called.
        clock: Of its device.
        peak: What the machine can do; measured if None.

    Returns:
        The report, and the peak if it was needed.
    """
    seconds = report.recorders[0].p50
    calls = max(1, int(EACH_S / max(seconds, 1e-6)))
    with subject.ready():
        modules: tuple[ModuleTime, ...] = ()
        work = None
        if subject.model is not None and not subject.compiled:
            modules = module_times(subject.model, subject.call, clock, num_calls=min(calls, MODULE_CALLS))
        ops = profiled(
            subject.call, num_calls=min(calls, LONG_CALLS if seconds > LONG_S else OP_CALLS), device=subject.device
        )
        if not subject.compiled:
            work = _work(subject)
        if work is not None and peak is None:
            peak = _peak(clock, work)
    told = (
        bound(work, peak, seconds, ops)
        if work is not None and peak is not None and report.recorders[0].resolved
        else ""
    )
    return replace(report, modules=modules, ops=ops, bound=told), peak


def _work(subject: Subject) -> Work | None:
    try:
        return work_of(subject.call)
    except (RuntimeError, TypeError):  # something in it does not run under a dispatch mode: nothing is said about it
        return None


def _peak(clock: Clock, work: Work) -> Peak | None:
    try:
        return peak_of(clock, work.dtype)
    except RuntimeError:  # no product of matrices of such numbers, or no room for them
        return None
