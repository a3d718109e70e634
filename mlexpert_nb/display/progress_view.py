"""How a running request looks: RunState and elapsed seconds in, HTML or one line of text out."""

from collections.abc import Iterator

from mlexpert_nb.display.card_html import frame
from mlexpert_nb.display.run_state import PhaseState, RunState, duration
from mlexpert_nb.display.safe import counted, html

MARKS: dict[PhaseState, str] = {"done": "✓", "now": "▸", "next": "·"}
RECENT_CHECKS = 20  # verdicts on screen; the card has them all


def progress_html(state: RunState, elapsed_s: float) -> str:
    """Give the running card."""
    return frame("info", _parts(state, elapsed_s))


def progress_text(state: RunState, elapsed_s: float) -> str:
    """Give one line: the phase, the counts, what is being done, elapsed time."""
    parts = [state.current or "starting", *_counts(state), state.doing, duration(elapsed_s)]
    return " · ".join(part for part in parts if part)


def progress_values(state: RunState) -> dict[str, object]:
    """Give what a live card is told, as plain values."""
    return {
        "phases": [{"name": name, "state": phase} for name, phase in state.phase_states()],
        "doing": state.doing or "starting",
        "tests": [state.tests_done, state.tests_total] if state.tests_total else [],
        "counts": ", ".join(_counts(state)),
        "failed": [check.text for check in state.checks if not check.passed][-RECENT_CHECKS:],
    }


def _counts(state: RunState) -> Iterator[str]:
    if state.tests_total:
        yield f"tests {state.tests_done}/{state.tests_total}"
    if state.checks:
        failed = sum(not check.passed for check in state.checks)
        yield f"{counted(len(state.checks) - failed, 'check')} passed" + (f", {failed} FAILED" if failed else "")


def _parts(state: RunState, elapsed_s: float) -> Iterator[str]:
    yield f'<div class="mlx-clock">{duration(elapsed_s)}</div><ul class="mlx-phases">'
    for name, phase in state.phase_states():
        spoken = ' aria-current="step"' if phase == "now" else ""
        yield f'<li class="mlx-{phase}"{spoken}>{MARKS[phase]} {html(name)}</li>'
    yield "</ul>"
    if state.tests_total:
        share = min(100.0, 100 * state.tests_done / state.tests_total)
        yield f'<div class="mlx-meter"><div style="width:{share:.0f}%"></div></div>'
    counts = ", ".join(_counts(state))
    if counts:
        yield f"<div>{counts}</div>"
    yield f'<div class="mlx-doing mlx-quiet">{html(state.doing or "starting")}</div>'
    if any(not check.passed for check in state.checks):
        failed = [check for check in state.checks if not check.passed][-RECENT_CHECKS:]
        yield f'<ul class="mlx-failed">{"".join(f"<li>✗ {html(check.text)}</li>" for check in failed)}</ul>'
