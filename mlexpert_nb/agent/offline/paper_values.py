"""The test of a paper's values: it fails as soon as one of them is no longer the default of the delivered network."""

import json
import re
from collections.abc import Mapping

from mlexpert_nb.agent.offline.lines import CONFIG, Place, place_of_key
from mlexpert_nb.catalogue import Entry
from mlexpert_nb.packages import Json

VALUES_TEST = "tests/test_paper_values.py"
_TEXT = '''"""The values that were read in the paper are the defaults of the configuration."""

import pytest

from model import ModelConfig

VALUES = [
{rows}
]


@pytest.mark.parametrize(("key", "value"), VALUES)
def test_a_value_of_the_paper_is_the_default(key, value):
    assert getattr(ModelConfig(), key) == value
'''


def held_by_test(options: Mapping[str, Json], entry: Entry, configuration: Mapping[str, Json]) -> tuple[str, ...]:
    """Give the keys whose values a line of the test can hold: those that the delivered configuration has."""
    config = entry.skeleton(configuration)[CONFIG]
    return tuple(key for key in options if place_of_key(key, {CONFIG: config}) and _is_plain(options[key]))


def values_test(options: Mapping[str, Json], entry: Entry, configuration: Mapping[str, Json]) -> dict[str, str]:
    """Give the test by its path, with the paper's values as the approved plan has them; empty if there are none."""
    keys = held_by_test(options, entry, configuration)
    held = {key: configuration.get(key, options[key]) for key in keys}
    rows = "\n".join(f"    ({json.dumps(key)}, {_spelled(value)})," for key, value in held.items())
    return {VALUES_TEST: _TEXT.format(rows=rows)} if held else {}


def place_of_value(key: str, files: Mapping[str, str]) -> Place | None:
    """Give the line of the test that holds a key; None if there is none."""
    lines = files.get(VALUES_TEST, "").splitlines()
    number = next((n for n, line in enumerate(lines, 1) if re.match(rf'\s+\("{re.escape(key)}", ', line)), None)
    return Place(VALUES_TEST, number) if number else None


def _is_plain(value: Json) -> bool:
    return isinstance(value, bool | int | float | str)


def _spelled(value: Json) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)
