"""What a network may claim: reading claims, demands that leave names open, and what is checked in the end."""

import pytest

from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.verify import CLAIMS, JudgeSpec, without_names
from mlexpert_nb.verify.claims import PERMISSIONS, Claim, to_check

PADDING = "padding_invariant:ids:mask"


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("causal", Claim("causal")),
        ("causal:pixels", Claim("causal", ("pixels",))),
        (PADDING, Claim("padding_invariant", ("ids", "mask"))),
        ("frozen", Claim("frozen")),
    ],
)
def test_a_claim_is_a_kind_and_the_inputs_that_it_names(text, claim):
    assert Claim.parse(text) == claim


def test_every_claim_that_is_explained_can_be_read():
    assert [Claim.parse(pattern).kind for pattern in CLAIMS] == [pattern.split(":")[0] for pattern in CLAIMS]
    assert {Claim.parse(each).names for each in PERMISSIONS} == {()}


def test_an_unknown_claim_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="no claim named 'causl'; did you mean 'causal'"):
        JudgeSpec("k", claims=("causl:x",))


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("padding_invariant:ids", "write padding_invariant:NAME:MASK"),
        ("permutation_invariant", "write permutation_invariant:NAME"),
        ("permutation_invariant:", "write permutation_invariant:NAME"),
        ("causal:a:b", "write causal or causal:NAME"),
        ("frozen:x", "write frozen"),
    ],
)
def test_a_claim_with_too_many_or_too_few_names_is_refused(text, pattern):
    with pytest.raises(UsageError, match=f"the claim '{text}' cannot be read; {pattern}"):
        JudgeSpec("k", claims=(text,))


def test_a_demand_may_leave_the_names_to_whoever_writes_the_network():
    assert without_names(("causal", PADDING, "padding_invariant:a:b", "frozen")) == (
        "causal",
        "padding_invariant:*:*",
        "frozen",
    )


@pytest.mark.parametrize(
    ("demanded", "own", "checked"),
    [
        (None, ("batch_independent", "frozen"), ("batch_independent", "frozen")),
        ((), ("batch_independent",), ("batch_independent",)),
        (("batch_independent",), (), ("batch_independent",)),
        (("batch_independent",), (PADDING,), ("batch_independent", PADDING)),
        (("padding_invariant:*:*",), (PADDING,), (PADDING,)),
        (("frozen",), ("frozen",), ("frozen",)),
        ((), ("frozen", "whole_batch"), ()),
    ],
    ids=["own", "nothing-demanded", "not-claimed", "both", "open-names", "permitted", "not-permitted"],
)
def test_what_is_demanded_is_checked_and_what_is_claimed_beyond_it(demanded, own, checked):
    assert to_check(demanded, own) == checked


@pytest.mark.parametrize("own", [(), ("permutation_invariant:x",)])
def test_a_demand_with_open_names_must_be_filled_in(own):
    with pytest.raises(UsageError, match=r"'padding_invariant:\*:\*' is demanded; put the claim with the names"):
        to_check(("padding_invariant:*:*",), own)
