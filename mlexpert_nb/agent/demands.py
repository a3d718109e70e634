"""What the judge is to demand of a network, told from what was asked for and not from what was written."""

from mlexpert_nb import catalogue
from mlexpert_nb.packages import ContextPackage
from mlexpert_nb.verify import without_names

_NEW = frozenset({"implement", "paper"})  # commands after which there is a network that was not there before


def demanded_claims(context: ContextPackage, entry: str = "") -> tuple[str, ...] | None:
    """Give the claims that a delivery must satisfy; None if the request tells of none.

    Args:
        context: The request. Where it names a network of the catalogue, whoever writes that network must give it the
            same properties, and may call its inputs as they like.
        entry: Entry of the catalogue that the delivery was written out from; its claims are demanded to the letter.
    """
    if entry in catalogue.ENTRIES:
        return catalogue.ENTRIES[entry].claims
    if context.evidence.get("detection", {}).get("verb", "implement") not in _NEW:
        return None
    match = catalogue.find(context.task, context.requirements.features)
    return without_names(match.entry.claims) if match.entry else None
