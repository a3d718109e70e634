"""Which of the possible faults are planted: few enough to try, and of every kind and from every page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

from mlexpert_nb.verify.mutation.mutant import Mutant
from mlexpert_nb.verify.mutation.page import Function, Page, code_of


def choose(found: Sequence[Mutant], most: int, seed: int) -> tuple[Mutant, ...]:
    """Choose at most `most` mutants: every page first, then every operator, then evenly; in the order of `found`.

    Args:
        found: What could be planted.
        most: How many are wanted.
        seed: Another seed gives another choice; the same one always the same.
    """
    left = sorted(range(len(found)), key=lambda number: _draw(found[number], seed))
    pages, kinds, chosen = Counter[str](), Counter[str](), list[int]()
    while left and len(chosen) < most:
        best = min(left, key=lambda number: _rank(found[number], pages, kinds))
        left.remove(best)
        chosen.append(best)
        pages[found[best].path] += 1
        kinds[found[best].operator] += 1
    return tuple(found[number] for number in sorted(chosen))


def fatal(sources: Mapping[str, str]) -> tuple[Mutant, ...]:
    """Give mutants that cannot work: a function that raises, `forward` before the others."""
    pages = [Page.parse(path, text) for path, text in sorted(sources.items())]
    pairs = [(page, node) for page in pages for node in page.parents if isinstance(node, Function)]
    pairs.sort(key=lambda pair: pair[1].name != "forward")
    return tuple(_raising(page, function) for page, function in pairs)


def _draw(mutant: Mutant, seed: int) -> bytes:
    return sha256(f"{seed}:{mutant.place}:{mutant.description}".encode()).digest()


def _rank(mutant: Mutant, pages: Counter[str], kinds: Counter[str]) -> tuple[bool, int, int]:
    return pages[mutant.path] > 0, kinds[mutant.operator], pages[mutant.path]


def _raising(page: Page, function: Function) -> Mutant:
    first = code_of(function)[0]
    new = page.replaced(first, 'raise RuntimeError("planted")')
    lines = page.lines(first)
    return Mutant(page.path, first.lineno, "fatal", f"{function.name} raises", new, page.data.decode(), *lines)
