"""Tools of the specialist, in one table."""

from collections.abc import Mapping

from mlexpert_nb.agent.tools.escalate import ask_user, need_references, out_of_scope
from mlexpert_nb.agent.tools.files import edit, grep, read, write
from mlexpert_nb.agent.tools.model import add_tests, benchmark_model, create_model_skeleton
from mlexpert_nb.agent.tools.plan import propose_plan
from mlexpert_nb.agent.tools.references import read_reference
from mlexpert_nb.agent.tools.shell import bash
from mlexpert_nb.agent.tools.tool import Effect, Tool, tool

TOOLS: Mapping[str, Tool] = {
    each.name: each
    for each in (
        read,
        grep,
        read_reference,
        ask_user,
        need_references,
        out_of_scope,
        propose_plan,
        write,
        edit,
        bash,
        create_model_skeleton,
        add_tests,
        benchmark_model,
    )
}

__all__ = ["TOOLS", "Effect", "Tool", "tool"]
