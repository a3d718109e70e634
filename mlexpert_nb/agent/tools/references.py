"""The reference tool: pages on how PyTorch is written well, whose code is run by our own tests."""

from mlexpert_nb.agent.tools.tool import tool
from mlexpert_nb.catalogue import references
from mlexpert_nb.workspace import Stage


@tool(effect="read")
def read_reference(stage: Stage, name: str, section: str = "") -> str:
    """Read a reference page on current PyTorch; every code block in it was run before it was shipped.

    - pytorch-best-practices: modules, initialisation, dtypes and AMP, numerics, seeding, data loading, checkpoints
    - architecture-patterns: norms, RoPE, GQA, masks, KV cache, SwiGLU, MoE, recursion and halting, memory, LoRA
    - optimization-techniques: measuring, torch.compile, optimizers, memory, DDP and FSDP2, quantisation, export
    - testing-guide: causality, gradients, overfitting, tolerances, golden values, property tests, flaky tests

    Args:
        stage: Supplied by the loop.
        name: Name of the page.
        section: Heading of one section, to read only that; empty for the whole page, whose top lists the sections.
    """
    del stage  # the pages are part of the package
    return references.read_reference(name, section)
