"""Write out the network: the pages of `src/model`, the documentation, the training script and the tests."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from mlexpert_nb.catalogue.compose import compose
from mlexpert_nb.catalogue.families.trm_titans_mag.model.config import (
    ModelConfig,
    count_parameters,
    parameter_table,
    state_bytes,
)
from mlexpert_nb.catalogue.writing import fill, with_defaults

_BLOCKS = "mlexpert_nb.catalogue.blocks"
_MODEL = "mlexpert_nb.catalogue.families.trm_titans_mag.model"
_HERE = Path(str(resources.files("mlexpert_nb.catalogue.families.trm_titans_mag")))
_MEMORY = (f"{_BLOCKS}.memory_rule", f"{_BLOCKS}.long_term_memory")

PAGES: Mapping[str, tuple[str, ...]] = {
    "__init__": (f"{_MODEL}.build",),
    "config": (f"{_MODEL}.config",),
    "titans_mag": (
        f"{_BLOCKS}.norms",
        f"{_BLOCKS}.sliding_window",
        *_MEMORY,
        f"{_BLOCKS}.memory_gate",
        f"{_BLOCKS}.mag_block",
        f"{_MODEL}.titans_mag",
    ),
    "trm_wrapper": (f"{_BLOCKS}.recursion", f"{_BLOCKS}.trm"),
    "act_head": (f"{_BLOCKS}.halting_head", f"{_BLOCKS}.act_head"),
    "full_model": (f"{_MODEL}.full_model",),
    "functional": (f"{_MODEL}.functional",),
}
TEMPLATES: Mapping[str, str] = {
    "docs/architecture.md": "docs/architecture.md",
    "examples/train.py": "examples/train.py",
    "pyproject.toml": "project.toml",
    "README.md": "docs/README.md",
}
DESCRIPTIONS: Mapping[str, str] = {
    "src/model/__init__.py": "front door: build_model, ModelConfig, the parameter count",
    "src/model/config.py": "every knob, validated, with the delivered values as defaults; parameters in closed form",
    "src/model/titans_mag.py": "sliding-window attention, neural long-term memory, memory-as-gate blocks, the backbone",
    "src/model/trm_wrapper.py": "tiny recursion: latent and deep recursion around one small network",
    "src/model/act_head.py": "adaptive computation: halting head, its losses, halting that saves work",
    "src/model/full_model.py": "the network: logits, loss, streaming and adaptive inference",
    "src/model/functional.py": "the same as plain functions, for tests and tools",
    "docs/architecture.md": "diagram, shapes, parameter table, equations and sources",
    "examples/train.py": "byte-level training of a small variant on Python's own help texts",
    "pyproject.toml": "project metadata and test settings",
    "README.md": "what this is and how to use it",
}


def skeleton(config: ModelConfig) -> dict[str, str]:
    """Give the text of every delivered file except the tests, by path."""
    pages = compose(PAGES)
    pages["config"] = with_defaults(pages["config"], asdict(config))
    files = {f"src/model/{name}.py": text for name, text in pages.items()}
    values = _template_values(config)
    for path, source in TEMPLATES.items():
        files[path] = fill((_HERE / source).read_text("utf-8"), values)
    return files


def read_tests() -> dict[str, str]:
    """Give the delivered tests as they stand."""
    paths = sorted((_HERE / "tests").glob("*.py"))
    return {f"tests/{path.name}": path.read_text("utf-8") for path in paths}


def _template_values(config: ModelConfig) -> dict[str, str]:
    """Give what the templates may name: every key of the configuration, and what follows from it."""
    total = count_parameters(config)
    rows = [f"| `{name}` | {count:,} | {count / total:.1%} |" for name, count in parameter_table(config)]
    is_attending = config.core == "swa"
    derived = {
        "head_dim": config.head_dim,
        "group_size": config.n_heads // config.n_kv_heads,
        "memory_columns": config.mem_head_dim * config.mem_expand ** (config.mem_depth - 1),
        "receptive_field": f"{config.n_layers * (config.window - 1) + 1:,}",
        "core_calls": config.n_sup * config.n_cycles * (config.n_latent + 1),
        "core_description": f"attention over {config.core_window} tokens, then SwiGLU" if is_attending else "SwiGLU",
        "core_state": ", and the same keys and values of each call of the tiny network" if is_attending else "",
        "state_bytes": f"{state_bytes(config):,}",
        "past": config.window - 1,
        "conv_tail": config.conv_kernel - 1,
        "num_parameters": f"{total:,}",
        "parameter_rows": "\n".join(rows),
    }
    return {key: str(value) for key, value in {**asdict(config), **derived}.items()}
