"""What a command is given by the front door that it came through, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mlexpert_nb.display import Card
from mlexpert_nb.packages import Cell, OnEvent, Proposal

if TYPE_CHECKING:
    from mlexpert_nb.display import Carried  # brings nbformat, which most commands do without


class Asker(Protocol):
    """Asks for approval, and knows afterwards why it was not given."""

    refusal: str

    def __call__(self, proposal: Proposal) -> bool:
        """Ask."""


@dataclass(frozen=True, slots=True)
class Front:
    """The front door that a command came through.

    Attributes:
        prefix: How a command starts there: "mlexpert", "%mlexpert".
        on_event: Told what happens.
        ask: Asks for approval.
        ask_key: Asks for a key where nobody sees it; gives None where that cannot be done.
        namespace: Variables of the notebook; empty elsewhere.
    """

    prefix: str
    on_event: OnEvent
    ask: Asker
    namespace: Mapping[str, object]
    ask_key: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to.

    Attributes:
        card: For people.
        json: For programs: a ResultPackage wherever a run ended with one.
        exit_code: For the shell.
        status: Status of the run; empty for commands that run nothing.
        cells: Cells to put under the request.
        repeated: Whether the workspace already held the result, so that nothing was changed.
        workspace: Folder of the delivered code, as the user spelled it.
        receipt: Head of the receipt of what was delivered.
        undoes: Head of the receipt of what was taken back.
        left: Head of the receipt of the run that is the newest after that; empty if there is none.
        origin: Id of the magic cell that `carries` belongs to.
        carries: Versions of generated cells that the open notebook is to take.
    """

    card: Card
    json: object
    exit_code: int = 0
    status: str = ""
    cells: tuple[Cell, ...] = ()
    repeated: bool = False
    workspace: str = ""
    receipt: str = ""
    undoes: str = ""
    left: str = ""
    origin: str = ""
    carries: "tuple[Carried, ...]" = ()
