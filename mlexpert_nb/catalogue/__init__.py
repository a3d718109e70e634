"""The catalogue: networks that are written out, tested and explained. Its front door loads no torch."""

from mlexpert_nb.catalogue.cells import plain_cells
from mlexpert_nb.catalogue.entry import Entry, Match
from mlexpert_nb.catalogue.search import ENTRIES, find

__all__ = ["ENTRIES", "Entry", "Match", "find", "plain_cells"]
