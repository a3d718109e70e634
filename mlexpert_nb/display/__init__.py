"""Results and progress for people: text, HTML, the cells bundle, notebook files; decides nothing.

Inside: `card.py` (what a card says), `card_text.py` and `card_html.py` (how), `progress.py` and `terminal.py` (a run
under way), `ask.py` (approval), `cells.py` (the payload), `insertion.py` (where cells go), `notebook_file.py`
(headless). Loaded piece by piece: the command line starts without a notebook's machinery.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlexpert_nb.display.ask import TerminalAsk, with_refusal
    from mlexpert_nb.display.card import Card, result_card
    from mlexpert_nb.display.card_html import render_bundle, render_html
    from mlexpert_nb.display.card_text import render_text
    from mlexpert_nb.display.cells import cells_bundle
    from mlexpert_nb.display.notebook_ask import NotebookAsk
    from mlexpert_nb.display.notebook_file import NotebookRun, run_notebook
    from mlexpert_nb.display.progress import NotebookProgress
    from mlexpert_nb.display.reports import (
        catalogue_card,
        history_card,
        interrupted_card,
        stopped_card,
        undone_card,
        verification_card,
    )
    from mlexpert_nb.display.terminal import TerminalProgress

__all__ = [
    "Card",
    "NotebookAsk",
    "NotebookProgress",
    "NotebookRun",
    "TerminalAsk",
    "TerminalProgress",
    "catalogue_card",
    "cells_bundle",
    "history_card",
    "interrupted_card",
    "render_bundle",
    "render_html",
    "render_text",
    "result_card",
    "run_notebook",
    "stopped_card",
    "undone_card",
    "verification_card",
    "with_refusal",
]

_HOMES = {
    "ask": ("TerminalAsk", "with_refusal"),
    "card": ("Card", "result_card"),
    "card_html": ("render_bundle", "render_html"),
    "card_text": ("render_text",),
    "cells": ("cells_bundle",),
    "notebook_ask": ("NotebookAsk",),
    "notebook_file": ("NotebookRun", "run_notebook"),
    "progress": ("NotebookProgress",),
    "reports": (
        "catalogue_card",
        "history_card",
        "interrupted_card",
        "stopped_card",
        "undone_card",
        "verification_card",
    ),
    "terminal": ("TerminalProgress",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"mlexpert_nb.display.{module}"), name)
    raise AttributeError(f"module 'mlexpert_nb.display' has no attribute {name!r}")
