"""Approval of a plan in a notebook: the plan as an output of the cell, the question by `input()`."""

from IPython.core.error import StdinNotImplementedError
from IPython.display import display

from mlexpert_nb.display.ask import DECLINED, LIMIT, NOBODY, QUESTION, Still, hash_line, is_yes, proposal_text
from mlexpert_nb.display.card_html import folded, frame, headline
from mlexpert_nb.display.safe import html
from mlexpert_nb.packages import Proposal


class NotebookAsk:
    """Ask with `input()`, under the plan shown in the cell's output.

    Attributes:
        refusal: Why the answer was no; empty before the question and after a yes.
    """

    def __init__(self, progress: Still) -> None:
        self._progress = progress
        self.refusal = ""

    def __call__(self, proposal: Proposal) -> bool:
        """Show the proposal and wait for the answer."""
        with self._progress.paused():
            shown = display(_both(proposal, "Your approval is needed"), raw=True, display_id=True)
            try:
                approved = is_yes(input(QUESTION))
                self.refusal = "" if approved else DECLINED
            except (StdinNotImplementedError, EOFError):
                approved, self.refusal = False, NOBODY
            except KeyboardInterrupt:
                shown.update(_both(proposal, "Plan not approved"), raw=True)
                raise
            answer = "Plan approved" if approved else "Plan not approved"
            shown.update(_both(proposal, answer), raw=True)
        return approved


def _both(proposal: Proposal, title: str) -> dict[str, str]:
    open_plan = title.startswith("Your")
    parts = [
        headline(title),
        folded("The plan", f"<pre>{html(proposal.text, LIMIT)}</pre>", unfolded=open_plan),
        folded("What would change", f"<pre>{html(proposal.diff, LIMIT)}</pre>") if proposal.diff else "",
        f'<div class="mlx-quiet">{html(hash_line(proposal))}</div>',
    ]
    return {"text/html": frame("info", parts), "text/plain": f"{title}\n\n{proposal_text(proposal)}"}
