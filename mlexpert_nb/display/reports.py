"""Cards of everything that is not the result of a request: an interrupt, a receipt's check, an undo, the history."""

from collections.abc import Sequence
from datetime import datetime

from mlexpert_nb.display.card import Card, Step, table
from mlexpert_nb.display.safe import counted
from mlexpert_nb.verify import Verification
from mlexpert_nb.workspace import Commit, Undone

RECEIPT_SHOWN = 19  # characters of a receipt that tell it from any other: "sha256:" and 12 hex digits


LOOK = Step("see whether it is done", "%mlexpert history")


def interrupted_card(asked: str, *, late: bool = False, resume: str = "") -> Card:
    """Say that the user stopped a run; `late` if the files were being put in place, `resume` goes on with it."""
    if late:
        return Card("warn", "Interrupted at the last step; it may be done", asked=asked, steps=(LOOK,))
    again = Step("your files are as they were before; run it again to start over")
    return Card("warn", "Interrupted; nothing was changed", asked=asked, steps=(again, *_on(resume)))


def stopped_card(message: str, asked: str, *, late: bool = False, resume: str = "") -> Card:
    """Say that an error ended a run; `late` if the files were being put in place, `resume` goes on with it."""
    if late:
        return Card("bad", "Stopped at the last step; it may be done", message=message, asked=asked, steps=(LOOK,))
    return Card("bad", "Stopped; nothing was changed", message=message, asked=asked, steps=_on(resume))


def _on(resume: str) -> tuple[Step, ...]:
    return (Step("go on from where it stopped; what was said is kept", resume),) if resume else ()


def verification_card(found: Verification, workspace: str) -> Card:
    """Say whether a workspace is still what was proven, or what was touched."""
    facts = (("Workspace", workspace), ("Receipt", found.receipt or "none"))
    if found.passed:
        return Card("good", "Everything is as it was proven", facts=facts)
    touched = table("Touched since", ("what",), [(line,) for line in found.touched], unfolded=True)
    return Card("bad", "Not what was proven", tables=(touched,), facts=facts)


def undone_card(done: Undone, workspace: str) -> Card:
    """Say what taking back a run has restored and removed."""
    rows = [*((path, "as before") for path in done.restored), *((path, "removed") for path in done.removed)]
    files = table(counted(len(rows), "file"), ("file", "now"), rows)
    tables = (files,) if rows else ()
    return Card("good", "Taken back", message=done.commit.label, tables=tables, facts=(("Workspace", workspace),))


def notebook_undone_card(notebook: str, done: Sequence[tuple[str, Undone]], *, edited: bool) -> Card:
    """Say what taking back the last run of a notebook has restored and removed, in the workspaces too."""
    message = "what was written since the run was kept" if edited else "every byte is as before its last run"
    rows = [
        (workspace, path, now)
        for workspace, undone in done
        for paths, now in ((undone.restored, "as before"), (undone.removed, "removed"))
        for path in paths
    ]
    files = table(counted(len(rows), "file"), ("workspace", "file", "now"), rows)
    facts = (("Notebook", notebook), *(("Run taken back", undone.commit.label) for _, undone in done))
    return Card("good", "Taken back", message=message, tables=(files,) if rows else (), facts=facts)


def history_card(commits: Sequence[Commit], workspace: str) -> Card:
    """List the runs that changed a workspace."""
    rows = [
        (str(each.number), _local_time(each.written_at), counted(len(each.changes), "file"), *_named_by(each))
        for each in commits
    ]
    runs = table("Runs, oldest first", ("run", "when", "changed", "receipt", "what"), rows, unfolded=True)
    headline = (
        f"{counted(len(rows), 'run')} changed this workspace" if rows else "No run has changed this workspace yet"
    )
    return Card("info", headline, tables=(runs,) if rows else (), facts=(("Workspace", workspace),))


def _named_by(commit: Commit) -> tuple[str, str]:
    return commit.receipt[:RECEIPT_SHOWN] or "none", commit.label


def _local_time(written_at: float) -> str:
    return datetime.fromtimestamp(written_at).astimezone().strftime("%Y-%m-%d %H:%M")
