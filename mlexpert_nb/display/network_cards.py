"""Cards about networks: how one behaves, its tests, its figures, and a project that was started."""

from collections.abc import Sequence
from dataclasses import replace

from mlexpert_nb.api import Started, TestsWritten
from mlexpert_nb.display.card import Card, Check, Figure, Step, Table, table
from mlexpert_nb.display.safe import counted
from mlexpert_nb.verify import Behaviour, Benchmark, Examination


def started_card(done: Started, front: str) -> Card:
    """Say what a project was started with."""
    files = table(counted(len(done.files), "file"), ("file",), [(each,) for each in done.files], unfolded=True)
    facts = (("Folder", str(done.folder)),)
    size = ((("Parameters", f"{done.num_parameters:,}"),) if done.num_parameters else ()) + facts
    steps = (Step("take it back", f"{front} undo {done.folder}"),)
    return Card("good", "Started", message=done.what, tables=(files,), facts=size, steps=steps)


def tests_card(done: TestsWritten) -> Card:
    """Say what was tested: defects first, then everything that was measured."""
    shown = examination_card(done.examination)
    failed = [(what, ran.said, ", ".join(ran.failed)) for what, ran in done.ran]
    ran = table(f"{len(done.ran)} runs of tests", ("what", "how it ended", "failed"), failed, unfolded=True)
    facts = (("Test file", f"{done.path}{' (it was there, and was kept)' if done.kept else ''}"),) if done.path else ()
    left = (("To do", done.to_do),) if done.to_do else ()
    headline = shown.headline if done.defects or done.passed else "Tests fail"
    tone = shown.tone if done.passed else "bad"
    tables = ((ran,) if done.ran else ()) + shown.tables
    return replace(shown, tone=tone, headline=headline, tables=tables, facts=(*shown.facts, *facts, *left))


def examination_card(found: Examination) -> Card:
    """Say how a network behaves."""
    defects = found.defects
    failed = tuple(Check(each.name, passed=False, measured=each.measured, limit="", fix=each.fix) for each in defects)
    holds = [each for each in found.behaviours if each.holds]
    rest = [each for each in found.behaviours if not each.holds and not each.is_defect]
    tables = (_listed(f"{len(holds)} behaviours hold", holds), _listed(f"{len(rest)} need not, or do not apply", rest))
    facts = [("Reads", each) for each in found.inputs] + [("Gives", each) for each in found.outputs]
    return Card(
        "bad" if defects else "good",
        f"{counted(len(defects), 'defect')} in {found.network}" if defects else f"No defect found in {found.network}",
        failed=failed,
        figures=(_figure("Parameters", f"{found.num_parameters:,}"),),
        tables=tuple(each for each in tables if each.rows),
        facts=(*facts, ("Measured in", found.precision)),
    )


def benchmark_card(found: Benchmark) -> Card:
    """Give the figures of a network."""
    parts = [(each.name, each.kind, f"{each.num_parameters:,}") for each in found.parts]
    listed = table("Parameters by part", ("part", "class", "parameters"), parts, unfolded=True)
    figures = tuple(_figure(label, text) for label, text in found.rows if label != "Measured on")
    shares = tuple((each.name, float(each.num_parameters)) for each in found.parts)
    return Card(
        "info" if found.passed else "bad",
        f"Figures of {found.network}" if found.passed else f"{found.network} is slower than was asked",
        figures=figures,
        shares=shares,
        tables=(listed,) if parts else (),
        facts=(("Measured on", ", ".join(found.inputs)),),
    )


def _listed(title: str, rows: Sequence[Behaviour]) -> Table:
    return table(title, ("behaviour", "measured"), [(each.name, each.measured) for each in rows])


def _figure(label: str, text: str) -> Figure:
    value, _, note = text.partition("; ")
    return Figure(label, text, value, note)
