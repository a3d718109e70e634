"""What a network may claim about itself: each property has a name, and the judge checks those that are claimed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlexpert_nb.errors import UnknownNameError, UsageError

CLAIMS: Mapping[str, str] = {  # NAME and MASK stand for inputs of the network; a demand may leave them open with *
    "batch_independent": "in evaluation mode an example does not see the other examples of its batch",
    "causal": "it reads token ids (B, T), gives logits (B, T, V), and no token sees the tokens after it",
    "causal:NAME": "outputs before position t do not depend on the input NAME from position t on",
    "frozen": "some parameters are not trained, on purpose",
    "node_equivariant": "with the nodes in x and edge_index in another order, the outputs are in that order",
    "padding_invariant:NAME:MASK": "positions of the input NAME at which MASK is False do not move the other outputs",
    "permutation_equivariant:NAME": "with dim 1 of the input NAME in another order, the outputs are in that order",
    "permutation_invariant:NAME": "the order along dim 1 of the input NAME does not move the outputs",
    "whole_batch": "its loss compares the examples of a batch, so that it is trained on at least four",
}
PERMISSIONS = frozenset({"frozen", "whole_batch"})  # they loosen a check; a delivery cannot grant them to itself
ANY = "*"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: its kind, and the inputs that it names."""

    kind: str
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Claim":
        """Read a claim such as `causal:pixels`.

        Raises:
            UnknownNameError: There is no such kind of claim.
            UsageError: It names too many inputs, or too few.
        """
        kind, *names = text.split(":")
        patterns = [pattern for pattern in CLAIMS if pattern.split(":")[0] == kind]
        if not patterns:
            raise UnknownNameError.among("claim", kind, {pattern.split(":")[0] for pattern in CLAIMS})
        if not all(names) or len(names) not in {pattern.count(":") for pattern in patterns}:
            raise UsageError(f"the claim {text!r} cannot be read; write {' or '.join(patterns)}")
        return cls(kind, tuple(names))

    def answers(self, demanded: "Claim") -> bool:
        """Tell whether it is what was demanded; `*` stands for any name."""
        same_shape = self.kind == demanded.kind and len(self.names) == len(demanded.names)
        return same_shape and all(
            theirs in (ANY, ours) for ours, theirs in zip(self.names, demanded.names, strict=True)
        )


def without_names(claims: Iterable[str]) -> tuple[str, ...]:
    """Give demands that leave the names of the inputs to whoever writes the network."""
    parsed = [Claim.parse(each) for each in claims]
    return tuple(dict.fromkeys(":".join([each.kind, *(ANY for _ in each.names)]) for each in parsed))


def to_check(demanded: tuple[str, ...] | None, own: tuple[str, ...]) -> tuple[str, ...]:
    """Give the claims that are checked: what was demanded, and what the delivery claims beyond that.

    Args:
        demanded: What the request demands; None if it demands nothing.
        own: What the delivery claims.

    Raises:
        UsageError: A claim cannot be read, or a demand leaves a name open and the delivery does not fill it in.
    """
    claimed = {each: Claim.parse(each) for each in own}
    if demanded is None:
        return tuple(claimed)
    named = []
    for each in demanded:
        wanted = Claim.parse(each)
        found = [text for text, claim in claimed.items() if claim.answers(wanted)]
        if ANY in wanted.names and not found:
            raise UsageError(f"{each!r} is demanded; put the claim with the names of its inputs into functional.CLAIMS")
        named += found if ANY in wanted.names else [each]
    return tuple(dict.fromkeys((*named, *(each for each in claimed if each not in PERMISSIONS))))
