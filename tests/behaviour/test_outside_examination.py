"""What an examination from outside found wrong with `add_tests`, held to what it must do."""

import sys
from collections import namedtuple

import pytest
import torch
from torch import nn

from mlexpert_nb.api import check_module
from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify import Examination
from mlexpert_nb.verify.behaviour.confirm import confirmed
from mlexpert_nb.verify.behaviour.masks import meaning
from mlexpert_nb.verify.behaviour.rebuild import LARGEST, recipe_for
from mlexpert_nb.verify.behaviour.slots import Reading
from mlexpert_nb.verify.behaviour.subject import Subject
from mlexpert_nb.verify.behaviour.suite import Suite
from mlexpert_nb.verify.behaviour.written import Known, write_suite

CLEAN = ("bool_mask", "int_mask", "float_mask", "complex", "lazy", "graph", "translator", "table", "nested")
BROKEN = ("mask", "buffer", "places", "cut", "state", "constant")


@pytest.fixture
def third(networks):
    """Give the module of the networks that were examined from outside."""
    return sys.modules[networks("third", "MaskedMean").__module__]


class Table(nn.Module):
    """A table that is too large to be built again and again."""

    def __init__(self, rows: int = LARGEST, dim: int = 2) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, dim)

    def forward(self, ids):
        """Look up."""
        return self.table(ids)


class Untold(nn.Module):
    """It takes a mask."""


class Told(nn.Module):
    """The mean of what is there; True for padding, and for nothing else."""


def test_the_lists_name_every_network(third):
    assert (tuple(third.CLEAN), tuple(third.BROKEN)) == (CLEAN, BROKEN)


def behaviour(done, name):
    return next(each for each in done.behaviours if each.name == name)


@pytest.mark.parametrize("name", CLEAN)
def test_a_sound_network_has_no_defect(seen, name):
    done = seen("third", name, "CLEAN").done
    assert [f"{each.name}: {each.measured}" for each in done.defects] == []
    assert done.to_do == ""


@pytest.mark.parametrize("name", BROKEN)
def test_a_planted_defect_is_found_and_nothing_else(seen, third, name):
    done = seen("third", name, "BROKEN").done
    assert [each.name for each in done.defects] == [third.BROKEN[name][3][0]]
    assert done.defects[0].fix


@pytest.mark.parametrize("name", ["bool_mask", "int_mask", "float_mask"])
def test_a_mask_of_any_kind_of_number_is_one(seen, name):
    done = seen("third", name, "CLEAN").done
    assert behaviour(done, "padding_invariance:x:mask").holds
    assert "mask, something there where it is true" in done.examination.inputs[1]


def test_what_is_claimed_is_measured(seen):
    translator = seen("third", "translator", "CLEAN").done
    assert behaviour(translator, "causality:tgt").must
    assert behaviour(translator, "padding_invariance:src:valid").holds
    assert behaviour(seen("third", "graph", "CLEAN").done, "node_equivariance").must


def test_a_mask_of_which_nobody_says_what_true_means_is_undecided(third):
    done = check_module(third.OffByOneMask())
    found = behaviour(done, "padding_invariance:tokens:mask")
    assert found.holds is None
    assert found.measured.startswith("undecided: ")


@pytest.mark.parametrize(
    ("module", "name", "claimed", "rows", "expected"),
    [
        (Untold(), "mask", False, None, (False, False)),
        (Untold(), "mask", True, None, (False, True)),
        (Untold(), "key_padding_mask", False, None, (True, True)),
        (Untold(), "key_padding_mask", True, None, (True, False)),
        (Untold(), "attention_mask", False, None, (False, True)),
        (Untold(), "mask", False, [[1, 1, 1], [1, 0, 0]], (False, True)),
        (Untold(), "mask", False, [[0, 0, 0], [1, 1, 0]], (True, True)),
        (Untold(), "mask", False, [[0, 0, 1], [0, 1, 1]], (True, True)),
        (Untold(), "valid", False, [[0, 0, 1], [0, 1, 1]], (False, False)),
        (Told(), "mask", False, None, (True, True)),
    ],
)
def test_what_true_means_in_a_mask_is_read_off_what_is_said_of_it(module, name, claimed, rows, expected):
    example = None if rows is None else torch.tensor(rows)
    assert meaning(module, name, claimed=claimed, example=example) == expected


@pytest.mark.parametrize("claim", ["node_equivariant", "padding_invariant:input:mask", "permutation_invariant:input"])
def test_a_claim_that_cannot_be_measured_is_refused(claim):
    with pytest.raises(UsageError, match=f"the claim '{claim}' cannot be measured: .*take it out, or give other"):
        check_module(nn.Linear(3, 2), claims=[claim])


def test_a_claim_of_invariance_is_not_answered_with_equivariance():
    pool = nn.Conv1d(3, 3, 1)
    done = check_module(pool, torch.randn(2, 3, 8), claims=["permutation_invariant:input"])
    assert [each.name for each in done.defects] == ["permutation_invariance:input"]


def test_lazy_layers_without_an_example_are_refused(third):
    with pytest.raises(UsageError, match="has lazy layers without sizes; pass example_inputs"):
        check_module(third.LazyClassifier())
    with pytest.raises(UsageError, match=r"LazyClassifier does not run on example_inputs: .*; give others"):
        check_module(third.LazyClassifier(), torch.randn(4))


def test_a_network_without_forward_is_refused():
    class Empty(nn.Module):
        pass

    with pytest.raises(UsageError, match="Empty has no forward; write one"):
        check_module(Empty())


def test_an_argument_that_is_no_tensor_and_no_plain_container_is_refused(third):
    pair = namedtuple("Pair", "left right")  # noqa: PYI024 - a plain one is enough
    with pytest.raises(UsageError, match="pair is a Pair, not a tensor; give tensors only"):
        check_module(third.PairedTowers(), {"pair": pair(torch.randn(4, 5), torch.zeros(4).long()), "more": {}})


def test_a_large_network_is_told_by_its_shapes():
    with torch.device("meta"):
        module = Table(LARGEST + 3)
    assert recipe_for(Subject(module, Reading(()), (), torch.float32), module).call == f"Table(rows={LARGEST + 3})"


def test_a_test_that_fails_for_a_network_built_anew_is_a_defect():
    text = "def test_a():\n    assert 1 == 2, 'two nets'\n\n\ndef test_b():\n    pass\n"
    found = confirmed(Examination("Net", (), (), 0, ()), Suite(text, ("test_a", "test_b")))
    assert [each.name for each in found.defects] == ["rebuilt:test_a"]
    assert "fails for one that build() makes: AssertionError: two nets" in found.defects[0].measured


def test_what_is_measured_is_told_and_torch_prints_nothing(capfd):
    class Branching(nn.Linear):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else super().forward(2 * x)

    told = []
    found, _ = write_suite(Branching(3, 2), known=Known(tell=told.append))
    assert {"what it reads", "gradients", "export", "the tests that were written"} <= set(told)
    assert next(each for each in found.behaviours if each.name == "export").holds is False
    assert capfd.readouterr() == ("", "")
