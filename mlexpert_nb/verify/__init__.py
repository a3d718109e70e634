"""The judge: proves a delivery in processes of its own, seals the proof, and finds any later change.

Rooms inside: `judge.py` (the order of things), `reading.py` (text), `suite.py` (tests), `probe.py` and `harness/` (the
network, with one check a file in `checks/`), `receipt.py` (the seal), `result.py` (what people see), `verification.py`.
"""

from mlexpert_nb.verify.behaviour.asked import Ran, Written, benchmark_path, examine_path, run_tests
from mlexpert_nb.verify.behaviour.figures import Benchmark
from mlexpert_nb.verify.behaviour.live import benchmark_live, examine_live
from mlexpert_nb.verify.behaviour.report import Behaviour, Examination
from mlexpert_nb.verify.claims import CLAIMS, without_names
from mlexpert_nb.verify.compatibility import Break, Compatibility, broken_names, compare_names
from mlexpert_nb.verify.device import Device, find_device
from mlexpert_nb.verify.feedback import failures, tests_that_ran
from mlexpert_nb.verify.figures import short_bytes, short_count, short_ms
from mlexpert_nb.verify.job import MODEL_CHECKS
from mlexpert_nb.verify.judge import benchmark, judge, measure
from mlexpert_nb.verify.probe import ProbeReport
from mlexpert_nb.verify.result import read_result
from mlexpert_nb.verify.spec import Finding, JudgeSpec, Verdict, Verification
from mlexpert_nb.verify.verification import delivered_files, verify

__all__ = [
    "CLAIMS",
    "MODEL_CHECKS",
    "Behaviour",
    "Benchmark",
    "Break",
    "Compatibility",
    "Device",
    "Examination",
    "Finding",
    "JudgeSpec",
    "ProbeReport",
    "Ran",
    "Verdict",
    "Verification",
    "Written",
    "benchmark",
    "benchmark_live",
    "benchmark_path",
    "broken_names",
    "compare_names",
    "delivered_files",
    "examine_live",
    "examine_path",
    "failures",
    "find_device",
    "judge",
    "measure",
    "read_result",
    "run_tests",
    "short_bytes",
    "short_count",
    "short_ms",
    "tests_that_ran",
    "verify",
    "without_names",
]
