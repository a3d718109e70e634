"""The specialist that needs no language model, no key and no network."""

from mlexpert_nb.agent.offline.specialist import OfflineSpecialist

__all__ = ["OfflineSpecialist"]
