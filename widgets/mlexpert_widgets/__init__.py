"""Pictures and controls for notebooks: plain data in, picture out; knows nothing of the toolkit.

Each is loaded when it is first used: the views bring the widget machinery with them, `ModelGraph` brings torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlexpert_widgets.share_bar import share_bar, share_colours

if TYPE_CHECKING:
    from mlexpert_widgets.catalogue_view import CatalogueView
    from mlexpert_widgets.curves.learning_curves import LearningCurves
    from mlexpert_widgets.curves.recorder import Recorder
    from mlexpert_widgets.dashboard import Dashboard
    from mlexpert_widgets.graph.architecture_view import ArchitectureView
    from mlexpert_widgets.graph.model_graph import ModelGraph
    from mlexpert_widgets.latency.latency_profile import LatencyProfile
    from mlexpert_widgets.latency.recorder import LatencyRecorder
    from mlexpert_widgets.memory.memory_monitor import MemoryMonitor
    from mlexpert_widgets.memory.out_of_memory import oom_report
    from mlexpert_widgets.memory.sampler import MemorySampler
    from mlexpert_widgets.progress_card import ProgressCard
    from mlexpert_widgets.stop_button import StopButton

__all__ = [
    "ArchitectureView",
    "CatalogueView",
    "Dashboard",
    "LatencyProfile",
    "LatencyRecorder",
    "LearningCurves",
    "MemoryMonitor",
    "MemorySampler",
    "ModelGraph",
    "ProgressCard",
    "Recorder",
    "StopButton",
    "oom_report",
    "share_bar",
    "share_colours",
]

_HOMES = {
    "ArchitectureView": "graph.architecture_view",
    "CatalogueView": "catalogue_view",
    "Dashboard": "dashboard",
    "LatencyProfile": "latency.latency_profile",
    "LatencyRecorder": "latency.recorder",
    "LearningCurves": "curves.learning_curves",
    "MemoryMonitor": "memory.memory_monitor",
    "MemorySampler": "memory.sampler",
    "ModelGraph": "graph.model_graph",
    "Recorder": "curves.recorder",
    "ProgressCard": "progress_card",
    "StopButton": "stop_button",
    "oom_report": "memory.out_of_memory",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mlexpert_widgets.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mlexpert_widgets' has no attribute {name!r}")
