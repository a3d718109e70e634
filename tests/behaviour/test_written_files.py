"""The files that `add_tests` writes: they run by themselves, pass on a sound network, and fail where a defect is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from mlexpert_nb import add_tests
from mlexpert_nb.errors import ConflictError, UnknownNameError, UsageError
from mlexpert_nb.verify.behaviour.slots import Slot

DELIVERED = Path(__file__).parents[2] / "mlexpert_nb" / "verify" / "behaviour" / "delivered" / "behaviour_tests.py"


def run(path, *more):
    """Run a test file as a user does, warnings being errors; give what pytest said."""
    argv = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-q",
        "--color=no",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
    ]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*argv, "-rf", *more, path], cwd=path.parent, capture_output=True, text=True, check=False, env=env
    )
    return done.returncode, done.stdout


def failed(said):
    return {line.split("::")[1].split("[")[0].split()[0] for line in said.splitlines() if line.startswith("FAILED")}


@pytest.mark.parametrize(
    ("file", "name"), [("first_clean", "GRUTagger"), ("first_clean", "MixtureDensity"), ("second_clean", "TinyGPT")]
)
def test_the_file_of_a_sound_network_passes(networks, tmp_path, file, name):
    path = tmp_path / "test_it.py"
    done = add_tests(networks(file)[name](), path=path)
    code, said = run(path)
    assert code == 0, said
    assert "skipped" not in said
    assert all(f"def {name}(" in done.text for name in done.tests)


@pytest.mark.parametrize(
    ("file", "name", "test"),
    [
        ("first_broken", "CausalConvLM", "test_a_position_does_not_see_those_after_it"),
        ("first_broken", "MeanPooledEncoder", "test_what_the_mask_leaves_out_does_not_count"),
        ("second_broken", "RandomProjection", "test_saved_and_loaded_it_gives_the_same"),
        ("second_broken", "InPlaceNormaliser", "test_forward_does_not_write_into_its_inputs"),
    ],
)
def test_the_file_of_a_broken_network_fails_where_the_defect_is(networks, tmp_path, file, name, test):
    path = tmp_path / "test_it.py"
    add_tests(networks(file)[name][0](), path=path)
    code, said = run(path)
    assert code == 1
    assert failed(said) == {test}


def test_the_source_of_the_files_is_such_a_file_itself(tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text(DELIVERED.read_text())
    code, said = run(path)
    assert code == 0, said


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
        Slot("e", "edges", (2, "B"), dtype="int64"),
        Slot("z", "zeros", ("T", "T"), dtype="bool"),
    ],
    ids=str,
)
def test_the_code_of_an_input_draws_what_the_examination_drew(slot):
    drawn = slot.draw(4, 5, torch.Generator().manual_seed(3))
    kept = torch.arange(5) < (5 - torch.arange(4) % 3)[:, None]
    known = {"torch": torch, "batch": 4, "LENGTH": 5, "kept": kept, "generator": torch.Generator().manual_seed(3)}
    again = eval(slot.code(), known)  # noqa: S307 - the code is what is tested
    assert torch.equal(drawn, again)
    assert drawn.dtype == again.dtype


def test_layers_of_torch_are_written_as_the_call_that_makes_them(tmp_path):
    network = nn.Sequential(nn.Conv1d(3, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    network(torch.randn(2, 3, 8))
    done = add_tests(network, torch.randn(2, 3, 8), path=tmp_path / "test_it.py")
    assert done.defects == ()
    assert "return nn.Sequential(nn.Conv1d(3, 4," in done.text
    code, said = run(done.path)
    assert code == 0, said


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
        def forward(self, first, second):
            raise RuntimeError(f"never {first} {second}")

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
