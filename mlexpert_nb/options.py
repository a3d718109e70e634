"""The commands and their options, defined once for the magics and the command line."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from mlexpert_nb.errors import UnknownNameError, UsageError


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: what it does, what stands after it, and which options it knows."""

    summary: str
    operand: str  # TEXT is a request; any other word names one argument, optional in brackets, any number with "…"
    options: tuple[str, ...]

    @property
    def takes_text(self) -> bool:
        """Whether what stands after it is a request, in any number of words."""
        return self.operand.endswith("TEXT")


@dataclass(frozen=True, slots=True)
class Call:
    """One command as the user typed it.

    Attributes:
        verb: Name in VERBS.
        text: The request in plain words; empty for commands that take none.
        operand: The one argument of a command that takes no request: a workspace, a notebook, a name.
        options: Options that were given, by the api's names.
        as_json: Whether to print JSON instead of a card.
        out: Where `run` writes.
        receipt: Receipt to hold `verify` to; None if none was given.
        words: The arguments of a command that takes any number of them.
    """

    verb: str
    text: str = ""
    operand: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    as_json: bool = False
    out: str = ""
    receipt: str | None = None
    words: tuple[str, ...] = ()


_MANY = {"nargs": "+", "action": "extend", "metavar": "FILE"}
OPTIONS: Mapping[str, Mapping[str, object]] = {
    "--workspace": {"metavar": "DIR", "help": "folder that the code is delivered into (mlexpert_workspace)"},
    "--params": {"metavar": "25M", "help": "number of parameters to aim at"},
    "--vram": {"metavar": "6GB", "help": "memory that a training step may take; GB is 10^9 bytes, GiB 2^30"},
    "--latency": {"metavar": "100ms", "help": "time that one inference may take; real-time is 100ms"},
    "--features": {
        "metavar": "A,B",
        "help": "features that the network must have; `catalogue` lists those known offline",
    },
    "--context": {**_MANY, "help": "code and notes that the request is about: .py .md .txt .tex .ipynb .pdf"},
    "--paper": {**_MANY, "help": "papers to follow, and reference implementations"},
    "--approve": {"metavar": "ask|auto|plan", "help": "ask first (default), go ahead, or only write the plan"},
    "--llm": {
        "metavar": "auto|offline|claude|claude-agent-sdk|replay:FILE",
        "help": "who answers; auto is claude if there is a key or an endpoint, else the offline catalogue",
    },
    "--model": {"metavar": "NAME", "help": "language model to ask"},
    "--base-url": {"metavar": "URL", "help": "endpoint of the language model"},
    "--budget-usd": {
        "metavar": "X",
        "type": float,
        "help": "what the language model may cost, where its price is known",
    },
    "--max-turns": {"metavar": "N", "type": int, "help": "turns before the specialist stops"},
    "--answer": {"metavar": "TEXT", "help": 'what you say to the specialist\'s questions, e.g. "1. yes"'},
    "--show-context": {"action": "store_true", "help": "show exactly what would be sent, and send nothing"},
    "--seed": {"metavar": "N", "type": int, "help": "seed of every random number of the judge"},
    "--json": {"action": "store_true", "dest": "as_json", "help": "print JSON on standard output, nothing else"},
    "--force": {"action": "store_true", "help": "also where there are edits of yours; they are lost"},
    "--to": {"metavar": "notebook|files", "help": "carry the edits of the other side over, into this one"},
    "--receipt": {"metavar": "SHA256", "help": "receipt that you kept, to hold the workspace to"},
    "--recorder": {"metavar": "NAME", "help": "variable with the runs to show; every recorder if not given"},
    "--inputs": {"metavar": "NAME", "help": "variable with example inputs, for shapes, cost and latency"},
    "--template": {
        "metavar": "model|trainer|config|ENTRY",
        "help": "what to start from; `catalogue` lists the entries",
    },
    "--claims": {
        "metavar": "A,B",
        "help": "what the network is to do beyond what every network must: causal[:INPUT], batch_independent,"
        " node_equivariant, padding_invariant:INPUT:MASK, permutation_equivariant:INPUT, permutation_invariant:INPUT;"
        " frozen and whole_batch loosen a check",
    },
    "--measure": {"action": "store_true", "help": "time it on this machine first: an entry, or all of them"},
    "-o": {"metavar": "OUT", "dest": "out", "help": "write the executed notebook here, not over NOTEBOOK"},
}
_NOT_OF_REQUESTS = {
    "--answer",
    "--claims",
    "--template",
    "--force",
    "--inputs",
    "--measure",
    "--receipt",
    "--recorder",
    "--to",
    "-o",
}
_REQUEST = tuple(name for name in OPTIONS if name not in _NOT_OF_REQUESTS)
_WORKSPACE = ("--workspace", "--json")

