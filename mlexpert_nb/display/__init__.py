"""Results and progress for people: text, HTML, the cells bundle, notebook files; decides nothing.

Inside: `card.py` (what a card says), `card_text.py` and `card_html.py` (how), `reports.py`, `environment.py`,
`catalogue.py` and `drift_card.py` (other cards); `progress.py` (a run under way: `live.py` a widget, `terminal.py`,
`interrupt.py`: Stop), `ask.py` (approval), `question_form.py` (questions), `dashboard.py` (a model, live); `cells.py`
(the payload), `insertion.py` and `undo.py` (where cells go, and the way back: decisions that the extension shares);
`notebook_*.py` (files: cells, bytes, runs, records, drift), `headless.py` (their kernel). Loaded piece by piece: the
command line starts without a notebook's machinery.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlexpert_nb.display.ask import TerminalAsk, ask_hidden, with_refusal
    from mlexpert_nb.display.card import Card, result_card
    from mlexpert_nb.display.card_html import render_bundle, render_html
    from mlexpert_nb.display.card_text import render_text
    from mlexpert_nb.display.catalogue import catalogue_bundle, catalogue_card
    from mlexpert_nb.display.cells import About, carry_bundle, cells_bundle, result_bundle, undo_bundle
    from mlexpert_nb.display.dashboard import show_dashboard
    from mlexpert_nb.display.drift_card import Compared, carried_card, diff_card
    from mlexpert_nb.display.environment import config_card, doctor_card
    from mlexpert_nb.display.front_end import inserts_cells, name_of_front_end, notebook_path, only_shows_cells
    from mlexpert_nb.display.network_cards import benchmark_card, examination_card, started_card, tests_card
    from mlexpert_nb.display.notebook_ask import NotebookAsk
    from mlexpert_nb.display.notebook_drift import Carried, NotebookSide, carried_cells, put_cells, read_side
    from mlexpert_nb.display.notebook_file import NotebookRun, run_notebook
    from mlexpert_nb.display.notebook_record import go_back, way_back
    from mlexpert_nb.display.preview import preview_card
    from mlexpert_nb.display.progress import NotebookProgress
    from mlexpert_nb.display.question_form import question_bundle
    from mlexpert_nb.display.reports import (
        history_card,
        interrupted_card,
        notebook_undone_card,
        stopped_card,
        undone_card,
        verification_card,
    )
    from mlexpert_nb.display.terminal import TerminalProgress

__all__ = [
    "About",
    "Card",
    "Carried",
    "Compared",
    "NotebookAsk",
    "NotebookProgress",
    "NotebookRun",
    "NotebookSide",
    "TerminalAsk",
    "TerminalProgress",
    "ask_hidden",
    "benchmark_card",
    "carried_card",
    "carried_cells",
    "carry_bundle",
    "catalogue_bundle",
    "catalogue_card",
    "cells_bundle",
    "config_card",
    "diff_card",
    "doctor_card",
    "examination_card",
    "go_back",
    "history_card",
    "inserts_cells",
    "interrupted_card",
    "name_of_front_end",
    "notebook_path",
    "notebook_undone_card",
    "only_shows_cells",
    "preview_card",
    "put_cells",
    "question_bundle",
    "read_side",
    "render_bundle",
    "render_html",
    "render_text",
    "result_bundle",
    "result_card",
    "run_notebook",
    "show_dashboard",
    "started_card",
    "stopped_card",
    "tests_card",
    "undo_bundle",
    "undone_card",
    "verification_card",
    "way_back",
    "with_refusal",
]

_HOMES = {
    "ask": ("TerminalAsk", "ask_hidden", "with_refusal"),
    "card": ("Card", "result_card"),
    "card_html": ("render_bundle", "render_html"),
    "card_text": ("render_text",),
    "catalogue": ("catalogue_bundle", "catalogue_card"),
    "cells": ("About", "carry_bundle", "cells_bundle", "result_bundle", "undo_bundle"),
    "environment": ("config_card", "doctor_card"),
    "front_end": ("inserts_cells", "name_of_front_end", "notebook_path", "only_shows_cells"),
    "dashboard": ("show_dashboard",),
    "drift_card": ("Compared", "carried_card", "diff_card"),
    "network_cards": ("benchmark_card", "examination_card", "started_card", "tests_card"),
    "notebook_ask": ("NotebookAsk",),
    "notebook_drift": ("Carried", "NotebookSide", "carried_cells", "put_cells", "read_side"),
    "notebook_file": ("NotebookRun", "run_notebook"),
    "notebook_record": ("go_back", "way_back"),
    "preview": ("preview_card",),
    "progress": ("NotebookProgress",),
    "question_form": ("question_bundle",),
    "reports": (
        "history_card",
        "interrupted_card",
        "notebook_undone_card",
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
