"""Runs the tests of a file before it is handed over, on a network that the file builds anew."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from types import ModuleType
from typing import Any

from mlexpert_nb.verify.behaviour.measures.storing import line
from mlexpert_nb.verify.behaviour.report import Behaviour, Examination
from mlexpert_nb.verify.behaviour.suite import TESTS, Suite
from mlexpert_nb.verify.checks.network import seeded

BUDGET_S = 30.0
_SLOW = frozenset({"test_the_whole_network_can_be_exported"})  # it was exported once already


def confirmed(found: Examination, suite: Suite) -> Examination:
    """Add as a defect every test that holds for the network at hand and fails for one that its file builds."""
    known = {TESTS[each.name.partition(":")[0]] for each in found.defects}
    names = [name for name in suite.tests if name not in known | _SLOW]
    if suite.to_do or not names:
        return found
    failed = tuple(_failures(suite.text, names))
    return replace(found, behaviours=(*found.behaviours, *failed))


def _failures(text: str, names: list[str]) -> Iterator[Behaviour]:
    path, until = list(sys.path), time.monotonic() + BUDGET_S
    with seeded(0):
        try:
            module = ModuleType("written_tests")
            module.__file__ = __file__  # some files look for the network from where they stand
            try:
                exec(compile(text, "written_tests", "exec"), vars(module))  # noqa: S102 - our own text, which the user runs next
            except Exception as error:  # noqa: BLE001 - so may what the network's file does when it is imported
                yield _broken("import", f"the written file cannot be imported: {line(error)}")
                return
            for name in names:
                if time.monotonic() < until:
                    yield from _failure(name, vars(module)[name])
        finally:
            sys.path[:] = path


def _failure(name: str, test: Any) -> Iterator[Behaviour]:
    """Run one test with all of its parameters; tell the first that fails."""
    for given in _parameters(test):
        try:
            test(**given)
        except Exception as error:  # noqa: BLE001 - the network is not ours
            yield _broken(name, f"holds for this network, and fails for one that build() makes: {line(error)}")
            return


def _broken(name: str, measured: str) -> Behaviour:
    fix = "let the outputs depend on the arguments of __init__ and on what is saved, and on nothing else"
    return Behaviour(f"rebuilt:{name}", holds=False, must=True, measured=measured, fix=fix)


def _parameters(test: Any) -> Iterator[dict[str, Any]]:
    """Give the arguments of each case, as pytest would."""
    sets = []
    for mark in (each for each in getattr(test, "pytestmark", []) if each.name == "parametrize"):
        names, values = mark.args
        keys = (names,) if isinstance(names, str) else names
        sets.append([dict(zip(keys, (each,) if len(keys) == 1 else each, strict=True)) for each in values])
    for case in product(*sets):
        yield {key: value for part in case for key, value in part.items()}