VERBS: Mapping[str, Verb] = {
    "implement": Verb("implement an architecture: plan, code, tests, proof", "TEXT", _REQUEST),
    "fix": Verb("find and mend a bug in training code", "TEXT", _REQUEST),
    "optimize": Verb("make a model faster or smaller, proven equivalent", "TEXT", _REQUEST),
    "paper": Verb("implement what a paper (.pdf, .tex) describes", "FILE|TEXT", _REQUEST),
    "pipeline": Verb("build a training pipeline", "TEXT", _REQUEST),
    "request": Verb("any of these, found out from the words", "TEXT", _REQUEST),
    "plan": Verb("stop at the plan: an editable file in the workspace", "TEXT", _REQUEST),
    "approve": Verb("carry out the plan that waits in a workspace", "[WORKSPACE]", _WORKSPACE),
    "resume": Verb(
        "go on with a run that was interrupted, ran out of money or turns, or asked you something",
        "[WORKSPACE]",
        ("--workspace", "--answer", "--model", "--base-url", "--budget-usd", "--max-turns", "--approve", "--json"),
    ),
    "verify": Verb(
        "check a workspace against its receipt, and name what was touched", "[WORKSPACE]", (*_WORKSPACE, "--receipt")
    ),
    "undo": Verb(
        "take back, byte for byte, the last run of a workspace, or what the last `run` of a notebook did",
        "[WORKSPACE|NOTEBOOK.ipynb]",
        (*_WORKSPACE, "--force"),
    ),
    "diff": Verb(
        "show where a notebook's cells and a workspace differ, and carry edits over; exit code 3 while there is "
        "something to decide, 0 when nothing differs or it was carried over",
        "[NOTEBOOK]",
        ("--workspace", "--to", "--force", "--json"),
    ),
    "history": Verb("list the runs that changed a workspace", "[WORKSPACE]", _WORKSPACE),
    "catalogue": Verb(
        "list what can be built without a language model; exit code 4 if one could not be timed",
        "[NAME]",
        ("--measure", "--json"),
    ),
    "dashboard": Verb(
        "show a model of this notebook live: architecture, curves, memory, latency",
        "[MODEL]",
        ("--recorder", "--inputs"),
    ),
    "run": Verb("execute a notebook and put generated cells under their requests", "NOTEBOOK", ("-o", "--json")),
    "init": Verb(
        "start a project in a folder, from a template or a catalogue entry; no file is overwritten",
        "NAME [DIR]",
        ("--template", "--params", "--json"),
    ),
    "test": Verb(
        "write and run tests of how a network behaves, and run a workspace's own; exit code 4 if there is a defect",
        "[FILE.py:CLASS|WORKSPACE|VARIABLE]",
        ("--claims", "--inputs", "--json"),
    ),
    "profile": Verb(
        "measure a network: parameters, speed, memory, operations; exit code 4 if slower than --latency",
        "[FILE.py:CLASS|WORKSPACE|VARIABLE]",
        ("--latency", "--inputs", "--json"),
    ),
    "validate": Verb(
        "check an architecture: shapes, parameters, behaviour, configuration; exit code 4 if there is a defect",
        "[FILE.py:CLASS|WORKSPACE|VARIABLE]",
        ("--claims", "--inputs", "--json"),
    ),
    "config": Verb(
        "show every setting and where it comes from, or store some: config model=NAME; NAME= takes one out",
        "[NAME=VALUE…]",
        ("--json",),
    ),
    "doctor": Verb(
        "check this machine: what is missing, what to do; exit code 5 if there is a problem", "", ("--json",)
    ),
    "help": Verb("say more about a command", "[COMMAND]", ()),
}


def parse(words: Sequence[str], body: str = "") -> Call:
    """Read a command.

    Args:
        words: The words of the line, the command first. Without one they are a request to be routed.
        body: Text under the line, for a cell.

    Raises:
        UsageError: The line cannot be read; the message says what to type.
    """
    verb, rest = _split_verb(words, body)
    parser = _parser(verb)
    known, unknown = parser.parse_known_intermixed_args(_joined_negatives(rest))
    for word in unknown:
        if word.startswith("-"):
            name = word.split("=", 1)[0]
            if not VERBS[verb].options:
                raise UsageError(f"{verb} has no options, so no {name!r}; {_usage(verb)}")
            raise UnknownNameError.among(f"option of {verb}", name, VERBS[verb].options)
        raise UsageError(f"{verb}: {word!r} is one argument too many; {_usage(verb)}")
    given = {
        name: value for name, value in vars(known).items() if value is not None and value != [] and value is not False
    }
    operands = given.pop("operands", [])
    extras = {name: given.pop(name) for name in ("as_json", "out", "receipt") if name in given}
    if "…" in VERBS[verb].operand:
        return Call(verb, words=tuple(operands), options=given, **extras)
    if " " in VERBS[verb].operand:
        return Call(verb, words=_named_operands(verb, operands), options=given, **extras)
    if not VERBS[verb].takes_text:
        said = body.strip("\n") if "--answer" in VERBS[verb].options else ""
        return Call(verb, said, _one_operand(verb, operands, given), options=given, **extras)
    text = "\n".join(part for part in (" ".join(operands), body.strip("\n")) if part.strip())
    if not text.strip():
        raise UsageError(f"{verb} what? {_swallowed(given)}{_usage(verb)}")
    return Call(verb, text=text, options=given, **extras)


