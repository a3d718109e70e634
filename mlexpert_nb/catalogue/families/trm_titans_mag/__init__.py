"""TRM x Titans-MAG: a Titans memory-as-gate backbone under a tiny recursive model with adaptive halting."""

from mlexpert_nb.catalogue.families.trm_titans_mag.entry import TRM_TITANS_MAG

__all__ = ["TRM_TITANS_MAG"]
