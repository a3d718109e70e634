"""Model tools: proven code from the catalogue, its tests, and measurements by the judge."""

from typing import Any

from mlexpert_nb.agent.tools.tool import tool
from mlexpert_nb.catalogue import ENTRIES, Entry
from mlexpert_nb.errors import MLExpertError, UnknownNameError
from mlexpert_nb.verify import benchmark, examine_path
from mlexpert_nb.workspace import Stage

BEHAVIOUR_TESTS = "tests/test_model_behaviour.py"


@tool(effect="write")
def create_model_skeleton(stage: Stage, entry: str, configuration: dict[str, Any]) -> str:
    """Write the source, docs and example of a catalogue entry into the workspace.

    Args:
        stage: Supplied by the loop.
        entry: Name of the catalogue entry.
        configuration: Values of the network, as the approved plan has them.
    """
    return _write_all(stage, _entry(entry).skeleton(configuration))


@tool(effect="write")
def add_tests(stage: Stage, entry: str, configuration: dict[str, Any]) -> str:
    """Write tests into the workspace: those of a catalogue entry, or of the behaviour of the network in src/model.

    Args:
        stage: Supplied by the loop.
        entry: Name of the catalogue entry; "" examines the network in src/model and tells its defects.
        configuration: Values of the network, as the approved plan has them; {} where entry is "".
    """
    if not entry:
        return _behaviour_tests(stage)
    return _write_all(stage, _entry(entry).tests(configuration))


@tool(effect="run")
def benchmark_model(stage: Stage, checks: list[str]) -> str:
    """Measure the network in the workspace with checks of the judge, in a child process.

    Args:
        stage: Supplied by the loop.
        checks: Names of checks; an empty list runs all of them.
    """
    findings = benchmark(stage.root, checks, on_event=lambda _event: None)
    lines = [f"{'ok    ' if each.passed else 'FAILED'} {each.check}: {each.measured}" for each in findings]
    if all(each.passed for each in findings):
        return "\n".join(lines)
    raise MLExpertError("; ".join(f"{each.check}: {each.measured}; {each.fix}" for each in findings if not each.passed))


def _behaviour_tests(stage: Stage) -> str:
    found, written = examine_path(stage.root, folder=stage.root / "tests")
    told = _write_all(stage, {BEHAVIOUR_TESTS: written.text})
    lines = [f"defect {each.name}: {each.measured}; {each.fix}" for each in found.defects]
    return "\n".join([told, *(lines or ["no defect found"])])


def _entry(name: str) -> Entry:
    if name not in ENTRIES:
        raise UnknownNameError.among("catalogue entry", name, ENTRIES)
    return ENTRIES[name]


def _write_all(stage: Stage, files: dict[str, str]) -> str:
    changes = [stage.write(path, text) for path, text in files.items()]
    return "\n".join(f"wrote {change.path} (+{change.added} -{change.removed} lines)" for change in changes)
