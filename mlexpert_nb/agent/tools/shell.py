"""The shell tool: commands run in a child process that reaches only the stage."""

import os
import sys
from pathlib import Path
from typing import Annotated

import pydantic

from mlexpert_nb.agent.tools.tool import tool
from mlexpert_nb.workspace import ChildLimits, Stage, run_child

LONGEST_OUTPUT = 20_000  # characters of each stream
LONGEST_S = 900


@tool(effect="run", name="Bash")
def bash(stage: Stage, command: str, timeout_s: Annotated[int, pydantic.Field(ge=1, le=LONGEST_S)] = 120) -> str:
    """Run one shell command in the workspace, without network and without keys.

    Args:
        stage: Supplied by the loop.
        command: Command line for bash; its working folder is the workspace root.
        timeout_s: Seconds after which the command and all its children are killed.
    """
    limits = ChildLimits(timeout_s=float(timeout_s))
    env = {"PYTHONPATH": "src", "PATH": _path(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # as the judge runs the tests
    result = run_child(["bash", "-c", command], cwd=stage.root, env=env, limits=limits)
    ended = f"killed after {timeout_s} s" if result.timed_out else f"exit code {result.exit_code}"
    streams = [_local(text, stage)[-LONGEST_OUTPUT:] for text in (result.stdout, result.stderr) if text]
    return "\n".join([ended, *streams])


def _local(text: str, stage: Stage) -> str:
    """Write paths of the stage as the llm names them: where it is on this machine is nobody's business."""
    return text.replace(f"{stage.root}/", "").replace(str(stage.root), ".")


def _path() -> str:
    """Give the search path with this Python first, whose packages the judge uses too."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
