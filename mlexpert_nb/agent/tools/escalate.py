"""Tools that hand the run back to the user: a question, a wish for references, or the word that it cannot be done."""

import json

import pydantic

from mlexpert_nb.agent.tools.tool import tool
from mlexpert_nb.workspace import Stage


class Question(pydantic.BaseModel):
    """One question to the user."""

    question: str = pydantic.Field(min_length=1, max_length=1000)
    options: list[str] = []


@tool(effect="escalate")
def ask_user(stage: Stage, questions: list[Question]) -> str:
    """Ask the user what the request leaves open where it changes what is built; the run goes on with the answers.

    Args:
        stage: Supplied by the loop.
        questions: Each a whole sentence, with the answers that you expect as options, if there are some.
    """
    _ = stage
    return json.dumps([each.model_dump() for each in questions], ensure_ascii=False)


@tool(effect="escalate")
def need_references(stage: Stage, wanted: list[str]) -> str:
    """Ask for papers or reference code without which the work would be a guess; the run goes on when they are there.

    Args:
        stage: Supplied by the loop.
        wanted: What is needed, each as precisely as it can be found: title, authors, section, repository.
    """
    _ = stage
    return json.dumps([{"question": each, "options": []} for each in wanted], ensure_ascii=False)


@tool(effect="escalate")
def out_of_scope(stage: Stage, reason: str) -> str:
    """End the run because it cannot or should not be done here; say what the user could do instead.

    Args:
        stage: Supplied by the loop.
        reason: One or two sentences.
    """
    _ = stage
    return reason
