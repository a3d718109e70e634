"""`init`, `test`, `profile` and `validate` on the command line, in a notebook, and as functions and scripts."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from mlexpert_nb import benchmark_model, create_model_skeleton
from mlexpert_nb.agent.tools import TOOLS
from mlexpert_nb.cli import main
from mlexpert_nb.display import benchmark_card
from mlexpert_nb.errors import ConflictError, UnknownNameError, UsageError
from mlexpert_nb.verify import Benchmark, Examination
from mlexpert_nb.verify.behaviour.__main__ import main as answer
from mlexpert_nb.verify.behaviour.target import load_target
from mlexpert_nb.workspace import Workspace

NETS = """
import torch
from torch import nn


class Good(nn.Module):
    def __init__(self, width: int = 5):
        super().__init__()
        self.layer = nn.Linear(width, 2)

    def forward(self, x):
        return self.layer(x)


class Noisy(Good):
    def forward(self, x):
        return torch.dropout(self.layer(x), 0.5, True)
"""
CELL = """
class Here(nn.Module):
    def __init__(self, d=4):
        super().__init__()
        self.l = nn.Linear(d, 2)

    def forward(self, x):
        return self.l(x)

net, number = Here(6), 3
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path


def pytest_in(folder):
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, env=env)
    return done.returncode, done.stdout


def test_what_init_writes_passes_its_own_tests(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for template in ("model", "trainer", "config"):
        assert main(["init", f"my-{template}", "here", "--template", template, "--json"]) == 0
        files = json.loads(capsys.readouterr().out)["files"]
        assert files == [f"my_{template}.py", f"tests/test_my_{template}.py"]
        assert f"class My{template.title()}" in (tmp_path / "here" / f"my_{template}.py").read_text()
    code, said = pytest_in(tmp_path / "here")
    assert code == 0, said


def test_the_model_trained_by_the_trainer_reads_digits(tmp_path, monkeypatch):
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import, and one test needs it

    monkeypatch.chdir(tmp_path)
    for template in ("model", "trainer"):
        assert main(["init", f"digits_{template}", ".", "--template", template]) == 0
    monkeypatch.syspath_prepend(tmp_path)
    import digits_model  # noqa: PLC0415 - it was written just now
    import digits_trainer  # noqa: PLC0415 - it was written just now

    data = load_digits()
    rows = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))
    x_BF, labels_B = torch.tensor(data.data / 16, dtype=torch.float32)[rows], torch.tensor(data.target)[rows]
    model = digits_model.build()
    config = digits_trainer.TrainConfig(num_epochs=15)
    trainer = digits_trainer.DigitsTrainer(model, lambda m, b: nn.functional.cross_entropy(m(b[0]), b[1]), config)
    trainer.fit((x_BF[:1200], labels_B[:1200]), (x_BF[1200:1500], labels_B[1200:1500]))
    correct = (model.eval()(x_BF[1500:]).argmax(1) == labels_B[1500:]).float().mean().item()
    assert correct > 0.95


def test_init_overwrites_nothing(tmp_path):
    (tmp_path / "mine.py").write_text("mine\n")
    assert main(["init", "mine", str(tmp_path)]) == 3
    assert [each.name for each in tmp_path.iterdir()] == ["mine.py"]
    assert (tmp_path / "mine.py").read_text() == "mine\n"


def test_an_entry_of_the_catalogue_is_written_in_the_size_that_was_asked(tmp_path):
    done = create_model_skeleton("trm-titans-mag", tmp_path / "here", "1M")
    assert abs(done.num_parameters - 1_000_000) <= 20_000
    assert "src/model/__init__.py" in done.files
    assert (tmp_path / "here" / "tests").is_dir()
    with pytest.raises(ConflictError, match="existed before the run"):
        create_model_skeleton("trm-titans-mag", tmp_path / "here", "2M")


