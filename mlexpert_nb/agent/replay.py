"""Plays a transcript: a finished one without a network, an unfinished one up to where a language model goes on."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast, get_args

from mlexpert_nb.agent.capabilities import CONTEXT_WINDOW
from mlexpert_nb.agent.llm import LLM, OnText, Request, StopReason, ToolResult, Turn
from mlexpert_nb.agent.prices import Meter
from mlexpert_nb.agent.wire import from_block, from_usage, said
from mlexpert_nb.errors import EnvironmentProblem, UsageError

_QUESTIONS = ("ask_user", "need_references")
LARGEST = 64 * 2**20  # bytes of a transcript; a long run takes a few MB


@dataclass(frozen=True, slots=True)
class Recording:
    """What a transcript holds.

    Attributes:
        run: The request and its options, as the run began.
        turns: Every turn of the llm, in order.
        approvals: Hash of each proposed plan -> the text as it was approved; None where it was declined.
        answers: Id of a call that asked the user -> what the user answered.
        outcome: Why the run ended; empty where it was cut off.
        num_repairs: How often the judge's failures went back to the llm.
        open_questions: What the user was asked last and has not answered.
    """

    run: Mapping[str, Any] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    approvals: Mapping[str, str | None] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = ""
    num_repairs: int = 0
    open_questions: tuple[str, ...] = ()

    @classmethod
    def read(cls, lines: Iterable[str], source: str) -> Self:
        """Read a transcript; a last line that a crash cut off is left out.

        Raises:
            UsageError: It is not one, or was damaged.
        """
        records = _records(list(lines), source)
        try:
            return cls._of(records)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UsageError(f"{source}: a record cannot be read ({type(error).__name__}: {error})") from None

    @classmethod
    def _of(cls, records: list[dict[str, Any]]) -> Self:
        turns = tuple(_turn(each) for each in records if each["kind"] == "turn")
        answers = _answers(records)
        ends = [str(each.get("reason", "")) for each in records if each["kind"] == "outcome"]
        return cls(
            run=next((each for each in records if each["kind"] == "run"), {}),
            turns=turns,
            approvals={
                str(each.get("proposed", "")): str(each["plan"]) if each["approved"] else None
                for each in records
                if each["kind"] == "approval"
            },
            answers=answers,
            outcome=ends[-1] if ends else "",
            num_repairs=sum(each["kind"] == "feedback" for each in records),
            open_questions=_open(turns[-1], answers) if turns and ends[-1:] in (["clarify"], ["references"]) else (),
        )

    @property
    def llm(self) -> str:
        """Name of the llm that was recorded."""
        return str(self.run.get("llm", "unknown"))


def read_recording(path: Path) -> Recording:
    """Read a transcript file.

    Raises:
        UsageError: There is none, or it cannot be read as one.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is larger than {LARGEST // 2**20} MiB; it is not a transcript")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read as a transcript: {error}; give the transcript.jsonl of a run"
        ) from None
    return Recording.read(text.strip("\n").split("\n"), str(path))


class Replay:
    """An llm that says what was said, and then hands over.

    Args:
        recording: What is played.
        then: Who goes on after its last turn; None where there must be nothing left to say.
        meter: Counts what the recorded turns took, so that a budget is one for the whole run.
        on_live: Called before the first turn that is not recorded.

    Attributes:
        then: As given.
        is_again: Whether the last turn was one of a run that is to go on; what ended it then ends it no more.
    """

    def __init__(
        self,
        recording: Recording,
        then: LLM | None = None,
        *,
        meter: Meter | None = None,
        on_live: Callable[[], None] = lambda: None,
    ) -> None:
        self._recording, self.then, self._meter, self.on_live = recording, then, meter, on_live
        self._played = 0
        self.is_again = False

    @property
    def name(self) -> str:
        """Name of who goes on, or else of who was recorded, so that a replay is the same request."""
        return self.then.name if self.then is not None else self._recording.llm

    @property
    def statement(self) -> str:
        """Whose words these are."""
        if self.then is not None:
            return self.then.statement
        return f"Replayed from a recording of {self.name}: no key, no network; the judge measured everything anew."

    @property
    def context_window(self) -> int:
        """Tokens that who goes on reads at once."""
        return int(getattr(self.then, "context_window", CONTEXT_WINDOW))

    def turn(self, request: Request, on_text: OnText) -> Turn:
        """Give the next recorded turn; after the last one, ask who goes on.

        Raises:
            EnvironmentProblem: The recording is over, and nobody goes on.
        """
        if self._played < len(self._recording.turns):
            turn = self._recording.turns[self._played]
            self._played += 1
            self.is_again = self.then is not None
            if self._meter is not None:
                self._meter.add(turn.usage)
            if turn.text:
                on_text(turn.text)
            return turn
        if self.then is None:
            raise EnvironmentProblem(
                f"the recording is over after {self._played} turns, and the run is not: it went another way than when "
                "it was recorded; record it anew with --llm claude"
            )
        self.is_again = False
        self.on_live()
        return self.then.turn(request, on_text)

    def close(self) -> None:
        """Let the connection of who goes on go."""
        close(self.then)


def close(llm: LLM | None) -> None:
    """Let the connection of an llm go, if it has one."""
    release = getattr(llm, "close", None)
    if release is not None:
        release()


def _open(turn: Turn, answers: Mapping[str, str]) -> tuple[str, ...]:
    asked = (use.input for use in turn.tool_uses if use.name in _QUESTIONS and use.id not in answers)
    given = next((each for each in asked if isinstance(each.get("questions", each.get("wanted")), list)), {})
    listed = given.get("questions") or given.get("wanted") or []
    said = (str(each.get("question", "")) if isinstance(each, Mapping) else str(each) for each in listed)
    return tuple(" ".join("".join(c if c.isprintable() else " " for c in each).split()) for each in said)


def _answers(records: list[dict[str, Any]]) -> dict[str, str]:
    """Find what the user answered: the results of questions, among the turn's own; other turns may use an id again."""
    asked: set[str] = set()
    answers: dict[str, str] = {}
    for each in records:
        if each["kind"] == "turn":
            asked = {use.id for use in _turn(each).tool_uses if use.name in _QUESTIONS}
        elif each["kind"] == "tool_result" and each["result"]["tool_use_id"] in asked:
            result = from_block(each["result"])
            if isinstance(result, ToolResult) and not result.is_error:
                answers[result.tool_use_id] = result.content
    return answers


def _records(lines: list[str], source: str) -> list[dict[str, Any]]:
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):
                break  # the crash came in the middle of it
            raise UsageError(f"{source}: line {number} is not JSON; the transcript is damaged") from None
        if not isinstance(record, dict) or "kind" not in record:
            raise UsageError(f"{source}: line {number} is no record; give the transcript.jsonl of a run")
        records.append(record)
    if not records:
        raise UsageError(f"{source} is empty; give the transcript.jsonl of a run")
    return records


def _turn(record: Mapping[str, Any]) -> Turn:
    if record["stop_reason"] not in get_args(StopReason):
        raise ValueError(f"a turn ended for an unknown reason, {str(record['stop_reason'])[:60]!r}")
    return Turn(
        said([from_block(each) for each in record["content"]]),
        cast("StopReason", record["stop_reason"]),
        from_usage(record.get("usage", {})),
        str(record.get("detail", "")),
    )
