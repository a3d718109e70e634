"""Checks a delivered network by hand: `python -m mlexpert_nb.verify.harness FOLDER [CHECK ...]`.

The judge starts it with `--job FOLDER` in a child process; results go into that folder, check by check.
"""

import secrets
import sys
from pathlib import Path

import torch

from mlexpert_nb.verify.harness.run import run
from mlexpert_nb.verify.job import MODEL_CHECKS, RESULTS, Job, Results
from mlexpert_nb.verify.spec import JudgeSpec


def main(argv: list[str]) -> int:
    """Run the checks of a job, or the named ones on a folder; the exit code is 0 if everything passed."""
    torch.set_num_threads(1)
    if argv[:1] == ["--job"]:
        folder = Path(argv[1])
        job = Job.take(folder)
        with (folder / RESULTS).open("w", encoding="utf-8") as out:
            return 0 if run(job, Results(out, job.nonce, sys.stdout)) else 1
    root, *checks = argv or ["."]
    job = Job(root, tuple(checks) or MODEL_CHECKS, JudgeSpec("by hand"), secrets.token_hex(8))
    return 0 if run(job, Results(sys.stdout, job.nonce, sys.stderr)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
