"""What the notebook's extension asks of the kernel, by a comm that is answered also while a cell runs.

The other side is `widgets/labextension/src/kernel.ts`. A request is data: a word from a table and its arguments.
"""

from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from mlexpert_nb.errors import MLExpertError, UnknownNameError, UsageError

TARGET = "mlexpert"


def listen(shell: InteractiveShell) -> None:
    """Answer the extension; does nothing where there is no kernel."""
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        kernel.comm_manager.register_target(TARGET, _opened)


def _opened(comm: Any, _message: Mapping[str, Any]) -> None:
    """Say that we listen, and answer what then comes: a request is sent only to somebody who is there."""
    comm.on_msg(lambda message: comm.send(respond(message["content"].get("data"))))
    comm.send({"ready": True})


def respond(request: object) -> dict[str, object]:
    """Carry out a request.

    Returns:
        `done`, one line in `text` that says what happened or why nothing did, and in `left` the receipt of the run
        that the workspace holds afterwards, empty if it holds none.
    """
    try:
        return {"done": True, **_carried_out(request)}
    except (MLExpertError, OSError) as error:
        return {"done": False, "text": str(error)}
    except Exception as error:  # noqa: BLE001 - the notebook waits for an answer, whatever went wrong
        return {"done": False, "text": f"unexpected {type(error).__name__}: {error}"}


def _carried_out(request: object) -> dict[str, str]:
    if not isinstance(request, Mapping):
        raise UsageError(f"a request of the notebook was {type(request).__name__}, not an object; reload the page")
    name = str(request.get("do", ""))
    if name not in _REQUESTS:
        raise UnknownNameError.among("request of the notebook", name, _REQUESTS)
    return _REQUESTS[name](request)


def _undo(request: Mapping[str, object]) -> dict[str, str]:
    """Take back the newest run of a workspace, if it is the one that the card is of."""
    from mlexpert_nb import api  # noqa: PLC0415 - loaded by the first request, not by %load_ext

    workspace, receipt = request.get("workspace"), request.get("receipt")
    if not (isinstance(workspace, str) and workspace and isinstance(receipt, str) and receipt):
        raise UsageError("the card does not say which run it is of; type %mlexpert undo with the workspace")
    if any(each.receipt == receipt for each in api.history(workspace)):
        text = f"{api.undo(workspace, receipt=receipt).commit.label}: taken back"
    else:
        text = f"{workspace} holds no such run any more"  # taken back in another way: the notebook's part is left
    return {"text": text, "left": last_receipt(workspace)}


def last_receipt(workspace: str) -> str:
    """Give the receipt of the newest run that a workspace holds; empty if there is none."""
    from mlexpert_nb import api  # noqa: PLC0415 - loaded by the first request, not by %load_ext

    return next((each.receipt for each in reversed(api.history(workspace)) if each.receipt), "")


_REQUESTS: Mapping[str, Callable[[Mapping[str, object]], dict[str, str]]] = {"undo": _undo}
