"""The catalogue for people: one table, what each entry is, and in a notebook a view to search.

What was never measured is said to be so: "not yet" for the proof, which is the project's, and "—" for the latency here,
which is the user's to measure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mlexpert_nb.catalogue import ENTRIES, Entry, Timing, Verified, entry_facts, known_timings, verified
from mlexpert_nb.display.card import Card, Check, Step, table
from mlexpert_nb.display.card_html import render_bundle
from mlexpert_nb.display.safe import counted, fields, one_line
from mlexpert_nb.verify import short_count, short_ms
from mlexpert_widgets.front_end import front_end

NOT_YET = "not yet"
UNMEASURED = "—"
COLUMNS = (
    ("name", "name"),
    ("title", "title"),
    ("parameters", "parameters"),
    ("latency", "latency here"),
    ("oracle", "oracle"),
    ("kill_rate", "kill rate"),
    ("verified", "last verified"),
)
_NUMBERS = ("parameters", "latency", "kill_rate")


def catalogue_card(
    entries: Sequence[Entry], timed: Mapping[str, Timing], failed: Sequence[str] = (), *, front: str = "%mlexpert"
) -> Card:
    """List what can be built without a language model, each with what was proven and how fast it is here.

    Args:
        entries: What is listed; of a single one everything is told.
        timed: What was measured on this machine, by the entries' names.
        failed: Why some could not be timed.
        front: How a command starts: "%mlexpert", "mlexpert".
    """
    rows = [tuple(_cells(each, timed.get(each.name)).values()) for each in entries]
    listed = replace(table("Entries", [label for _, label in COLUMNS], rows, unfolded=True), headed=True)
    checks = tuple(Check("latency", passed=False, measured=each, limit="") for each in failed)
    card = Card("bad" if failed else "info", counted(len(rows), "architecture"), failed=checks, tables=(listed,))
    if len(entries) == 1:
        (only,) = entries
        told = tuple((label, text.replace("\n", "; ")) for label, text in _told(only, timed.get(only.name)))
        return replace(card, headline=only.title, facts=told, steps=_steps_of(only, front))
    what = [(each.name, each.summary, ", ".join(each.features), "; ".join(each.papers)) for each in entries]
    sources = replace(
        table("Features and papers of each: catalogue NAME", ("name", "what it is", "features", "papers"), what),
        in_text=0,
    )
    more = Step("what one is: papers, options, sizes, every figure", f"{front} catalogue NAME")
    speed = Step("how fast they are on this machine", f"{front} catalogue --measure [NAME]")
    return replace(card, tables=(listed, sources), steps=(more, speed))


def catalogue_bundle(card: Card, names: Sequence[str]) -> Mapping[str, object]:
    """Give the catalogue as a MIME bundle.

    Where there is a front end for it and more than one entry, a view to search is put in the place of the card as long
    as the kernel lives.

    Args:
        card: Of these entries.
        names: Of the entries.
    """
    if len(names) < 2 or front_end() not in {"jupyter", "vscode"}:  # noqa: PLR2004 - one needs no search
        return render_bundle(card)
    from mlexpert_widgets import CatalogueView  # noqa: PLC0415 - brings the widget machinery

    timed = known_timings()
    rows = [_row(ENTRIES[name], timed.get(name)) for name in names]
    columns = [{"key": key, "label": label, "number": key in _NUMBERS} for key, label in COLUMNS]
    return CatalogueView(rows, columns, label="The catalogue").in_place_of(render_bundle(card))


def _cells(entry: Entry, timing: Timing | None) -> dict[str, str]:
    """Give the text of each column."""
    proven = verified(entry.name)
    return {
        "name": entry.name,
        "title": entry.title,
        "parameters": short_count(entry.default_parameters),
        "latency": UNMEASURED if timing is None else f"{short_ms(timing.ms)}, {_where(timing)}",
        "oracle": _oracle(proven),
        "kill_rate": NOT_YET if proven.kill_rate is None else f"{100 * proven.kill_rate:.0f} %",
        "verified": proven.date or NOT_YET,
    }


def _where(timing: Timing) -> str:
    return counted(timing.threads, "thread") if timing.device == "CPU" else one_line(timing.device, 40)


def _gaps(proven: Verified) -> tuple[list[tuple[float, str]], str]:
    """Give every difference from an oracle with its library, in float64 where that was compared; else say in what."""
    double = [(gap, each) for each in proven.oracles for gap in (each.output, each.gradient) if gap is not None]
    single = [(each.output_float32, each) for each in proven.oracles if each.output_float32 is not None]
    return [(gap, _library(each.name)) for gap, each in double or single], "" if double else " float32"


def _oracle(proven: Verified) -> str:
    gaps, precision = _gaps(proven)
    if not gaps:
        return NOT_YET
    gap, library = max(gaps)
    others = {_library(each.name) for each in proven.oracles} - {library}
    return f"{library} {_small(gap)}{precision}" + (f" (+{len(others)})" if others else "")


def _library(oracle: str) -> str:
    return oracle.split(" ", maxsplit=1)[0].rstrip(",")


def _small(gap: float) -> str:
    return f"{gap:.0e}" if gap else "0"


def _row(entry: Entry, timing: Timing | None) -> dict[str, object]:
    """Give a row of the view: its cells, what they are sorted by, what is searched, what a click opens."""
    cells, proven = _cells(entry, timing), verified(entry.name)
    told = list(_told(entry, timing))
    searched = " ".join([*cells.values(), *(text for _, text in told), *entry.keywords, entry.request])
    return {
        **cells,
        "parameters_order": entry.default_parameters,
        "latency_order": None if timing is None else timing.ms,
        "oracle_order": max(_gaps(proven)[0], default=(None, ""))[0],
        "kill_rate_order": proven.kill_rate,
        "verified_order": proven.date,
        "search": searched.lower().replace("_", " "),
        "details": [list(each) for each in told],
        "copy": f"%%mlexpert implement\n{_asked(entry)}",
    }


def _told(entry: Entry, timing: Timing | None) -> Iterator[tuple[str, str]]:
    """Give everything about an entry as labels and texts."""
    proven, sizes = verified(entry.name), fields(entry_facts(entry)["sizes"])
    yield "What", entry.summary
    yield "Features", ", ".join(entry.features)
    yield "Papers", "\n".join(entry.papers)
    if entry.options:
        yield "Options", "\n".join(f"{key}: {', '.join(values)}" for key, values in entry.options.items())
    if entry.numbers:
        yield "Numbers", ", ".join(entry.numbers)
    if sizes:
        yield "Sizes", ", ".join(f"{name} {short_count(int(str(count)))}" for name, count in sizes.items())
    yield "Parameters", f"{entry.default_parameters:,} where no size is asked for"
    yield "Latency here", UNMEASURED if timing is None else _timed(timing)
    yield "Oracles", "\n".join(_compared(proven)) or NOT_YET
    yield "Proven", _proof(proven)


def _timed(timing: Timing) -> str:
    threads = counted(timing.threads, "thread")
    return f"{short_ms(timing.ms)} a {timing.what} ({timing.device}, {threads}, torch {timing.torch})"


def _compared(proven: Verified) -> Iterator[str]:
    for each in proven.oracles:
        named = (("outputs", each.output), ("gradients", each.gradient), ("outputs in float32", each.output_float32))
        gaps = ", ".join(f"{name} {_small(gap)}" for name, gap in named if gap is not None)
        same = f"; {each.parameters:,} parameters in both" if each.parameters else ""
        yield f"{each.name}: {gaps}{same}"


def _proof(proven: Verified) -> str:
    if not proven.date:
        return NOT_YET
    rate = "" if proven.kill_rate is None else f", {100 * proven.kill_rate:.0f} % of planted faults found"
    suite = f"{counted(proven.tests, 'test')} of its own, {proven.coverage:.0f} % of the lines{rate}"
    return f"{proven.date}: {proven.status.replace('_', ' ')}, {suite}"


def _asked(entry: Entry) -> str:
    return entry.request or f"Implement {entry.title}"


def _steps_of(entry: Entry, front: str) -> tuple[Step, ...]:
    return (
        Step("have it written, tested and proven", f'{front} implement "{_asked(entry)}"'),
        Step("how fast it is on this machine", f"{front} catalogue --measure {entry.name}"),
    )
