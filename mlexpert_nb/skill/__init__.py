"""What a request is and what the specialist is told about it: detection and context gathering."""

from mlexpert_nb.skill.context import Asked, Targets, gather, targets
from mlexpert_nb.skill.detect import Detection, detect
from mlexpert_nb.skill.machine import graphics_cards
from mlexpert_nb.skill.paper import Paper, read_paper, read_papers
from mlexpert_nb.skill.quantities import parse_count, parse_duration, parse_size

__all__ = [
    "Asked",
    "Detection",
    "Paper",
    "Targets",
    "detect",
    "gather",
    "graphics_cards",
    "parse_count",
    "parse_duration",
    "parse_size",
    "read_paper",
    "read_papers",
    "targets",
]