def help_text(verb: str, front: str) -> str:
    """Give help on one command, or on all of them if `verb` is empty.

    Args:
        verb: Name in VERBS, or empty.
        front: How a command starts: "mlexpert", "%mlexpert".

    Raises:
        UnknownNameError: There is no such command.
    """
    if not verb:
        rows = "\n".join(f"  {name:<10} {each.summary.partition(';')[0]}" for name, each in VERBS.items())
        example = f'{front} implement "a 25M-parameter TRM × Titans-MAG language model" --params 25M --approve auto'
        return f"{front} COMMAND …\n\n{rows}\n\nFor example:\n  {example}\n\n{front} help COMMAND says more."
    if verb not in VERBS:
        raise UnknownNameError.among("command", verb, VERBS)
    usage = _usage(verb).removeprefix("type: ")
    return f"{front} {usage}\n\n{VERBS[verb].summary}\n\n{_parser(verb).format_help()}".rstrip()


class _Parser(argparse.ArgumentParser):
    """argparse that raises one line instead of printing and ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}; see: help {self.prog}")


def _parser(verb: str) -> _Parser:
    parser = _Parser(prog=verb, add_help=False, allow_abbrev=False, usage=argparse.SUPPRESS)
    parser.add_argument("operands", nargs="*", help=argparse.SUPPRESS)
    for name in VERBS[verb].options:
        parser.add_argument(name, **OPTIONS[name])  # type: ignore[arg-type]  # a table of argparse keywords
    return parser


def _split_verb(words: Sequence[str], body: str) -> tuple[str, list[str]]:
    if not words and not body.strip():
        return "help", []
    if not words or (words[0].startswith("--") and body.strip()):
        return "request", list(words)
    first = words[0]
    if first in {"-h", "--help"}:
        return "help", list(words[1:])
    if {"-h", "--help"} & set(words):
        return "help", [first]
    if " " in first.strip():
        return "request", list(words)
    if first not in VERBS:
        raise UnknownNameError.among("command", first, VERBS)
    return first, list(words[1:])


def _joined_negatives(words: Sequence[str]) -> list[str]:
    """Join `--vram -1GB` into one word: argparse takes the value for an option and hides what is wrong with it."""
    joined: list[str] = []
    for word in words:
        if joined and re.match(r"-\d", word) and joined[-1] in OPTIONS and "nargs" not in OPTIONS[joined[-1]]:
            joined[-1] = f"{joined[-1]}={word}"
        else:
            joined.append(word)
    return joined


def _one_operand(verb: str, operands: Sequence[str], given: Mapping[str, object]) -> str:
    wanted = VERBS[verb].operand
    if len(operands) > bool(wanted):
        raise UsageError(f"{verb}: {operands[-1]!r} is one argument too many; {_usage(verb)}")
    if wanted and not operands and not wanted.startswith("["):
        raise UsageError(f"{verb} what? {_usage(verb)}")
    if verb == "diff":
        return "".join(operands)
    if operands and "workspace" in given:
        raise UsageError(f"{verb}: the workspace is given twice; {_usage(verb)}")
    return operands[0] if operands else str(given.get("workspace", ""))


def _named_operands(verb: str, operands: Sequence[str]) -> tuple[str, ...]:
    """Give the arguments of a command that takes several of a kind each."""
    wanted = VERBS[verb].operand.split()
    if len(operands) > len(wanted):
        raise UsageError(f"{verb}: {operands[-1]!r} is one argument too many; {_usage(verb)}")
    if len(operands) < sum(not each.startswith("[") for each in wanted):
        raise UsageError(f"{verb} what? {_usage(verb)}")
    return tuple(operands)


def _swallowed(given: Mapping[str, object]) -> str:
    """Say that an option that takes many files has taken the request for one of them."""
    for name in ("paper", "context"):
        words = given.get(name)
        if isinstance(words, list) and len(words) > 1:
            return f"{words[-1]!r} was taken for a file of --{name}; put the request before --{name}; "
    return ""


def _usage(verb: str) -> str:
    operand = '"…"' if VERBS[verb].operand == "TEXT" else VERBS[verb].operand
    return " ".join(filter(None, ("type:", verb, operand, "[options]" if VERBS[verb].options else "")))
