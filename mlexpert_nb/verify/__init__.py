"""The judge: proves a delivery in processes of its own, seals the proof, and finds any later change.

Rooms inside: `judge.py` (the order of things), `reading.py` (text), `suite.py` (tests), `probe.py` and `harness/` (the
network, with one check a file in `checks/`), `receipt.py` (the seal), `result.py` (what people see), `verification.py`.
"""

from mlexpert_nb.verify.compatibility import Break, Compatibility, broken_names, compare_names
from mlexpert_nb.verify.device import Device, find_device
from mlexpert_nb.verify.feedback import failures, tests_that_ran
from mlexpert_nb.verify.job import MODEL_CHECKS
from mlexpert_nb.verify.judge import benchmark, judge
from mlexpert_nb.verify.result import read_result
from mlexpert_nb.verify.spec import Finding, JudgeSpec, Verdict, Verification
from mlexpert_nb.verify.verification import delivered_files, verify

__all__ = [
    "MODEL_CHECKS",
    "Break",
    "Compatibility",
    "Device",
    "Finding",
    "JudgeSpec",
    "Verdict",
    "Verification",
    "benchmark",
    "broken_names",
    "compare_names",
    "delivered_files",
    "failures",
    "find_device",
    "judge",
    "read_result",
    "tests_that_ran",
    "verify",
]
