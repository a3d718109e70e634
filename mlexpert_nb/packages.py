"""The words that the rooms share: what was asked, what was delivered, what is happening.

`ContextPackage` and `ResultPackage` are plain JSON with a published schema each (`schemas/`); their field names and
nesting are a public contract. Facts that the contract does not name go under `evidence`.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal, Self, TypeAlias

import fastjsonschema

from mlexpert_nb.errors import UsageError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Status = Literal[
    "implementation_complete",
    "verification_failed",
    "partial",
    "plan_ready",
    "needs_clarification",
    "needs_references",
    "escalated",
]
EXIT_CODES: Mapping[Status, int] = {
    "implementation_complete": 0,
    "plan_ready": 3,
    "needs_clarification": 3,
    "needs_references": 3,
    "escalated": 3,
    "verification_failed": 4,
    "partial": 4,
}


@dataclass(frozen=True, slots=True)
class Constraints:
    """Limits the user named; an empty string is no limit."""

    vram: str = ""
    inference_speed: str = ""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What the network must be: `parameters` is prose ("25M target"), `features` are catalogue names."""

    model_type: str = ""
    parameters: str = ""
    features: tuple[str, ...] = ()
    framework: str = "pytorch"
    constraints: Constraints = field(default_factory=Constraints)


@dataclass(frozen=True, slots=True)
class ExistingCode:
    """Files of the user that the request is about."""

    files: tuple[str, ...] = ()
    status: str = "none"


@dataclass(frozen=True, slots=True)
class ReferenceMaterials:
    """Papers and reference code that the user handed over, by file name."""

    papers: tuple[str, ...] = ()
    implementations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextPackage:
    """Everything the specialist is told. `evidence` holds paper texts, variables (never values), versions, hardware."""

    task: str
    requirements: Requirements = field(default_factory=Requirements)
    existing_code: ExistingCode = field(default_factory=ExistingCode)
    reference_materials: ReferenceMaterials = field(default_factory=ReferenceMaterials)
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give the package as plain JSON values, as the schema has it."""
        return _without_empty_evidence(asdict(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a package from JSON values.

        Raises:
            UsageError: `data` does not follow the schema; the message names the first field that differs.
        """
        _validate(data, "context_package")
        requirements = dict(data["requirements"])
        return cls(
            task=data["task"],
            requirements=Requirements(
                **requirements
                | {
                    "features": tuple(requirements.get("features", ())),
                    "constraints": Constraints(**requirements.get("constraints", {})),
                },
            ),
            existing_code=ExistingCode(**_tuples(data.get("existing_code", {}))),
            reference_materials=ReferenceMaterials(**_tuples(data.get("reference_materials", {}))),
            evidence=data.get("evidence", {}),
        )


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One delivered source file; `tested` says that the judge saw lines of it run."""

    path: str
    description: str
    loc: int
    tested: bool


@dataclass(frozen=True, slots=True)
class TestFile:
    """One delivered test file; `coverage` is the line coverage in percent that the whole suite reached."""

    __test__ = False  # pytest collects classes by this name

    path: str
    coverage: int
    all_passing: bool


@dataclass(frozen=True, slots=True)
class Deliverables:
    """What was written, by path relative to the workspace."""

    code_files: tuple[CodeFile, ...] = ()
    tests: tuple[TestFile, ...] = ()
    documentation: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PerformanceMetrics:
    """Figures as shown to people, each with how it was obtained: "45ms (GPU)", "5.2GB (estimate, no GPU)"."""

    parameter_count: str = ""
    inference_time: str = ""
    vram_usage: str = ""


@dataclass(frozen=True, slots=True)
class Validation:
    """Counts as `passed/ran` and what was exercised by hand-written checks."""

    unit_tests: str = ""
    integration_tests: str = ""
    manual_verification: str = ""


@dataclass(frozen=True, slots=True)
class ResultPackage:
    """What a run came to; every figure in it was computed by `verify` from artefacts."""

    status: Status
    deliverables: Deliverables = field(default_factory=Deliverables)
    performance_metrics: PerformanceMetrics = field(default_factory=PerformanceMetrics)
    validation: Validation = field(default_factory=Validation)
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Exit code of the command line for this status (0, 3 or 4)."""
        return EXIT_CODES[self.status]

    @property
    def message(self) -> str:
        """One line for a person: what happened and what to do next; empty when the card says it all."""
        return str(self.evidence.get("message", ""))

    def to_json(self) -> dict[str, Any]:
        """Give the package as plain JSON values, as the schema has it."""
        return _without_empty_evidence(asdict(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a package from JSON values.

        Raises:
            UsageError: `data` does not follow the schema; the message names the first field that differs.
        """
        _validate(data, "result_package")
        delivered = data["deliverables"]
        return cls(
            status=data["status"],
            deliverables=Deliverables(
                code_files=tuple(CodeFile(**each) for each in delivered["code_files"]),
                tests=tuple(TestFile(**each) for each in delivered["tests"]),
                documentation=delivered["documentation"],
            ),
            performance_metrics=PerformanceMetrics(**data["performance_metrics"]),
            validation=Validation(**data["validation"]),
            evidence=data.get("evidence", {}),
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One notebook cell to put under a request; `role` is its stable name within the run ("build", "train")."""

    cell_type: Literal["markdown", "code"]
    source: str
    role: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened during a run, for whoever shows progress.

    Attributes:
        kind: What happened. `phase` opens a part of the run ("plan", "write", "verify", "commit"); `say` is text of
            the llm; `tool` a tool call; `test` a test count; `check` one verdict of the judge; `note` anything else.
        text: One line for a person.
        done: How many are finished, where that is known.
        total: Out of how many, where that is known.
        passed: Verdict, for `check` and `tool`.
    """

    kind: Literal["phase", "say", "tool", "test", "check", "note"]
    text: str
    done: int | None = None
    total: int | None = None
    passed: bool | None = None


OnEvent: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person is asked to approve: exactly this text, known by its hash.

    Attributes:
        text: The plan, as Markdown; what the editable plan file holds.
        digest: `sha256:` hash of `text`; approval is of this hash and of nothing else.
        diff: What would change in the workspace, as a unified diff or a list of new files; may be empty.
    """

    text: str
    digest: str
    diff: str = ""


Ask: TypeAlias = Callable[[Proposal], bool]


@cache
def schema(name: Literal["context_package", "result_package"]) -> Mapping[str, Any]:
    """Give the published JSON Schema (draft 2020-12) of a package."""
    text = resources.files("mlexpert_nb").joinpath("schemas", f"{name}.schema.json").read_text("utf-8")
    parsed: Mapping[str, Any] = json.loads(text)
    return parsed


@cache
def _follows(name: Literal["context_package", "result_package"]) -> Callable[[object], object]:
    """Compile a schema into a function that raises where data does not follow it."""
    compiled: Callable[[object], object] = fastjsonschema.compile(dict(schema(name)))
    return compiled


def _validate(data: Mapping[str, Any], name: Literal["context_package", "result_package"]) -> None:
    with suppress(fastjsonschema.JsonSchemaException):
        _follows(name)(data)
        return
    # names, not the package: after an interrupt in the middle of its import the package has lost its submodules
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - two seconds of CPU time, for a better message
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - the same

    error = best_match(Draft202012Validator(schema(name)).iter_errors(data))
    if error is not None:
        raise UsageError(
            f"not a {name}: {error.json_path}: {error.message}; see mlexpert_nb/schemas/{name}.schema.json"
        )


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _without_empty_evidence(data: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(data))  # tuples become lists
    if not plain["evidence"]:
        del plain["evidence"]
    return plain
