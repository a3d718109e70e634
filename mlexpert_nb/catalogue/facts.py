"""Everything that is known of an entry as plain values: what it is, what was proven, how fast it is here."""

from collections.abc import Mapping
from dataclasses import asdict

from mlexpert_nb.catalogue.entry import Entry
from mlexpert_nb.catalogue.timings import Timing
from mlexpert_nb.catalogue.verified import verified
from mlexpert_nb.packages import Json


def entry_facts(entry: Entry, timing: Timing | None = None) -> Mapping[str, Json]:
    """Give what is known of an entry; what was never measured is null.

    Args:
        entry: The entry.
        timing: How long it takes on this machine, if that was measured.
    """
    proven = verified(entry.name)
    oracles: list[Json] = [asdict(each) for each in proven.oracles]
    return {
        "name": entry.name,
        "title": entry.title,
        "summary": entry.summary,
        "model_type": entry.model_type,
        "features": list(entry.features),
        "papers": list(entry.papers),
        "request": entry.request,
        "default_parameters": entry.default_parameters,
        "options": {key: list(values) for key, values in entry.options.items()},
        "numbers": list(entry.numbers),
        "sizes": _sizes(entry),
        "latency": None if timing is None else asdict(timing),
        "verified": {**asdict(proven), "oracles": oracles} if proven.date else None,
        "oracles": oracles,
    }


def _sizes(entry: Entry) -> dict[str, Json]:
    """Give the parameters of each published size."""
    return {name: entry.count_parameters(entry.solve(None, keys)) for name, keys in entry.presets.items()}
