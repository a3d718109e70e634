"""Reference pages: what an engineer looks up before writing PyTorch. Every code block in them is run by the tests."""

import re
from collections.abc import Mapping
from importlib import resources

from mlexpert_nb.errors import UnknownNameError

REFERENCES: Mapping[str, str] = {
    "pytorch-best-practices": "modules, initialisation, dtypes and AMP, numerics, seeding, data loading, checkpoints",
    "architecture-patterns": "norms, RoPE, GQA, masks, KV cache, SwiGLU, MoE, recursion and halting, memory, LoRA",
    "optimization-techniques": "measuring, torch.compile, optimizers, memory, DDP and FSDP2, quantisation, export",
    "testing-guide": "causality, gradients, overfitting, tolerances, golden values, property tests, flaky tests",
}


def read_reference(name: str, section: str = "") -> str:
    """Give a reference page as Markdown.

    Args:
        name: Key of `REFERENCES`.
        section: Heading of one `## ` section, in any case; the whole page if empty.

    Raises:
        UnknownNameError: There is no such page, or no such section on it.
    """
    if name not in REFERENCES:
        raise UnknownNameError.among("reference", name, REFERENCES)
    text = resources.files("mlexpert_nb.catalogue.references").joinpath(f"{name}.md").read_text("utf-8")
    if not section:
        return text
    parts = {part[3:].partition("\n")[0].strip(): part for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]}
    for heading, part in parts.items():
        if heading.casefold() == section.strip().removeprefix("## ").casefold():
            return part
    raise UnknownNameError.among(f"section of {name}", section, parts)


__all__ = ["REFERENCES", "read_reference"]
