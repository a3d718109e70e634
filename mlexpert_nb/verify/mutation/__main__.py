"""Plants faults by hand: `python -m mlexpert_nb.verify.mutation FOLDER [--all] [--seed N]` prints every one of them."""

import argparse
import sys
from pathlib import Path

from mlexpert_nb.packages import Event
from mlexpert_nb.verify.mutation import Mutation, Scope, judge_mutation, mutate, not_tried
from mlexpert_nb.verify.spec import Finding, JudgeSpec
from mlexpert_nb.verify.suite import judge_suite, run_suite
from mlexpert_nb.verify.trial import open_trial


def main(argv: list[str]) -> int:
    """Run the tests, plant faults, print a table; the exit code is 0 if enough were found."""
    parser = argparse.ArgumentParser(prog="python -m mlexpert_nb.verify.mutation", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--all", action="store_true", help="plant every fault there is, however long it takes")
    parser.add_argument("--seed", type=int, default=0, help="another choice of faults")
    args = parser.parse_args(argv)
    spec = JudgeSpec("by hand", seed=args.seed)
    with open_trial(args.folder.resolve(), spec) as trial:
        tests, *_ = judge_suite(run_suite(trial, _silent), spec.min_coverage)
        mutation = mutate(trial, _progress, Scope(is_whole=args.all)) if tests.passed else None
    finding = not_tried() if mutation is None else judge_mutation(mutation, spec)
    sys.stdout.write(_table(mutation, finding) if mutation else f"{finding.measured}: {tests.measured}\n")
    return 0 if finding.passed else 1


def _table(mutation: Mutation, finding: Finding) -> str:
    rows = []
    for trial in mutation.trials:
        mutant = mutation.planted[trial.number]
        by = f"by {trial.by}" if trial.by else f"{trial.ran} of {trial.reaching} tests ran"
        rows.append(f"{trial.fate:<9} {mutant.place}\n          {mutant.description}\n          {by}")
    return "\n".join([*rows, "", finding.measured, *([] if finding.passed else [finding.fix]), ""])


def _silent(_event: Event) -> None:
    """Say nothing of the tests' own run."""


def _progress(event: Event) -> None:
    sys.stderr.write(f"{event.text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
