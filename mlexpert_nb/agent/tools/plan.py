"""The planning tool: the only way out of the first phase."""

from typing import Any, Literal

import pydantic

from mlexpert_nb.agent.plan import Plan, PlannedFile
from mlexpert_nb.agent.tools.tool import tool
from mlexpert_nb.workspace import Stage


class FileInput(pydantic.BaseModel):
    """One file of the plan."""

    path: str
    action: Literal["create", "modify"]
    description: str


@tool(effect="propose")
def propose_plan(  # noqa: PLR0913 - one parameter a field of the plan
    stage: Stage,
    title: str,
    summary: str,
    steps: list[str],
    files: list[FileInput],
    *,
    entry: str = "",
    configuration: dict[str, Any] | None = None,
) -> str:
    """Put a plan before the user; the answer holds the plan as it was approved, perhaps edited.

    Args:
        stage: Supplied by the loop.
        title: One line that names what will be built.
        summary: A paragraph: what, why this way, what is left open.
        steps: What will happen, in order.
        files: Every file that will be created or modified.
        entry: Catalogue entry the code comes from, if any.
        configuration: Values the network is built from.
    """
    for each in files:
        stage.resolve(each.path)
    planned = tuple(PlannedFile(each.path, each.action, each.description) for each in files)
    return Plan(title, summary, tuple(steps), planned, entry, configuration or {}).to_text()
