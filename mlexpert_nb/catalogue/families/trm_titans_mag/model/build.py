"""TRM x Titans-MAG: a Titans memory-as-gate backbone under a tiny recursive model with adaptive halting.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.trm_titans_mag.model.config import (
    ModelConfig,
    count_parameters,
    parameter_table,
    state_bytes,
)
from mlexpert_nb.catalogue.families.trm_titans_mag.model.full_model import TRMTitansMAG, build_model

__all__ = ["ModelConfig", "TRMTitansMAG", "build_model", "count_parameters", "parameter_table", "state_bytes"]
