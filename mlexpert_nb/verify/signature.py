"""Whether calls written for one version of a function still work with the next, by their parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import griffe
from griffe import ParameterKind as Kind

_POSITIONAL = (Kind.positional_only, Kind.positional_or_keyword)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a call may look like: its parameters without `self`, by place and by name."""

    positional: tuple[griffe.Parameter, ...] = ()
    keyword_only: Mapping[str, griffe.Parameter] = field(default_factory=dict)
    takes_more: bool = False  # *args
    takes_any_keyword: bool = False  # **kwargs

    @classmethod
    def of(cls, function: griffe.Function | None) -> "_Shape":
        """Read a function; None is one without parameters."""
        if function is None:
            return cls()
        parameters = list(function.parameters)
        positional = [each for each in parameters if each.kind in _POSITIONAL]
        if function.parent is not None and function.parent.is_class and "staticmethod" not in function.labels:
            positional = positional[1:]
        kinds = {each.kind for each in parameters}
        return cls(
            tuple(positional),
            {each.name: each for each in parameters if each.kind is Kind.keyword_only},
            Kind.var_positional in kinds,
            Kind.var_keyword in kinds,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the positional parameters, in order."""
        return tuple(each.name for each in self.positional)

    def at(self, index: int) -> griffe.Parameter | None:
        """Give the parameter that takes the argument in this place; None if none does."""
        return self.positional[index] if index < len(self.positional) else None

    def named(self, name: str) -> griffe.Parameter | None:
        """Give the parameter of this name; None if there is none."""
        return self.keyword_only.get(name) or next((each for each in self.positional if each.name == name), None)


def breaks(old: griffe.Function | None, new: griffe.Function | None) -> Iterator[str]:
    """Say, one sentence each, what callers of the old function cannot do with the new one; None takes nothing."""
    if old is not None and new is not None:
        yield from _calling(old, new)
    before, after = _Shape.of(old), _Shape.of(new)
    matched: set[str] = set()
    for index, parameter in enumerate(before.positional):
        twin, what = _twin(index, parameter, before, after)
        yield from [what] if what else []
        if twin is not None:
            matched.add(twin.name)
            yield from _default(parameter, twin)
    for parameter in before.keyword_only.values():
        twin = after.named(parameter.name)
        if twin is not None:
            matched.add(twin.name)
            yield from _default(parameter, twin)
            yield from [_only(twin, "by its place")] if twin.kind is Kind.positional_only else []
        elif not after.takes_any_keyword:
            yield _gone(parameter)
    yield from _order(before, after)
    yield from _variadic(before, after)
    for each in (*after.positional, *after.keyword_only.values()):
        if each.required and each.name not in matched:
            yield f"new parameter {each.name!r} has no default"


def _calling(old: griffe.Function, new: griffe.Function) -> Iterator[str]:
    if ("async" in old.labels) != ("async" in new.labels):
        yield "must be awaited now" if "async" in new.labels else "can no longer be awaited"
    unbound = {"classmethod", "staticmethod"}
    if unbound & old.labels and not unbound & new.labels:
        yield "can no longer be called on the class itself"


def _twin(
    index: int, parameter: griffe.Parameter, before: _Shape, after: _Shape
) -> tuple[griffe.Parameter | None, str]:
    """Find what takes a positional parameter's argument now, and say what is wrong with it."""
    here, same = after.at(index), after.named(parameter.name)
    if parameter.kind is Kind.positional_only:
        return here, "" if here is not None or after.takes_more else _gone(parameter)
    if same is None:
        if here is not None and here.name not in before.names and here.name not in before.keyword_only:
            return here, f"parameter {parameter.name!r} was renamed to {here.name!r}"
        return None, "" if after.takes_more and after.takes_any_keyword else _gone(parameter)
    if same.kind is Kind.keyword_only:
        return same, _only(same, "by its name")
    return same, _only(same, "by its place") if same.kind is Kind.positional_only else ""


def _order(before: _Shape, after: _Shape) -> Iterator[str]:
    places = {name: index for index, name in enumerate(after.names)}
    moved = any(
        each.kind is Kind.positional_or_keyword and places.get(each.name, index) != index
        for index, each in enumerate(before.positional)
    )
    if moved:
        yield f"the order of its positional parameters changed: {_listed(before)} is {_listed(after)} now"


def _variadic(before: _Shape, after: _Shape) -> Iterator[str]:
    if before.takes_more and not after.takes_more:
        yield "no longer takes any number of positional arguments"
    elif before.takes_more and len(after.positional) > len(before.positional):
        yield f"parameter {after.names[len(before.names)]!r} takes an argument that went to the ones without a name"
    if before.takes_any_keyword and not after.takes_any_keyword:
        yield "no longer takes arguments of any name"


def _default(old: griffe.Parameter, new: griffe.Parameter) -> Iterator[str]:
    if old.required:
        return
    was, now = _value(old), _value(new)
    if new.required:
        yield f"parameter {new.name!r} lost its default {was}"
    elif was != now:
        yield f"the default of {new.name!r} changed from {was} to {now}"


def _value(parameter: griffe.Parameter) -> str:
    """Give a default as it is written; the value of a constant that is in sight."""
    default = parameter.default
    if isinstance(default, griffe.ExprName) and parameter.function is not None:
        try:
            constant = parameter.function.modules_collection.get_member(default.canonical_path)
        except (griffe.AliasResolutionError, griffe.CyclicAliasError, KeyError):
            return str(default)
        if isinstance(constant, griffe.Attribute) and constant.value is not None:
            return str(constant.value)
    return str(default)


def _gone(parameter: griffe.Parameter) -> str:
    return f"parameter {parameter.name!r} was removed or renamed"


def _only(parameter: griffe.Parameter, how: str) -> str:
    return f"parameter {parameter.name!r} can only be given {how} now"


def _listed(shape: _Shape) -> str:
    return f"({', '.join(shape.names)})"
