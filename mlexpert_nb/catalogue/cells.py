"""Notebook cells that fit every delivery, because they ask for nothing but its layout."""

from mlexpert_nb.packages import Cell

_IMPORTS = """\
import sys

if {source!r} not in sys.path:
    sys.path.insert(0, {source!r})

import torch

from model import {names}"""

_BUILD = """\
torch.manual_seed(0)
model = build_model().eval()
sum(parameter.numel() for parameter in model.parameters())"""

_PARAMETERS = """\
for name, part in model.named_children():
    print(f"{name:32}{sum(parameter.numel() for parameter in part.parameters()):>14,}")"""

_FORWARD = """\
ids_BT = torch.randint(ModelConfig().vocab_size, (2, 64))
with torch.no_grad():
    output = model(ids_BT)
logits_BTV = getattr(output, "logits", output)
print("token ids", tuple(ids_BT.shape), "-> logits", tuple(logits_BTV.shape))"""

ARCHITECTURE = """\
from mlexpert_widgets import ArchitectureView

ArchitectureView(model, ids_BT)"""


def opening_cells(workspace: str, names: tuple[str, ...]) -> tuple[Cell, Cell]:
    """Give the cells that import `names` from the delivered package and build the network.

    Args:
        workspace: Folder of the delivered code, as the user spelled it.
        names: What later cells use; `build_model` must be among them.
    """
    imports = _IMPORTS.format(source=f"{workspace}/src", names=", ".join(names))
    return Cell("code", imports, "imports"), Cell("code", _BUILD, "build")


def plain_cells(workspace: str) -> tuple[Cell, ...]:
    """Give the cells that import, build, count and run what was delivered.

    Args:
        workspace: Folder of the delivered code, as the user spelled it.
    """
    return (
        *opening_cells(workspace, ("ModelConfig", "build_model")),
        Cell("code", _PARAMETERS, "parameters"),
        Cell("code", _FORWARD, "forward"),
        Cell("code", ARCHITECTURE, "architecture"),
    )
