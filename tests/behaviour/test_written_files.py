"""The files that `add_tests` writes: they run by themselves, pass on a sound network, and fail where a defect is."""

from pathlib import Path

import pytest
import torch
from torch import nn

from mlexpert_nb import add_tests
from mlexpert_nb.errors import ConflictError, UnknownNameError, UsageError
from mlexpert_nb.verify.behaviour.slots import Slot

DELIVERED = Path(__file__).parents[2] / "mlexpert_nb" / "verify" / "behaviour" / "delivered" / "behaviour_tests.py"


SOUND = [
    *(("first_clean", name, "MODULES") for name in ("GRUTagger", "MixtureDensity")),
    ("second_clean", "TinyGPT", "MODULES"),
    *(("third", name, "CLEAN") for name in ("bool_mask", "complex", "lazy", "graph", "translator", "nested")),
]
BROKEN = {  # network: tests that must fail, and no other
    ("first_broken", "CausalConvLM", "MODULES"): "test_a_position_does_not_see_those_after_it",
    ("first_broken", "MeanPooledEncoder", "MODULES"): "test_what_the_mask_leaves_out_does_not_count",
    ("second_broken", "RandomProjection", "MODULES"): "test_saved_and_loaded_it_gives_the_same",
    ("second_broken", "InPlaceNormaliser", "MODULES"): "test_forward_does_not_write_into_its_inputs",
}


def test_files_pass_on_sound_networks_and_fail_where_a_defect_is(seen, networks, run_files, tmp_path):
    third = {("third", name, "BROKEN"): row[3][1] for name, row in networks("third", "BROKEN").items()}
    broken = {**BROKEN, **third}
    texts = {"_".join(key): seen(*key).done.text for key in (*SOUND, *broken)}
    layers = _layers_of_torch(tmp_path)
    failed = run_files(tmp_path, {**texts, "layers": layers, "delivered": DELIVERED.read_text()})
    assert {name: tests for name, tests in failed.items() if tests} == {
        "_".join(key): {test} for key, test in broken.items()
    }


def _layers_of_torch(tmp_path):
    """Give the file of layers that are written as the call that makes them."""
    network = nn.Sequential(nn.Conv1d(3, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    network(torch.randn(2, 3, 8))
    done = add_tests(network, torch.randn(2, 3, 8), path=tmp_path / "layers" / "test_it.py")
    assert done.defects == ()
    assert "return nn.Sequential(nn.Conv1d(3, 4," in done.text
    return done.text


@pytest.mark.parametrize(
    "slot",
    [
        Slot("x", "float", ("B", "T", 3)),
        Slot("x", "ids", ("B", "T"), 0, 9, "int64"),
        Slot("m", "mask", ("B", "T"), dtype="bool"),
        Slot("m", "mask", ("B", "T"), dtype="float32", inverted=False),
        Slot("m", "mask", ("B", "T"), dtype="bool", inverted=True),
        Slot("n", "lengths", ("B",), dtype="int64"),
        Slot("t", "unit", ("B",)),
        Slot("r", "range", ("B", 2), 0.5, 2.0, "float64"),
        Slot("m", "mask", ("B", 4), dtype="int64"),
        Slot("e", "edges", (2, "E"), dtype="int64"),
        Slot("w", "float", ("E", 2)),
        Slot("z", "zeros", ("T", "T"), dtype="bool"),
    ],
    ids=str,
)
def test_the_code_of_an_input_draws_what_the_examination_drew(slot):
    drawn = slot.draw(4, 5, torch.Generator().manual_seed(3))
    kept = torch.arange(5) < (5 - torch.arange(4) % 3)[:, None]
    known = {
        "torch": torch,
        "batch": 4,
        "whole": False,
        "LENGTH": 5,
        "kept": kept,
        "generator": torch.Generator().manual_seed(3),
    }
    again = eval(slot.code(), known)  # noqa: S307 - the code is what is tested
    assert torch.equal(drawn, again)
    assert drawn.dtype == again.dtype


def test_a_file_that_is_there_is_kept(tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text("mine\n")
    with pytest.raises(ConflictError, match="give another path, or remove it"):
        add_tests(nn.Linear(3, 2), path=path)
    assert path.read_text() == "mine\n"


def test_writing_the_same_again_is_no_conflict(tmp_path):
    first = add_tests(nn.Linear(3, 2), path=tmp_path / "test_it.py")
    assert add_tests(nn.Linear(3, 2), path=first.path).text == first.text


def test_a_claim_is_held_to(tmp_path):
    network = nn.Sequential(nn.Conv1d(3, 3, 3, padding=1))
    assert add_tests(network, path=tmp_path / "test_a.py").defects == ()
    done = add_tests(network, path=tmp_path / "test_b.py", claims=("causal",))
    assert [each.name for each in done.defects] == ["causality:input"]


def test_what_cannot_be_used_is_told_in_one_line(tmp_path):
    class Strange(nn.Module):
        def forward(self, x):
            raise RuntimeError(f"never {x}")

    with pytest.raises(UsageError, match="pass example_inputs: a tensor, a tuple of tensors, or a dict"):
        add_tests(Strange(), path=tmp_path / "test_it.py")
    with pytest.raises(UsageError, match=r"does not run on example_inputs: .*; give others"):
        add_tests(nn.Linear(3, 2), torch.randn(2, 4), path=tmp_path / "test_it.py")
    with pytest.raises(UsageError, match="give tensors only"):
        add_tests(nn.Linear(3, 2), ["x"], path=tmp_path / "test_it.py")
    with pytest.raises(UsageError, match="holds no tensor"):
        add_tests(nn.Linear(3, 2), (), path=tmp_path / "test_it.py")
    with pytest.raises(UsageError, match=r"is not a torch\.nn\.Module; pass the network itself"):
        add_tests(object(), path=tmp_path / "test_it.py")
    with pytest.raises(UsageError, match="the claim 'causal' cannot be measured"):
        add_tests(nn.Linear(3, 2), path=tmp_path / "test_it.py", claims=("causal",))
    with pytest.raises(UnknownNameError, match="did you mean 'causal'"):
        add_tests(nn.Linear(3, 2), path=tmp_path / "test_it.py", claims=("casual",))
    assert list(tmp_path.iterdir()) == []
