"""What is demanded of a network follows from the request, whoever writes it."""

import pytest

from mlexpert_nb import catalogue
from mlexpert_nb.agent import demanded_claims
from mlexpert_nb.packages import ContextPackage, Requirements


def asked(task, verb="implement", features=()):
    return ContextPackage(task, Requirements(features=features), evidence={"detection": {"verb": verb}})


@pytest.mark.parametrize("name", catalogue.ENTRIES)
def test_what_an_entry_claims_is_demanded_of_what_is_written_out_from_it(name):
    assert demanded_claims(asked("something else"), name) == catalogue.ENTRIES[name].claims


@pytest.mark.parametrize("verb", ["implement", "paper"])
def test_work_by_hand_must_have_the_properties_of_the_network_that_was_asked_for(verb):
    assert demanded_claims(asked("Implement TRM with Titans-MAG memory", verb), "by-hand") == ("causal",)
    assert demanded_claims(asked("a language model", verb, ("long_term_memory", "trm"))) == ("causal",)


def test_a_request_that_names_no_network_demands_nothing():
    assert demanded_claims(asked("Implement this small GRU language model architecture")) is None


@pytest.mark.parametrize("verb", ["fix", "optimize"])
def test_nothing_new_is_demanded_of_code_that_was_there_before(verb):
    assert demanded_claims(asked("Make my TRM with Titans-MAG memory work", verb)) is None


def test_a_package_that_was_written_by_hand_is_a_request_for_something_new():
    assert demanded_claims(ContextPackage("Implement TRM with Titans-MAG memory")) == ("causal",)
