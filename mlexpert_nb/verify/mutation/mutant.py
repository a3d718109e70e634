"""One planted fault, as plain data."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlexpert_nb.verify.mutation.page import Page


@dataclass(frozen=True, slots=True)
class Edit:
    """What an operator wants: this node written otherwise; `instead` says it for people."""

    node: ast.expr | ast.stmt
    text: str
    instead: str


Operator = Callable[[ast.AST, Page], Iterator[Edit]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one fault planted in it.

    Attributes:
        path: The file, relative to the delivery.
        line: Line of the fault.
        operator: Kind of the fault, in words: "residual dropped".
        description: What was written, and what is written now.
        new_source: The whole file with the fault in it.
        same_source: The whole file, the same place written otherwise and meaning the same.
        first_line: First of the lines whose execution reaches the fault.
        last_line: Last of them.
    """

    path: str
    line: int
    operator: str
    description: str
    new_source: str
    same_source: str
    first_line: int
    last_line: int

    @property
    def place(self) -> str:
        """Give file, line and kind, as findings name it."""
        return f"{self.path}:{self.line} {self.operator}"
