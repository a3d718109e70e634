"""The catalogue: networks that are written out, tested and explained. Its front door loads no torch."""

from mlexpert_nb.catalogue.cells import plain_cells
from mlexpert_nb.catalogue.entries import ENTRIES
from mlexpert_nb.catalogue.entry import Entry, Match
from mlexpert_nb.catalogue.facts import entry_facts
from mlexpert_nb.catalogue.option_reading import is_chosen, read_options, read_preset, told_facts
from mlexpert_nb.catalogue.search import find, without_titles
from mlexpert_nb.catalogue.starters import TEMPLATES, template_files
from mlexpert_nb.catalogue.timings import Timing, known_timings, measure_all
from mlexpert_nb.catalogue.trial import try_out
from mlexpert_nb.catalogue.unread import unread
from mlexpert_nb.catalogue.verified import Verified, verified

__all__ = [
    "ENTRIES",
    "TEMPLATES",
    "Entry",
    "Match",
    "Timing",
    "Verified",
    "entry_facts",
    "find",
    "is_chosen",
    "known_timings",
    "measure_all",
    "plain_cells",
    "read_options",
    "read_preset",
    "template_files",
    "told_facts",
    "try_out",
    "unread",
    "verified",
    "without_titles",
]
