"""mlexpert_nb: an ML implementation specialist that lives in the notebook."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlexpert_nb.api import (
        add_tests,
        approve,
        benchmark_model,
        create_model_skeleton,
        fix,
        generated_cells,
        history,
        implement,
        optimize,
        paper,
        pipeline,
        plan,
        request,
        undo,
    )
    from mlexpert_nb.keys import configure

__all__ = [
    "add_tests",
    "approve",
    "benchmark_model",
    "configure",
    "create_model_skeleton",
    "fix",
    "generated_cells",
    "history",
    "implement",
    "optimize",
    "paper",
    "pipeline",
    "plan",
    "request",
    "resume",
    "undo",
]


def __getattr__(name: str) -> Any:
    """Load a command when it is first used: `import mlexpert_nb` itself loads nothing."""
    if name in __all__:
        return getattr(import_module(f"mlexpert_nb.{'keys' if name == 'configure' else 'api'}"), name)
    raise AttributeError(f"module 'mlexpert_nb' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Register `%mlexpert` and `%%mlexpert`, and listen to the notebook (what `%load_ext mlexpert_nb` calls)."""
    magics = import_module("mlexpert_nb.magics")
    magics.register(shell)
    magics.listen(shell)
