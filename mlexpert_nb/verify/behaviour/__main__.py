"""Examines the network of a job in a child process: `python -m mlexpert_nb.verify.behaviour FOLDER`."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from mlexpert_nb.errors import MLExpertError
from mlexpert_nb.verify.behaviour.asked import ANSWER, QUESTION
from mlexpert_nb.verify.behaviour.measures.storing import line
from mlexpert_nb.verify.behaviour.rebuild import Recipe, way_to
from mlexpert_nb.verify.behaviour.report import Behaviour
from mlexpert_nb.verify.behaviour.speed import benchmark_module
from mlexpert_nb.verify.behaviour.target import load_target
from mlexpert_nb.verify.behaviour.written import Known, write_suite


def main(argv: list[str]) -> int:
    """Answer the question in a folder; the exit code is 0 if there is an answer, also where it is that nothing runs."""
    folder = Path(argv[0])
    try:
        found = _answered(json.loads((folder / QUESTION).read_text("utf-8")))
    except BaseException as error:  # noqa: BLE001 - sys.exit() in the file must be told, not end it without a word
        found = {"error": _said(error)}
    (folder / ANSWER).write_text(json.dumps(found), encoding="utf-8")
    return 0


def _answered(question: Mapping[str, Any]) -> dict[str, Any]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    target = load_target(Path(question["path"]), question["name"])
    if question["want"] == "figures":
        return {"figures": benchmark_module(target.module, target.example_inputs, question["target_ms"]).to_json()}
    claims = tuple(question["claims"]) or target.claims
    folder = Path(question["folder"]) if question["folder"] else None
    module, name = target.source
    recipe = (
        Recipe((*_way(Path(question["path"]), folder), f"from {module} import {name}"), f"{name}()") if name else None
    )
    known = Known(recipe, target.build, target.loss)
    found, suite = write_suite(target.module, target.example_inputs, claims=claims, folder=folder, known=known)
    more = tuple(Behaviour(name, holds, must=True, measured=said, fix=fix) for name, holds, said, fix in target.facts)
    found = replace(found, behaviours=(*found.behaviours, *more))
    return {"examination": found.to_json(), "suite": asdict(suite)}


def _said(error: BaseException) -> str:
    """Say what went wrong: our own messages as they are, others with their class."""
    if isinstance(error, MLExpertError):
        return str(error)
    return line(error) if isinstance(error, Exception) else repr(error)


def _way(path: Path, folder: Path | None) -> tuple[str, ...]:
    """Give the lines that let a test file find the network: beside its folder, or in `src` there."""
    if path.is_file():
        return way_to(path.parent, folder)
    here = "Path(__file__).resolve().parents[1]"
    return "import sys", "from pathlib import Path", f'sys.path.insert(0, str({here} / "src"))'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
