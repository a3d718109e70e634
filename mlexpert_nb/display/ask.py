"""Approval of a plan: the exact text, its hash and what would change, then one question. No answer means no."""

import getpass
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol, TextIO

from mlexpert_nb.display.safe import plain
from mlexpert_nb.packages import Proposal, ResultPackage

QUESTION = "Approve this plan? [y/N] "
KEY_QUESTION = "API key of the language model (hidden, kept for this run only): "
NOBODY = (
    "nobody can be asked here, so the plan was not approved and no code was written; "
    "--approve auto does it without asking, --approve plan writes the plan to approve later"
)
DECLINED = "you did not approve the plan, so no code was written"
LIMIT = 200_000  # characters of a plan or a diff on screen; what is cut is counted


class Still(Protocol):
    """A progress that can be told to keep still."""

    def paused(self) -> AbstractContextManager[None]:
        """Show nothing while inside."""


def ask_hidden(progress: Still, into: TextIO | None = None) -> Callable[[], str | None]:
    """Give a function that asks for an API key where nobody sees it; it gives None where nobody can be asked.

    In a kernel the front end asks, in a field that hides what is typed; in a shell the terminal does.
    """

    def ask() -> str | None:
        stream = into or sys.stdin
        in_kernel = "ipykernel" in sys.modules and not getattr(stream, "isatty", bool)()
        if not in_kernel and (stream is None or stream.closed or not stream.isatty()):
            return None
        with progress.paused():
            try:
                return getpass.getpass(KEY_QUESTION)
            except (EOFError, RuntimeError):  # RuntimeError: a front end that cannot ask
                return None

    return ask


class TerminalAsk:
    """Ask on `out` and read one line of `into`; asks nobody if `into` is not a terminal.

    Attributes:
        refusal: Why the answer was no; empty before the question and after a yes.
    """

    def __init__(self, progress: Still, out: TextIO = sys.stderr, into: TextIO | None = None) -> None:
        self._progress, self._out, self._into = progress, out, into
        self.refusal = ""

    def __call__(self, proposal: Proposal) -> bool:
        """Show the proposal and wait for the answer."""
        into = self._into or sys.stdin
        with self._progress.paused():
            if into is None or into.closed or not into.isatty():
                self.refusal = NOBODY
                return False
            self._out.write(f"\n{proposal_text(proposal)}\n\n{QUESTION}")
            self._out.flush()
            line = into.readline()
            approved = is_yes(line)
            self.refusal = "" if approved else DECLINED if line else NOBODY
            return approved


def with_refusal(result: ResultPackage, refusal: str) -> ResultPackage:
    """Give the result with the reason why nobody said yes as its message."""
    return replace(result, evidence={**result.evidence, "message": refusal}) if refusal else result


def is_yes(answer: str) -> bool:
    """Tell whether an answer is a yes; everything else is a no."""
    return answer.strip().lower() in {"y", "yes"}


def proposal_text(proposal: Proposal) -> str:
    """Give a proposal as text: the plan to the letter, what would change, the hash."""
    diff = f"\n\nWhat would change:\n{plain(proposal.diff, LIMIT)}" if proposal.diff else ""
    return f"{plain(proposal.text, LIMIT)}{diff}\n\n{hash_line(proposal)}"


def hash_line(proposal: Proposal) -> str:
    """Give the hash, and a warning if the plan is not to be seen as it is."""
    hidden = "" if plain(proposal.text, LIMIT) == proposal.text else " (the plan holds characters that are not shown)"
    return f"plan hash: {plain(proposal.digest, 100)}{hidden}"
