"""Planted tests: one that must fail and one that must pass, so that a runner that lies is found out."""

import random
from dataclasses import dataclass
from pathlib import Path

from mlexpert_nb.verify.cases import Case, Outcome

_WORDS = ("blocks", "budget", "config", "edges", "export", "layers", "limits", "loading", "numerics", "shapes")


@dataclass(frozen=True, slots=True)
class Canaries:
    """Names of the planted tests, as pytest reports them."""

    failing: str
    passing: str

    @classmethod
    def plant(cls, root: Path, chance: random.Random) -> "Canaries":
        """Write the planted tests among the copied ones, under names that cannot be known beforehand."""
        failing, passing = (_free_name(root, chance) for _ in range(2))
        function = f"test_{chance.choice(_WORDS)}_{chance.choice(_WORDS)}_agree"
        left, right = chance.randrange(1000, 9000), chance.randrange(1000, 9000)
        for name, expected in ((failing, left + right + 1), (passing, left + right)):
            path = root / "tests" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"def {function}():\n    assert {left} + {right} == {expected}\n", encoding="utf-8")
        return cls(*(f"tests/{name}::{function}" for name in (failing, passing)))

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the planted files."""
        return tuple(name.split("::")[0] for name in (self.failing, self.passing))

    def complaint(self, cases: tuple[Case, ...]) -> str:
        """Say what the runner made of the planted tests; empty if it told the truth."""
        outcomes = {
            name: [case.outcome for case in cases if case.name == name] for name in (self.failing, self.passing)
        }
        if outcomes[self.failing] != ["failed"]:
            return f"a planted test that must fail was reported as {_said(outcomes[self.failing])}"
        if outcomes[self.passing] != ["passed"]:
            return f"a planted test that must pass was reported as {_said(outcomes[self.passing])}"
        return ""


def _free_name(root: Path, chance: random.Random) -> str:
    while True:
        name = f"test_{chance.choice(_WORDS)}_{chance.randrange(16**6):06x}.py"
        if not (root / "tests" / name).exists():
            return name


def _said(outcomes: list[Outcome]) -> str:
    return " and ".join(outcomes) or "not run"
