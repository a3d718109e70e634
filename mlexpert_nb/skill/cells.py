"""Notebook cells for a delivered implementation of which nothing is known but its layout."""

from mlexpert_nb.packages import Cell

_IMPORTS = """\
import sys

if {source!r} not in sys.path:
    sys.path.insert(0, {source!r})

import torch

from model import ModelConfig, build_model"""

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


def plain_cells(workspace: str) -> tuple[Cell, ...]:
    """Give the cells that import, build, count and run what was delivered.

    Args:
        workspace: Folder of the delivered code, as the user spelled it.
    """
    return (
        Cell("code", _IMPORTS.format(source=f"{workspace}/src"), "imports"),
        Cell("code", _BUILD, "build"),
        Cell("code", _PARAMETERS, "parameters"),
        Cell("code", _FORWARD, "forward"),
    )
