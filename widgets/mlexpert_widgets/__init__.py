"""Pictures and controls for notebooks: plain data in, picture out; knows nothing of the toolkit.

The live ones bring the widget machinery with them, so they are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlexpert_widgets.share_bar import share_bar, share_colours

if TYPE_CHECKING:
    from mlexpert_widgets.progress_card import ProgressCard
    from mlexpert_widgets.stop_button import StopButton

__all__ = ["ProgressCard", "StopButton", "share_bar", "share_colours"]

_HOMES = {"ProgressCard": "progress_card", "StopButton": "stop_button"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mlexpert_widgets.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mlexpert_widgets' has no attribute {name!r}")
