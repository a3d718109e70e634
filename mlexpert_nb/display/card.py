"""What a card says: a ResultPackage turned into plain rows of text, before any screen is known.

Nothing is decided or computed here. A figure that the package does not hold is left out, never guessed.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mlexpert_nb.display.safe import counted, fields, items, one_line, plain
from mlexpert_nb.packages import ResultPackage, Status

Tone = Literal["good", "bad", "warn", "info"]
MAX_ROWS = 200  # rows of one table; the card says how many it leaves out

HEADLINES: Mapping[Status, tuple[Tone, str]] = {
    "implementation_complete": ("good", "Implementation complete"),
    "verification_failed": ("bad", "Not proven"),
    "partial": ("warn", "Only partly done"),
    "plan_ready": ("info", "The plan is ready; no code is written yet"),
    "needs_clarification": ("warn", "Your answer is needed first"),
    "needs_references": ("warn", "Papers or reference code are needed first"),
    "escalated": ("warn", "This needs a person"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, `whole` as the judge wrote it, and in two parts: a short value and how it was obtained."""

    label: str
    whole: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One verdict of the judge."""

    name: str
    passed: bool
    measured: str
    limit: str
    fix: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading.

    Attributes:
        title: The heading, which says what the rows come to.
        header: Names of the columns.
        rows: The rows.
        unfolded: Whether the rows are seen without a click.
        more: Rows that were left out.
        in_text: Columns that the text card shows; with 0 the heading must do.
        headed: Whether the text card names the columns too.
        wrapped: Whether the text card breaks long rows instead of cutting them.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    unfolded: bool = False
    more: int = 0
    in_text: int = 9
    headed: bool = False
    wrapped: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What the user may do next: why, and the line to type (empty if there is none)."""

    why: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Everything a card shows, in the order it shows it.

    Attributes:
        tone: Colour and symbol of the headline.
        headline: The outcome in a few words.
        message: One line for the user from the run itself.
        asked: The request, as typed.
        failed: Checks that failed, shown first and unfolded.
        figures: Measured values.
        shares: Name and size of the parts of the network, for the picture.
        tables: Folded details.
        texts: Title and text, folded, shown to the letter.
        facts: Label and text, the small print: who answered, isolation, receipt.
        steps: What to do next.
    """

    tone: Tone
    headline: str
    message: str = ""
    asked: str = ""
    failed: tuple[Check, ...] = ()
    figures: tuple[Figure, ...] = ()
    shares: tuple[tuple[str, float], ...] = ()
    tables: tuple[Table, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()


def result_card(result: ResultPackage, *, asked: str = "", front: str = "%mlexpert", workspace: str = "") -> Card:
    """Give the card of a result.

    Args:
        result: What the run came to.
        asked: The request as the user typed it; the one in the evidence is used if this is empty.
        front: How a command starts where the card is shown: "%mlexpert" in a notebook, "mlexpert" in a shell.
        workspace: The workspace as the user typed it; empty for the default one.
    """
    checks, plan = _checks(result.evidence), str(result.evidence.get("plan", ""))
    tone, headline = _headline(result, checks, repeated=_repeated(result, front))
    return Card(
        tone=tone,
        headline=headline,
        message=plain(result.message),
        asked=plain(asked or result.evidence.get("request", "")),
        failed=tuple(check for check in checks if not check.passed),
        figures=_figures(result),
        shares=_shares(result.evidence),
        tables=tuple(table for table in (_questions(result), *_tables(result, checks)) if table.rows),
        texts=tuple(
            (title, plain(text, 20_000))
            for title, text in (("What would break", str(result.evidence.get("broken", ""))), ("The plan", plan))
            if text
        ),
        facts=_facts(result.evidence, workspace),
        steps=_steps(result, front, workspace),
    )


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]], *, unfolded: bool = False) -> Table:
    """Give a table of at most MAX_ROWS rows, each field on one line."""
    shown = tuple(tuple(one_line(each, 400) for each in row) for row in rows[:MAX_ROWS])
    return Table(title, tuple(header), shown, unfolded, max(0, len(rows) - MAX_ROWS))


def _repeated(result: ResultPackage, front: str) -> bool:
    """Tell whether to say that nothing had to change: not in a notebook, whose saved card is the same each time."""
    return bool(result.evidence.get("unchanged")) and not front.startswith("%")


def _headline(result: ResultPackage, checks: Sequence[Check], *, repeated: bool) -> tuple[Tone, str]:
    tone, text = HEADLINES[result.status]
    failed = sum(not check.passed for check in checks)
    if result.status == "implementation_complete" and repeated:
        text = "Already complete; nothing had to change"
    if result.status == "verification_failed" and failed:
        text = f"{text}: {failed} of {len(checks)} checks failed"
    return tone, text


def _figures(result: ResultPackage) -> tuple[Figure, ...]:
    figures, seen = result.performance_metrics, result.validation
    coverage = min((each.coverage for each in result.deliverables.tests), default=None)
    rows = (
        ("Parameters", figures.parameter_count),
        ("Unit tests", seen.unit_tests),
        ("Integration tests", seen.integration_tests),
        ("Line coverage", "" if coverage is None else f"{coverage}%"),
        ("Inference", figures.inference_time),
        ("Memory", figures.vram_usage),
    )
    return tuple(_figure(label, one_line(value)) for label, value in rows if value)


def _figure(label: str, value: str) -> Figure:
    """Split "5.2GB (estimate, no GPU)" and "48/48 passing" into the value and how it came about."""
    match = re.fullmatch(r"(~?\d[\d.,/]*\s?(?:[A-Za-z]+|%)?)\s+(.+)", value)
    if match is None:
        return Figure(label, value, value)
    enclosed = re.fullmatch(r"\(([^()]*)\)", match[2])
    return Figure(label, value, match[1], enclosed[1] if enclosed else match[2])


def _checks(evidence: Mapping[str, object]) -> tuple[Check, ...]:
    rows = [fields(each) for each in items(evidence.get("checks"))]
    texts = ("measured", "limit", "fix", "command")
    return tuple(
        Check(
            one_line(row.get("name", "?")), row.get("passed") is True, *(plain(row.get(key, ""), 600) for key in texts)
        )
        for row in rows
    )


def _shares(evidence: Mapping[str, object]) -> tuple[tuple[str, float], ...]:
    rows = [items(each) for each in items(evidence.get("parameter_table"))]
    parts = [
        (one_line(row[0], 60), float(row[1]))
        for row in rows
        if len(row) == 2 and isinstance(row[1], int | float) and row[1] > 0  # noqa: PLR2004 - name and size
    ]
    return tuple(sorted(parts, key=lambda part: -part[1]))


def _tables(result: ResultPackage, checks: Sequence[Check]) -> tuple[Table, ...]:
    passed = [check for check in checks if check.passed]
    delivered = result.deliverables
    files = [
        (f.path, counted(f.loc, "line"), "run by tests" if f.tested else "not run by tests", f.description)
        for f in delivered.code_files
    ]
    tests = [(f.path, "tests", "all pass" if f.all_passing else "NOT all pass", "") for f in delivered.tests]
    docs = [(path, "document", "", kind.replace("_", " ")) for kind, path in delivered.documentation.items()]
    every = [*files, *tests, *docs]
    plan = [(str(line),) for line in items(result.evidence.get("planned_vs_done"))]
    odd = sum(not _as_planned(row) for row in plan)
    compared = (
        f"Planned and done: {odd} of {len(plan)} differ" if odd else f"Planned and done: all {len(plan)} as planned"
    )
    proven = table(
        f"{len(passed)} of {len(checks)} checks passed",
        ("check", "measured", "limit", "command"),
        [(check.name, check.measured, check.limit, check.command) for check in passed],
    )
    listed = table(counted(len(every), "file"), ("file", "size", "tests", "what"), every)
    return (
        replace(proven, in_text=2),
        listed,
        replace(table(compared, ("line",), sorted(plan, key=_as_planned)), in_text=1 if odd else 0),
    )


def _questions(result: ResultPackage) -> Table:
    asked = [fields(each) for each in items(result.evidence.get("questions"))]
    rows: list[tuple[object, object]] = []
    for number, each in enumerate(asked, 1):
        rows.append((number, each.get("question", "")))
        rows += [("-", option) for option in items(each.get("options"))]
    asks = table("What the specialist asks", ("", "question"), rows, unfolded=True)
    return replace(asks, wrapped=True)


def _as_planned(row: Sequence[object]) -> bool:
    return str(row[0]).startswith("done as planned")


def _facts(evidence: Mapping[str, object], workspace: str) -> tuple[tuple[str, str], ...]:
    labels = (
        ("Specialist", evidence.get("llm")),
        ("Cost", evidence.get("cost")),
        ("Isolation", evidence.get("isolation")),
        ("Workspace", workspace or evidence.get("workspace")),
        ("Plan", evidence.get("plan_file")),
        ("Plan hash", evidence.get("plan_digest")),
        ("Receipt", evidence.get("receipt")),
    )
    return tuple((label, plain(text, 600)) for label, text in labels if text)


def _steps(result: ResultPackage, front: str, workspace: str) -> tuple[Step, ...]:
    where = f" --workspace {shlex.quote(plain(workspace))}" if workspace else ""
    match result.status:
        case "implementation_complete":
            return (
                Step("check the receipt again at any time", f"{front} verify{where}"),
                Step("take it all back", f"{front} undo{where}"),
            )
        case "plan_ready" if result.evidence.get("plan_file"):
            return (Step("read or edit the plan, then let it be done", f"{front} approve{where}"),)
        case "needs_clarification" | "needs_references":
            return (Step("answer, and it goes on from there", f'{front} resume{where} --answer "1. …"'),)
        case "verification_failed":
            steps = (Step("your files are as they were; the failed checks above say what to change"),)
            return (*steps, *_way_on(result, front, where))
        case _:
            return _way_on(result, front, where)


def _way_on(result: ResultPackage, front: str, where: str) -> tuple[Step, ...]:
    if result.evidence.get("resumable") is not True:
        return ()
    return (Step("go on from where it stopped; what was said is kept", f"{front} resume{where}"),)
