"""One tree of errors; each class knows the exit code that the command line returns for it.

MLExpertError                      1
├── UsageError                     2   a wrong option, verb or argument
│   ├── UnknownNameError           2   a name that is not in a table
│   └── OutsideWorkspaceError      2   a path that leaves the workspace
├── NeedsUserError                 3   only a person can decide
│   └── ConflictError              3   a file changed under our feet; it was kept
├── CellFailedError                4   a cell of a notebook that was run raised an error
├── EnvironmentProblem             5   this machine or endpoint lacks something
│   └── EndpointError              5   the language model could not be asked
│       └── ContextTooLongError    5   it cannot read so much at once
├── BudgetError                    4   the next turn could cost more than the run may
└── RunInterrupted               130   Ctrl-C or a kernel interrupt
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar, Self


class MLExpertError(Exception):
    """Root of every error that the toolkit raises on purpose; its message is one line."""

    exit_code: ClassVar[int] = 1

    def _render_traceback_(self) -> list[str]:
        """Show one line in a notebook instead of a traceback (an IPython hook)."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(MLExpertError):
    """The request, an option or an argument cannot be used as it is written."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name is not in the table it was looked up in."""

    @classmethod
    def among(cls, what: str, name: str, known: Iterable[str]) -> Self:
        """Say which name is unknown, and the nearest known one or all of them."""
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
        return cls(f"no {what} named {name!r}; {hint}")


class OutsideWorkspaceError(UsageError):
    """A path leaves the workspace, directly or through a symbolic link."""


class NeedsUserError(MLExpertError):
    """The run stopped because only the user can decide how it goes on."""

    exit_code = 3


class ConflictError(NeedsUserError):
    """A file that the run wanted to write is not the one it started from; it was kept."""


class CellFailedError(MLExpertError):
    """A cell of a notebook raised an error; its output holds the traceback."""

    exit_code = 4


class EnvironmentProblem(MLExpertError):  # noqa: N818 - read aloud: "an environment problem", as in exit code 5
    """This machine, disk or endpoint cannot do what was asked."""

    exit_code = 5


class EndpointError(EnvironmentProblem):
    """The endpoint of the language model could not be reached, refused, or sent something that is no answer."""


class ContextTooLongError(EndpointError):
    """The conversation is longer than the language model can read at once."""


class BudgetError(MLExpertError):
    """The next turn could cost more than is left of the budget; the work so far is kept."""

    exit_code = 4


class RunInterrupted(MLExpertError):  # noqa: N818 - an interrupt is not an error of anybody's
    """The user interrupted the run; the workspace is as it was before."""

    exit_code = 130
