"""What the judge is asked and what it answers, as plain data."""

from dataclasses import dataclass

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify.claims import Claim


@dataclass(frozen=True, slots=True)
class JudgeSpec:
    """What a delivery is measured against.

    Attributes:
        request: Key of the request, as it goes into the receipt.
        num_parameters: Target size of the network; None is no target.
        vram_bytes: Most memory that a training step may take; None is no limit.
        latency_ms: Most milliseconds for one token, or one example (p50); None is no limit.
        delivered: Paths that the run wrote, relative to the workspace.
        seed: Seed of every random number that the checks draw.
        min_coverage: Line coverage in percent that the tests must reach.
        num_faults: How many faults are planted.
        min_kill_rate: Share of planted faults that the tests must find.
        claims: Properties that the network must have, as `CLAIMS` names them; None leaves them to the delivery.
    """

    request: str
    num_parameters: int | None = None
    vram_bytes: int | None = None
    latency_ms: float | None = None
    delivered: tuple[str, ...] = ()
    seed: int = 0
    min_coverage: float = 90.0
    min_kill_rate: float = 0.7
    num_faults: int = 24
    claims: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse paths that are not inside the workspace, and claims that do not exist.

        Raises:
            UsageError: A delivered path is absolute or climbs with `..`, or a claim names too many or too few inputs.
            UnknownNameError: There is no such claim.
        """
        for path in self.delivered:
            if path.startswith("/") or "\\" in path or ".." in path.split("/"):
                raise UsageError(f"{path!r} was delivered outside the workspace; use paths relative to it")
        for claim in self.claims or ():
            Claim.parse(claim)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: Name of the check.
        passed: Whether the delivery holds.
        measured: What was measured, in words with the figure.
        limit: What was required, in words with the figure.
        fix: What to do about a failure.
        command: How to measure it again by hand, in the workspace.
    """

    check: str
    passed: bool
    measured: str
    limit: str
    fix: str
    command: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's answer: it passed only if every finding did; `receipt` is the head of the hash chain."""

    passed: bool
    findings: tuple[Finding, ...]
    receipt: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a delivery is still what was judged; `touched` has one line for each difference."""

    passed: bool
    touched: tuple[str, ...]
    receipt: str
