"""Validation of an architecture: what it reads and gives, its parameters, its behaviour, its configuration."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlexpert_nb.api.testing import split_target
from mlexpert_nb.verify import Behaviour, Examination, benchmark, examine_path

CHECKS = ("import", "parameter_count", "forward_backward", "state_dict")  # of the judge, for a delivered folder


def validate_target(target: str | Path, *, claims: Sequence[str] = ()) -> Examination:
    """Validate the network of a file or a workspace in child processes; a workspace also faces checks of the judge.

    Raises:
        UsageError: There is no network, or it cannot be examined.
    """
    path, name = split_target(target)
    found, _ = examine_path(path, name, claims=claims)
    if not path.is_dir():
        return found
    judged = benchmark(path, CHECKS, lambda _event: None)
    more = tuple(
        Behaviour(f"judge:{each.check}", each.passed, must=True, measured=each.measured, fix=each.fix)
        for each in judged
    )
    return replace(found, behaviours=(*found.behaviours, *more))
