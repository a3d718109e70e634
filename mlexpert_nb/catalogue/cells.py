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

_EXAMPLE = """\
from model import functional

inputs, targets = functional.example_batch(ModelConfig(), 2, seed=0)
with torch.no_grad():
    outputs = model(**inputs)
    loss = functional.loss(model, inputs, targets)
for name, tensor in {**inputs, **targets}.items():
    print(f"{name:24}{tuple(tensor.shape)}")
print(f"loss {loss:.3f}")"""

_EXAMPLE_ARCHITECTURE = """\
from mlexpert_widgets import ArchitectureView

ArchitectureView(model, inputs)"""

_TRAIN = """\
import runpy

sys.argv = ["train.py"]
_ = runpy.run_path({script!r}, run_name="__main__")"""


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


def entry_cells(workspace: str, intro: str, *, is_token_model: bool) -> tuple[Cell, ...]:
    """Give the cells that build, count, run, draw and train what an entry of the catalogue delivered.

    Args:
        workspace: Folder of the delivered code, as the user spelled it.
        intro: Markdown above the cells.
        is_token_model: Whether it takes token ids alone; else it comes with example batches.
    """
    train = Cell("code", _TRAIN.format(script=f"{workspace}/examples/train.py"), "train")
    if is_token_model:
        return (Cell("markdown", intro, "intro"), *plain_cells(workspace), train)
    return (
        Cell("markdown", intro, "intro"),
        *opening_cells(workspace, ("ModelConfig", "build_model")),
        Cell("code", _PARAMETERS, "parameters"),
        Cell("code", _EXAMPLE, "forward"),
        Cell("code", _EXAMPLE_ARCHITECTURE, "architecture"),
        train,
    )
