"""Judges a delivery as text, without running it: it is all there, honest, needs torch only, and ruff is content."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlexpert_nb.verify import tree
from mlexpert_nb.verify.scan import Source, foreign_imports, is_compiled, is_test_code, refusals
from mlexpert_nb.verify.spec import Finding
from mlexpert_nb.verify.trial import Room, Trial
from mlexpert_nb.workspace import ChildLimits

RULES = "E,W,F,B,PLE"
IGNORED = "E741"  # l, O and I are names in papers
LINE_LENGTH = 120
_OPTIONS = (f"--select={RULES}", f"--ignore={IGNORED}", f"--line-length={LINE_LENGTH}", "--ignore-noqa")
_LIMITS = ChildLimits(timeout_s=60.0, cpu_s=60)
COMMAND = "read by the judge; nothing is run"
_SHOWN = 5  # complaints that fit on a line


def judge_text(trial: Trial, root: Path) -> tuple[Finding, ...]:
    """Judge everything about the text except style."""
    theirs = [Source.parse(path, trial.text(path)) for path in trial.judged]
    tests = [Source.parse(path, trial.text(path)) for path in trial.sources if is_test_code(path)]
    every = {source.path: source for source in (*theirs, *tests)}
    return (_delivered(trial, root), _honest(trial, [*every.values()]), _dependencies(theirs))


def run_ruff(trial: Trial) -> tuple[Finding, list[dict[str, Any]]]:
    """Lint the sources with the judge's own rules; give the finding and what ruff reported."""
    shown = ["python", "-m", "ruff", "check", "--isolated", *_OPTIONS]
    argv = [sys.executable, "-B", "-P", *shown[1:], "--no-cache", "--output-format=json"]
    room = trial.room("ruff")
    result = room.run("ruff", [*argv, *trial.judged], limits=_LIMITS)
    complaints, broken = _parse(room, result.stdout)
    if result.exit_code not in (0, 1) or (result.exit_code == 1) != bool(complaints):
        broken = f"ruff gave no result: {room.how_it_ended(result)}"
    finding = Finding(
        check="ruff",
        passed=bool(trial.judged) and not broken and not complaints,
        measured=broken or _listed(_line(each) for each in complaints) or f"{len(trial.judged)} files, no complaint",
        limit=f"no complaint under {RULES}, noqa comments not honoured, lines of at most {LINE_LENGTH} characters",
        fix="run the command, then again with --fix",
        command=" ".join([*shown, "."]),
    )
    return finding, complaints


def unchanged(trial: Trial, root: Path) -> Finding:
    """Judge whether every copy and the workspace still hold the bytes that were hashed before anything ran."""
    touched = {*trial.touched, *tree.differences(root, trial.sealed)}
    return Finding(
        check="unchanged",
        passed=not touched,
        measured=_listed(sorted(touched)) or f"{len(trial.sealed)} files as they were before they ran",
        limit="running the delivery changes none of its files",
        fix="write to a temporary folder (pytest: tmp_path), never beside the code",
        command="mlexpert verify",
    )


def _delivered(trial: Trial, root: Path) -> Finding:
    missing = [f"{path} is missing" for path in trial.spec.delivered if not (root / path).is_file()]
    linked = [f"{path} is a symbolic link" for path in tree.links(root, trial.spec.delivered)]
    hiding = [*tree.added_files(root, trial.sealed), *(path for path in trial.sealed if _hides(path))]
    wrong = [*missing, *linked, *(f"{path} hides an installed package" for path in hiding)]
    return Finding(
        check="delivered",
        passed=not wrong,
        measured=_listed(wrong) or f"{len(trial.spec.delivered)} files announced, all there",
        limit="every announced file is a regular file in the workspace",
        fix="write the missing file, or take it off the plan; copy instead of linking; rename what hides a package",
        command="mlexpert verify",
    )


def _hides(path: str) -> bool:
    parts = path.removesuffix(".py").split("/")
    taken = {"torch", "pytest", "_pytest", "coverage", "pluggy", "sitecustomize", "usercustomize"}
    taken |= sys.stdlib_module_names
    return len(parts) > 1 and parts[0] in tree.CODE_FOLDERS and parts[1] in taken


def _honest(trial: Trial, sources: list[Source]) -> Finding:
    wrong = [line for source in sources for line in refusals(source)]
    wrong += [f"{path}: is compiled, so that nobody can read it" for path in trial.spec.delivered if is_compiled(path)]
    return Finding(
        check="honest_code",
        passed=not wrong,
        measured=_listed(wrong) or f"{len(sources)} files read, nothing to object to",
        limit="nothing that changes what is collected, counted, measured or reported; no test that asserts nothing",
        fix="take out the line that is named",
        command=COMMAND,
    )


def _dependencies(sources: list[Source]) -> Finding:
    code = [each for each in sources if not is_test_code(each.path)]
    foreign = [f"{each.path} imports {', '.join(names)}" for each in code if (names := foreign_imports(each))]
    return Finding(
        check="dependencies",
        passed=not foreign,
        measured=_listed(foreign) or "torch and the standard library only, in examples/ also numpy and sklearn",
        limit="delivered code imports torch and the standard library only; what stands in examples/ may import numpy "
        "and sklearn, for data sets that ship in a package",
        fix="write it with torch, or with the standard library",
        command=COMMAND,
    )


def _parse(room: Room, text: str) -> tuple[list[dict[str, Any]], str]:
    try:
        found = json.loads(text)
        return [_complaint(room, each) for each in found], ""
    except (ValueError, KeyError, TypeError) as error:
        return [], f"ruff's report cannot be read: {error}"


def _complaint(room: Room, each: dict[str, Any]) -> dict[str, Any]:
    return {
        "filename": room.anonymous(each["filename"]),
        "row": each["location"]["row"],
        "code": each["code"],
        "message": each["message"],
    }


def _line(each: dict[str, Any]) -> str:
    return f"{each['filename']}:{each['row']}: {each['code'] or 'syntax'} {each['message']}"


def _listed(lines: Iterable[str]) -> str:
    kept = list(lines)
    return "; ".join(kept[:_SHOWN]) + (f"; and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else "")
