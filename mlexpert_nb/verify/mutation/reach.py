"""Which tests reach which lines, and what each of them costs, from what was measured while the tests ran."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage

from mlexpert_nb.verify.mutation.job import METER, REACH


@dataclass(frozen=True, slots=True)
class Reach:
    """Tests by the lines that they run.

    Attributes:
        costs: Processor seconds of each test, with what it stands on, by its full name.
        owners: Owners (tests, and fixtures that tests share) of each line of each file.
        standing_on: Tests that stand on each shared fixture.
    """

    costs: Mapping[str, float]
    owners: Mapping[str, Mapping[int, frozenset[str]]]
    standing_on: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, folder: Path, root: str) -> "Reach":
        """Read what the plugin and the meter left.

        Args:
            folder: Where they left it.
            root: Folder in which the tests ran, as the meter names its files.

        Raises:
            ValueError: It is not what they write.
        """
        try:
            noted = json.loads((folder / REACH).read_text("utf-8"))
            tests, fixtures = noted["tests"], noted["fixtures"]
            standing_on = {key: frozenset(_standing_on(fixture, tests)) for key, fixture in fixtures.items()}
            costs = {name: float(test["seconds"]) for name, test in tests.items()}
            for key, fixture in fixtures.items():
                for name in standing_on[key]:
                    costs[name] += float(fixture["seconds"])
            return cls(costs, _owners(folder / METER, root), standing_on)
        except (OSError, KeyError, TypeError, AttributeError, coverage.CoverageException) as error:
            raise ValueError(f"which tests reach which lines was not measured: {error!r}") from error

    def tests(self, path: str, first: int, last: int) -> tuple[str, ...]:
        """List the tests that run any of these lines, the fastest first."""
        lines = self.owners.get(path, {})
        owners = {owner for line in range(first, last + 1) for owner in lines.get(line, ())}
        found = {test for owner in owners for test in self.standing_on.get(owner, {owner})}
        return tuple(sorted(found & set(self.costs), key=lambda test: (self.costs[test], test)))


def _standing_on(fixture: Mapping[str, Any], tests: Mapping[str, Any]) -> list[str]:
    base = fixture["base"]
    return [name for name, test in tests.items() if fixture["name"] in test["fixtures"] and name.startswith(base)]


def _owners(path: Path, root: str) -> dict[str, dict[int, frozenset[str]]]:
    data = coverage.CoverageData(str(path))
    data.read()
    return {
        file.removeprefix(f"{root}/"): {
            line: frozenset(owners) for line, owners in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
