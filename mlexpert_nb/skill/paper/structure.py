"""The bones of LaTeX: which brace closes which, and which environment ends where; each found in one pass."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_EDGE = re.compile(r"\\(?P<edge>begin|end)\s{0,3}\{(?P<name>[A-Za-z]{1,30})\*?\}|\\(?P<bracket>[\[\]])")
_OPTION = re.compile(r"\s*\[[^\]]{0,200}\]")
DISPLAY = "display"  # the environment that `\[` and `\]` stand for


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment; `inner` and `stop` bound what stands in it."""

    name: str
    is_starred: bool
    start: int
    inner: int
    stop: int
    end: int


@dataclass(frozen=True)
class Source:
    """A text in LaTeX with its braces and environments."""

    text: str

    @cached_property
    def closing(self) -> Mapping[int, int]:
        """Give for each opening brace that is closed where it is."""
        found: dict[int, int] = {}
        waiting: list[int] = []
        for each in _BRACE.finditer(self.text):
            if each[0] == "{":
                waiting.append(each.start())
            elif each[0] == "}" and waiting:
                found[waiting.pop()] = each.start()
        return found

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """Give every environment that ends, in the order of their starts; one that does not is none."""
        found: list[Environment] = []
        waiting: dict[str, list[re.Match[str]]] = {}
        for each in _EDGE.finditer(self.text):
            name = DISPLAY if each["bracket"] else each["name"]
            opens = each["bracket"] == "[" or each["edge"] == "begin"
            if opens and not (each["bracket"] and self.text[each.start() - 1 : each.start()] == "\\"):
                waiting.setdefault(name, []).append(each)
            elif not opens and waiting.get(name):
                begin = waiting[name].pop()
                star = begin[0].endswith("*}")
                found.append(Environment(name, star, begin.start(), begin.end(), each.start(), each.end()))
        return tuple(sorted(found, key=lambda each: each.start))

    def named(self, *names: str) -> Iterator[Environment]:
        """Give the environments of these names that do not stand in another one of them."""
        end = 0
        for each in self.environments:
            if each.name in names and each.start >= end:
                yield each
                end = each.end

    def inside(self, each: Environment) -> str:
        """Give what stands in an environment, without its option in brackets."""
        option = _OPTION.match(self.text, each.inner, each.stop)
        return self.text[option.end() if option else each.inner : each.stop]

    def argument(self, command: str, start: int = 0) -> str:
        """Give the argument in braces of the first use of a command, with the braces inside it."""
        pattern = re.compile(re.escape(command) + r"\*?\s{0,9}(?:\[[^\]]{0,200}\])?\s{0,9}(?=\{)")
        found = pattern.search(self.text, start)
        return self.text[found.end() + 1 : self.closing.get(found.end(), found.end() + 1)] if found else ""

    def without(self, spans: Iterable[tuple[int, int]]) -> str:
        """Give the text with some parts left out; a part inside another one counts once."""
        kept, at = [], 0
        for start, end in sorted(spans):
            if start >= at:
                kept += [self.text[at:start], " "]
            at = max(at, end)
        return "".join([*kept, self.text[at:]])
