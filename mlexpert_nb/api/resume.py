"""Going on with a run that did not end: from its draft, with the user's answers, more money or more turns."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from mlexpert_nb.agent import Recording
from mlexpert_nb.api.llms import resumed
from mlexpert_nb.api.options import Options, ticket
from mlexpert_nb.api.pending import propose
from mlexpert_nb.api.records import read_facts, with_facts
from mlexpert_nb.api.run import run
from mlexpert_nb.errors import NeedsUserError, UsageError
from mlexpert_nb.keys import refuse_typed_key
from mlexpert_nb.packages import ResultPackage
from mlexpert_nb.verify import read_result, verify
from mlexpert_nb.workspace import Draft

CHANGEABLE = ("model", "base_url", "budget_usd", "max_turns", "approve", "on_event", "ask", "ask_key", "namespace")


def go_on(root: Path, answers: str, options: Options) -> ResultPackage:
    """Carry on the unfinished run of a workspace; what was said is said again, without asking the language model.

    Args:
        root: The workspace.
        answers: What the user says to the open questions; empty if there are none.
        options: What is to be different from here on: `CHANGEABLE`.

    Raises:
        NeedsUserError: It is going on in another process.
        UsageError: No run of this workspace is unfinished, or it waits for answers that were not given.
    """
    refuse_typed_key(answers)
    draft = Draft(root)
    if draft.is_held:
        raise NeedsUserError(f"a run of {root} is going on at this moment; wait until it ends, or interrupt it there")
    lines = draft.lines()
    if not lines and (done := _done(root, answers)) is not None:
        return done
    if not lines:
        raise UsageError(f'no run of {root} is unfinished; start one with: mlexpert implement "…" --workspace {root}')
    recording = Recording.read(lines, f"the unfinished run of {root}")
    stored = recording.run.get("options")
    if not isinstance(stored, dict) or "text" not in recording.run:
        raise UsageError(f"the unfinished run of {root} does not say what it was about; start it again")
    if recording.open_questions and not answers.strip():
        asked = "; ".join(recording.open_questions)
        raise UsageError(f"the specialist waits for an answer: {asked}; give it in the cell, or after --answer")
    merged = {**stored, **{key: value for key, value in options.items() if value is not None}, "workspace": root}
    again = ticket(str(recording.run["text"]), str(recording.run.get("verb", "")), cast("Options", merged))
    answerer = resumed(again.answerer, recording)
    again = replace(again, answerer=answerer, answers=answers)
    return propose(again) if again.settings.approve == "plan" else run(again)


def _done(root: Path, answers: str) -> ResultPackage | None:
    """Give the result of the run that these answers led to, where a notebook is run again; None where there is none."""
    facts = read_facts(root)
    if not answers.strip() or facts.get("answers") != answers.strip() or not verify(root).passed:
        return None
    return with_facts(read_result(root), facts, unchanged=True)


def unfinished(root: Path) -> str:
    """Give the request of the unfinished run of a workspace; empty if there is none."""
    lines = Draft(root).lines()
    try:
        return str(Recording.read(lines, "the draft").run.get("text", "")) if lines else ""
    except UsageError:
        return ""
