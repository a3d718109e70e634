"""`%mlexpert` and `%%mlexpert`: the front door in a notebook."""

from mlexpert_nb.magics.front import listen
from mlexpert_nb.magics.mlexpert import MLExpertMagics, register

__all__ = ["MLExpertMagics", "listen", "register"]