def test_what_init_cannot_do_is_told(tmp_path, capsys):
    with pytest.raises(UnknownNameError, match="no catalogue entry named 'nope'"):
        create_model_skeleton("nope", tmp_path)
    with pytest.raises(UsageError, match="wide"):
        create_model_skeleton("trm-titans-mag", tmp_path, wide=3)
    for words, said in (
        (["init"], "init what? type: init NAME [DIR]"),
        (["init", "a", "b", "c"], "'c' is one argument too many"),
        (["init", "a", "--template", "modle"], "did you mean 'model'?"),
        (["init", "a", "--params", "3M"], "has no size to aim at"),
        (["init", "3d!", str(tmp_path)], "cannot name a Python module"),
        (["init", "class", str(tmp_path)], "'class' is a word of Python's own; give another name"),
        (["init", "json", str(tmp_path)], "'json' would hide the module json; give another name"),
        (["init", "mine", __file__], "is a file; name a folder: init NAME DIR"),
    ):
        assert main(words) == 2
        assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_tests_that_are_there_are_kept_and_run(nets, capsys):
    (nets / "tests").mkdir()
    (nets / "tests" / "test_nets_good_behaviour.py").write_text("def test_of_mine():\n    pass\n")
    assert main(["test", "nets.py:Good", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passed"]
    assert told["kept"]
    assert told["ran"][0]["said"].startswith("1 passed")
    assert [each.name for each in (nets / "tests").iterdir()] == ["test_nets_good_behaviour.py"]


def test_a_file_in_which_no_network_can_be_chosen_is_refused(nets):
    (nets / "nothing.py").write_text("")
    for name, chosen, said in (
        ("nets", "", "nets.py has Good, Noisy; name one: nets.py:CLASS"),
        ("nets", "Goof", "nets.py has no 'Goof'; it has Good, Noisy"),
        ("nothing", "", r"nothing.py has no torch.nn.Module; write a class of one"),
    ):
        with pytest.raises(UsageError, match=said):
            load_target(nets / f"{name}.py", chosen)


def test_what_cannot_be_tested_is_told_in_one_line(nets, capsys):
    (nets / "folder").mkdir()
    for words, said in (
        (["nowhere.py"], "name FILE.py, FILE.py:CLASS, or a workspace"),
        (["folder"], "folder has no src/model/__init__.py; name a Python file, or a folder with src/model"),
        (["nets.py:Good", "--inputs", "x"], "--inputs names a variable of a notebook"),
    ):
        assert main(["validate", *words]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "claims", "said"),
    [
        ("raises", [], "ValueError: first second"),
        ("nets", ["casual"], "no claim named 'casual'; did you mean 'causal'?"),
    ],
)
def test_the_child_says_what_went_wrong_in_one_line(nets, monkeypatch, name, claims, said):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (nets / "raises.py").write_text("raise ValueError('first\\nsecond')\n")
    asked = {"path": str(nets / f"{name}.py"), "name": "", "want": "behaviour", "claims": claims, "folder": ""}
    asked["name"] = "Good" if claims else ""
    (nets / "question.json").write_text(json.dumps(asked))
    assert answer([str(nets)]) == 0
    assert json.loads((nets / "answer.json").read_text()) == {"error": said}


def test_a_file_that_ends_the_process_is_told(nets, capsys):
    (nets / "ends.py").write_text("import os\nos._exit(3)\n")
    assert main(["profile", "ends.py"]) == 5
    assert "ended with exit code 3" in capsys.readouterr().err


def test_profile_measures_and_holds_to_a_limit(nets, capsys):
    assert main(["profile", "nets.py:Good", "--latency", "0.001ms", "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["num_parameters"] == 12
    assert told["flops"] == 20
    found = Benchmark.from_json(told)
    assert found.rows[0] == ("Parameters", "12")
    assert "slower than was asked" in benchmark_card(found).headline


def test_validate_of_a_workspace_checks_the_formula_the_configuration_and_the_behaviour(tmp_path, capsys):
    create_model_skeleton("llama-decoder", tmp_path, "300k")
    capsys.readouterr()
    code = main(["validate", str(tmp_path), "--json"])
    found = Examination.from_json(json.loads(capsys.readouterr().out))
    names = {each.name for each in found.behaviours if each.holds}
    assert {"config_round_trip", "judge:parameter_count", "judge:state_dict", "batch_independence"} <= names
    assert [f"{each.name}: {each.measured}" for each in found.defects] == []
    assert code == 0


def test_a_script_is_the_command_of_its_name_and_tests_each_class_in_a_file_of_its_own(nets):
    (nets / "tests").mkdir()
    (nets / "tests" / "test_nets_good_behaviour.py").write_text("def test_of_another_class():\n    pass\n")
    argv = [sys.executable, "-m", "mlexpert_nb.scripts.test_model", "nets.py:Noisy"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=nets)
    assert done.returncode == 4, done.stderr
    assert "1 defect in Noisy" in done.stdout
    assert "switch noise off in evaluation mode" in done.stdout
    assert "test_evaluation_mode_draws_no_random" in done.stdout
    assert "from nets import Noisy" in (nets / "tests" / "test_nets_noisy_behaviour.py").read_text()


def test_figures_of_a_live_network():
    network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    found = benchmark_model(network, torch.randn(32, 8), target_ms=1000)
    assert found.passed
    assert found.num_parameters == sum(each.num_parameters for each in found.parts) == 212
    assert found.flops == 2 * 32 * (8 * 16 + 16 * 4)
    assert found.inference_bytes == 4 * 212
    assert found.training_bytes == 4 * 4 * 212 + 4 * 32 * (8 + 16)
    assert found.forward_ms[0] <= found.forward_ms[1]
    assert found.training_ms[0] > 0
    assert not benchmark_model(network, target_ms=1e-6).passed


def test_in_a_notebook_a_variable_is_tested(shell, tmp_path, capsys):
    shell.run_cell("import torch; from torch import nn; x = torch.ones(3)  # forward has an x of its own")
    shell.run_cell(CELL)
    capsys.readouterr()
    shell.run_line_magic("mlexpert", "test net --json")
    told = json.loads(capsys.readouterr().out)
    assert told["passed"]
    assert told["to_do"] == ""
    code, said = pytest_in(tmp_path)
    assert code == 0, said
    shell.run_line_magic("mlexpert", "profile net --json")
    assert json.loads(capsys.readouterr().out)["num_parameters"] == 14
    with pytest.raises(UsageError, match="number is a int, not a"):
        shell.run_line_magic("mlexpert", "validate number")


def test_the_agent_writes_behaviour_tests_of_the_network_in_the_workspace(tmp_path):
    (tmp_path / "src" / "model").mkdir(parents=True)
    (tmp_path / "src" / "model" / "__init__.py").write_text(f"{NETS}\n\ndef build_model():\n    return Noisy()\n")
    with Workspace.open(tmp_path).stage() as stage:
        told = TOOLS["add_tests"].call(stage, {"entry": "", "configuration": {}})
        written = stage.read("tests/test_model_behaviour.py")
    assert "wrote tests/test_model_behaviour.py" in told
    assert "defect determinism: " in told
    assert "from model import build_model" in written
