"""The command line as a user has it: real processes, exit codes, what goes to which stream."""

import json
import os
import signal
import subprocess
import sys

import pytest

from mlexpert_nb.packages import ResultPackage

OURS = "Implement the TRM × Titans-MAG architecture with 25M parameters"


def _lines(process):
    return process.stderr.strip().splitlines()


def test_help_is_for_standard_output(mlexpert):
    for words in ((), ("--help",), ("help",)):
        done = mlexpert(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "mlexpert COMMAND" in done.stdout
    assert "--max-turns N" in mlexpert("implement", "--help").stdout


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (("implmnt", "x"), 2, "no command named 'implmnt'; did you mean 'implement'?"),
        (("implement",), 2, "implement what?"),
        (("implement", OURS, "--params", "banana"), 2, "'banana' is not a number of parameters"),
        (("implement", OURS, "--vram", "-1GB"), 2, "'-1GB' is negative"),
        (("implement", OURS, "--nope"), 2, "no option of implement named '--nope'"),
        (("implement", OURS, "--llm", "claude"), 5, "no key for api.anthropic.com: set ANTHROPIC_API_KEY"),
        (("implement", OURS, "--paper", "missing.pdf"), 2, "missing.pdf"),
        (("verify", "W", "--receipt"), 2, "expected one argument"),
        (("catalogue", "nope"), 2, "no catalogue entry named 'nope'"),
        (("run", "nope.ipynb"), 2, "no notebook nope.ipynb"),
        (("approve", "W"), 2, "no plan waits in W"),
        (("diff",), 2, "diff which notebook? type: mlexpert diff NOTEBOOK.ipynb"),
        (("diff", "n.ipynb", "--workspace", "W", "--to", "cells"), 2, "no --to named 'cells'; known: files, notebook"),
        (("undo", "nope.ipynb"), 2, "no notebook nope.ipynb"),
    ],
)
def test_a_wrong_line_is_one_line_on_standard_error_and_writes_nothing(mlexpert, tmp_path, words, exit_code, message):
    done = mlexpert(*words)
    assert (done.returncode, done.stdout) == (exit_code, "")
    (line,) = _lines(done)
    assert line.startswith("mlexpert: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_json_is_one_result_package_and_nothing_else(mlexpert):
    done = mlexpert("request", "Plot the sales per region and test whether they differ", "--json")
    assert done.returncode == 3
    package = ResultPackage.from_json(json.loads(done.stdout))
    assert package.status == "escalated"


def test_nobody_to_ask_counts_as_no_and_names_the_options(mlexpert, tmp_path):
    done = mlexpert("implement", OURS, "--json", "--workspace", "W")
    assert done.returncode == 3
    package = ResultPackage.from_json(json.loads(done.stdout))
    assert package.status == "plan_ready"
    assert "--approve auto" in package.message
    assert "--approve plan" in package.message
    assert not (tmp_path / "W").exists()


def test_a_card_names_the_commands_of_a_shell(mlexpert):
    done = mlexpert("plan", OURS, "--workspace", "W")
    assert done.returncode == 3
    assert "The plan is ready; no code is written yet" in done.stdout
    assert "mlexpert approve --workspace W" in done.stdout
    assert "%mlexpert" not in done.stdout
    history = mlexpert("history", "W", "--json")
    assert len(json.loads(history.stdout)) == 1
    assert mlexpert("undo", "W").returncode == 0
    assert "No run has changed" in mlexpert("history", "W").stdout


def test_a_workspace_without_a_receipt_is_not_what_was_proven(mlexpert, tmp_path):
    (tmp_path / "W").mkdir()
    done = mlexpert("verify", "W")
    assert done.returncode == 4
    assert "Not what was proven" in done.stdout
    assert json.loads(mlexpert("verify", "W", "--json").stdout)["passed"] is False


def test_a_terminal_that_knows_no_ticks_is_not_an_error(mlexpert):
    done = mlexpert("verify", "W", env={"PYTHONIOENCODING": "latin-1"})
    assert done.returncode == 4
    assert done.stdout.startswith("? Not what was proven")


def test_json_is_whole_in_a_terminal_that_knows_no_ticks(mlexpert):
    asked = "Implement the TRM → Titans-MAG architecture"
    done = mlexpert("implement", asked, "--json", env={"PYTHONIOENCODING": "latin-1"})
    assert json.loads(done.stdout)["evidence"]["request"] == asked


def test_undo_by_force_takes_back_what_was_edited(mlexpert, tmp_path):
    mlexpert("plan", OURS, "--workspace", "W")
    (tmp_path / "W" / "mlexpert_plan.md").write_text("mine\n")
    done = mlexpert("undo", "W")
    assert (done.returncode, "undo with --force" in done.stderr) == (3, True)
    assert mlexpert("undo", "W", "--force").returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("reachable")
def test_a_closed_standard_output_is_not_an_error():
    line = f"{sys.executable} -m mlexpert_nb catalogue >&-"
    done = subprocess.run(["bash", "-c", line], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_away_is_not_an_error(mlexpert):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "mlexpert_nb", "catalogue"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


_BROKEN = "import mlexpert_nb.commands as c, sys\nc.answer = lambda *_: 1 / 0\n"
_SLOW = "import mlexpert_nb.commands as c, time\nc.answer = lambda *_: print('began', flush=True) or time.sleep(60)\n"
_MAIN = "from mlexpert_nb.cli import main\nimport sys\nsys.exit(main(['history']))"


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize(("debug", "lines"), [("", 1), ("1", 5)])
def test_a_bug_of_ours_is_one_line_unless_asked_for_more(debug, lines):
    env = {**os.environ, "MLEXPERT_DEBUG": debug}
    done = subprocess.run([sys.executable, "-c", _BROKEN + _MAIN], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(_lines(done)) >= lines
    assert ("Traceback" in done.stderr) == bool(debug)
    if not debug:
        (line,) = _lines(done)
        assert line == "mlexpert: unexpected ZeroDivisionError: division by zero; MLEXPERT_DEBUG=1 shows where"


@pytest.mark.usefixtures("reachable")
def test_ctrl_c_is_one_line_and_exit_130_at_once():
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW + _MAIN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert errors.startswith("mlexpert: interrupted; nothing was changed")
    assert errors.count("\n") == 1


def test_help_starts_quickly_and_loads_nothing_heavy(mlexpert):
    code = "import sys; from mlexpert_nb.cli import main; main(['help']); print(sorted(set(sys.modules) & HEAVY))"
    heavy = "{'torch', 'anthropic', 'IPython', 'nbclient', 'jsonschema', 'mlexpert_nb.api'}"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("HEAVY", heavy)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "[]"
