"""Find a configuration of a given size: a published one where it fits, else one in its proportions.

Widths, depths and the like come from a grid; one fine knob, in which the parameter count rises, closes the gap.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import log
from typing import NamedTuple

from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.packages import Json

TOLERANCE = 0.02
FINE_RANGE = (0.5, 2.0)  # of the value that goes with the other keys
GROWTH = 1 / 3  # widths and depths of published families grow about with the cube root of their parameters

Keys = Mapping[str, Json]
Count = Callable[[Keys], int]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How the sizes of a network hang together.

    Attributes:
        presets: Published sizes by name, each as keys that differ from the defaults; the first is the default size.
        grid: Keys that are tried in every combination, with their values in rising order; a choice that only a request
            changes has one value.
        complete: Gives the keys that follow from the others (heads from the width, say), the fine one among them.
        fine: Key that closes the gap to a target; the parameter count rises with it.
        step: What the fine key is a multiple of.
    """

    presets: Mapping[str, Keys]
    grid: Mapping[str, Sequence[Json]]
    complete: Callable[[Keys], Keys]
    fine: str
    step: int = 8


class _Candidate(NamedTuple):
    keys: dict[str, Json]
    num_parameters: int


@dataclass(frozen=True, slots=True)
class _Search:
    sizes: Sizes
    defaults: Keys
    fixed: Keys
    count: Count

    def preset(self, name: str) -> dict[str, Json]:
        keys = {**self.defaults, **self.sizes.presets[name]}
        if all(self.fixed.get(key, keys[key]) == keys[key] for key in self.sizes.grid):
            return {**keys, **self.fixed}
        return {**keys, **self.sizes.complete({**keys, **self.fixed}), **self.fixed}

    def tried(self, keys: Keys) -> _Candidate | None:
        try:
            return _Candidate(dict(keys), self.count(keys))
        except ValueError:  # heads that do not divide this width, say; another width may fit
            return None

    def grid(self) -> Iterator[dict[str, Json]]:
        names = list(self.sizes.grid)
        choices = [[self.fixed[name]] if name in self.fixed else self.sizes.grid[name] for name in names]
        for values in product(*choices):
            keys = {**self.defaults, **dict(zip(names, values, strict=True)), **self.fixed}
            yield {**keys, **self.sizes.complete(keys), **self.fixed}

    def nearest(self, keys: dict[str, Json], target: int) -> _Candidate | None:
        """Set the fine key so that the count comes nearest to the target."""
        fine, step = self.sizes.fine, self.sizes.step
        usual = keys[fine]
        if fine in self.fixed or not isinstance(usual, int):
            return self.tried(keys)
        low, high = (max(1, round(share * usual / step)) for share in FINE_RANGE)
        best: _Candidate | None = None
        while low <= high:
            middle = (low + high) // 2
            found = self.tried({**keys, fine: middle * step})
            if found is None:
                return best
            if best is None or abs(found.num_parameters - target) < abs(best.num_parameters - target):
                best = found
            low, high = (middle + 1, high) if found.num_parameters < target else (low, middle - 1)
        return best

    def strangeness(self, found: _Candidate, target: int, published: Sequence[_Candidate]) -> float:
        """Measure how far the proportions are from those of the published size that they are nearest to."""
        usual = self.sizes.complete(found.keys)[self.sizes.fine]
        own = (
            abs(log(_number(found.keys[self.sizes.fine]) / _number(usual))) if self.sizes.fine not in self.fixed else 0
        )
        distances = [
            sum(
                abs(
                    log(_number(found.keys[key]) / _number(each.keys[key])) - GROWTH * log(target / each.num_parameters)
                )
                for key in self.sizes.grid
            )
            for each in published
        ]
        return own + min(distances, default=0.0) + abs(found.num_parameters - target) / target


def solve_sizes(sizes: Sizes, defaults: Keys, num_parameters: int | None, fixed: Keys, count: Count) -> dict[str, Json]:
    """Give every key of a configuration within 2 % of the target; without a target the first published size.

    Args:
        sizes: How the sizes hang together.
        defaults: Every key of the configuration with its default.
        num_parameters: Target; None is the first published size.
        fixed: Keys that are kept as they are.
        count: Counts the parameters of a full set of keys; raises `ValueError` for an impossible one.

    Raises:
        UsageError: The target is out of reach (the message has the range), or a fixed key is impossible.
        UnknownNameError: A fixed key is not one of the configuration's.
    """
    for key in fixed:
        if key not in defaults:
            raise UnknownNameError.among("configuration key", key, defaults)
    search = _Search(sizes, defaults, fixed, count)
    presets = [search.preset(name) for name in sizes.presets]
    if num_parameters is None:
        return _possible(search, presets[0])
    published = [found for keys in presets if (found := search.tried(keys))]
    exact = [each for each in published if _fits(each, num_parameters)]
    if exact:
        return min(exact, key=lambda each: abs(each.num_parameters - num_parameters)).keys
    tried = [each for keys in search.grid() if (each := search.nearest(keys, num_parameters))]
    fitting = [each for each in tried if _fits(each, num_parameters)]
    if fitting:
        return min(fitting, key=lambda each: search.strangeness(each, num_parameters, published)).keys
    if not tried:
        _possible(search, presets[0])
    raise UsageError(_out_of_reach(search, num_parameters))


def _possible(search: _Search, keys: Keys) -> dict[str, Json]:
    try:
        search.count(keys)
    except ValueError as error:
        raise UsageError(f"the configuration cannot be built: {error}") from error
    return dict(keys)


def _out_of_reach(search: _Search, target: int) -> str:
    ends = [
        found.num_parameters for keys in search.grid() for end in (1, 10**15) if (found := search.nearest(keys, end))
    ]
    kept = f" with {', '.join(f'{key}={value!r}' for key, value in search.fixed.items())}" if search.fixed else ""
    return f"{target:,} parameters are out of reach{kept}; ask for {min(ends):,} to {max(ends):,}"


def _fits(found: _Candidate, target: int) -> bool:
    return abs(found.num_parameters - target) <= TOLERANCE * target


def _number(value: Json) -> float:
    """Measure a value by its size; blocks a stage, say, by how many they are in all."""
    if isinstance(value, list | tuple):
        return sum(map(_number, value))
    return float(value) if isinstance(value, int | float) else 1.0
