"""Questions of a run that waits for answers: a form where the extension draws it, a table and a line to type elsewhere.

The form is drawn from the card's payload, so a saved notebook shows it with no kernel. What it sends is no message to
the kernel: the extension puts a `%%mlexpert resume` cell with the answers under the request and runs that
(`widgets/labextension/src/answering.ts`), so the notebook holds all that was said.
"""

from collections.abc import Mapping
from dataclasses import replace

from mlexpert_nb.display.card import Card, Table
from mlexpert_nb.display.card_html import render_bundle
from mlexpert_nb.display.cells import MIME, About, result_bundle
from mlexpert_nb.display.safe import fields, items, one_line
from mlexpert_nb.packages import Json

MAX_QUESTIONS, MAX_OPTIONS = 50, 20  # more is no form that anybody fills in; the table still shows them
LONGEST_QUESTION, LONGEST_OPTION = 1_000, 400  # characters


def question_bundle(card: Card, result: object, *, workspace: str, approve: str = "") -> Mapping[str, Json]:
    """Give the MIME bundle of a run that delivered no cells: its card, and a form if it asks the user something.

    Args:
        card: What the run came to.
        result: Its ResultPackage as JSON; anything else asks nothing.
        workspace: Folder of the run, as the user spelled it.
        approve: How the user said, with the request, that its plan is approved; empty if they did not.
    """
    questions = _questions(result)
    bundle: Mapping[str, Json] = {**render_bundle(card)}
    if not questions:
        return bundle
    shown = replace(card, tables=tuple(each for each in card.tables if not _is_of_questions(each)))
    payload = result_bundle((), About(shown, workspace, ""), title=card.headline)[MIME]
    # not `auto`: questions bring no cells, and those of an earlier run stay where they are
    form: dict[str, Json] = {"auto": False, "questions": questions, "approve": "auto" if approve == "auto" else ""}
    return {MIME: {**(payload if isinstance(payload, dict) else {}), **form}, **bundle}


def _questions(result: object) -> list[Json]:
    asked = [fields(each) for each in items(fields(fields(result).get("evidence")).get("questions"))]
    if len(asked) > MAX_QUESTIONS:
        return []
    return [
        {
            "question": one_line(each.get("question", ""), LONGEST_QUESTION),
            "options": [one_line(option, LONGEST_OPTION) for option in items(each.get("options"))[:MAX_OPTIONS]],
        }
        for each in asked
    ]


def _is_of_questions(table: Table) -> bool:
    return "question" in table.header
