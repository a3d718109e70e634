"""`%mlexpert` and `%%mlexpert`: parse, call, show."""

import shlex

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class

from mlexpert_nb.errors import RunInterrupted, UsageError
from mlexpert_nb.keys import refuse_typed_key
from mlexpert_nb.options import Call, help_text, parse

PREFIX = "%mlexpert"
INTERRUPTED = "interrupted; nothing was changed, and the same cell can be run again"
LATE = "interrupted at the last step; %mlexpert history tells whether it was done"


@magics_class
class MLExpertMagics(Magics):
    """Front door in IPython; the work is loaded when the first command runs."""

    @line_cell_magic
    def mlexpert(self, line: str, cell: str | None = None) -> None:
        """Ask the ML specialist: a request in the cell, or a command on the line (%mlexpert help)."""
        refuse_typed_key(f"{line}\n{cell or ''}")
        call = parse(_words(line), cell or "")
        if call.verb == "help":
            print(help_text(call.operand, PREFIX))  # noqa: T201 - help is text for the reader of the cell
            return
        if call.verb == "dashboard":
            self._dashboard(call)
            return
        try:
            from mlexpert_nb.magics.screen import carry_out  # noqa: PLC0415 - the work is loaded by the first command
        except KeyboardInterrupt:
            raise RunInterrupted(INTERRUPTED) from None
        if self.shell is not None:  # a Magics object may exist without one; this one is made by a shell
            carry_out(call, self.shell, PREFIX)

    def _dashboard(self, call: Call) -> None:
        """Show a model of the notebook; `_dashboard` holds what is shown, so that it lives on."""
        from mlexpert_nb.display import show_dashboard  # noqa: PLC0415 - brings torch and the widget machinery

        if self.shell is not None:
            options = {name: str(value) for name, value in call.options.items()}
            self.shell.user_ns["_dashboard"] = show_dashboard(self.shell.user_ns, call.operand, **options)


def register(shell: InteractiveShell) -> None:
    """Make `%mlexpert` and `%%mlexpert` known to a shell."""
    shell.register_magics(MLExpertMagics)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"the line cannot be read ({error}): close every quote") from None
