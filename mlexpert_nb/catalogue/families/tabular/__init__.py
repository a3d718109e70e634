"""Networks for tables: FT-Transformer and ResNet."""

from mlexpert_nb.catalogue.families.tabular.entry import TABULAR

__all__ = ["TABULAR"]
