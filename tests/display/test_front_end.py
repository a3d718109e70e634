"""Which front end there is, told from what a kernel knows; and from a kernel that is asked."""

from pathlib import Path

import pytest
from lab import lab_of

from mlexpert_nb.display import front_end as module
from mlexpert_nb.display.front_end import notebook_path, notebook_path_of
from mlexpert_widgets.front_end import front_end, front_end_of

CELL = {"cellId": "x"}
PATH = "/somewhere/a.ipynb"


@pytest.mark.parametrize(
    ("metadata", "variables", "environ", "modules", "expected"),
    [
        (CELL, {}, {"JPY_SESSION_NAME": PATH}, (), "jupyter"),
        (CELL, {}, {}, (), "jupyter"),
        (CELL, {}, {"VSCODE_PID": "7", "JPY_SESSION_NAME": PATH}, (), "jupyter"),  # Lab in a terminal of VS Code
        (CELL, {}, {"VSCODE_PID": "7"}, (), "vscode"),
        ({}, {"__vsc_ipynb_file__": PATH}, {}, (), "vscode"),
        ({}, {}, {}, ("google.colab",), "colab"),
        ({}, {}, {"JPY_SESSION_NAME": PATH}, (), ""),  # nbclient inside a notebook of Lab
        ({}, {}, {"VSCODE_PID": "7"}, (), ""),  # nbclient in a terminal of VS Code
        ({"cellId": ""}, {}, {}, (), ""),
    ],
)
def test_the_front_end_is_told_from_the_request_and_the_surroundings(metadata, variables, environ, modules, expected):
    assert front_end_of(metadata, variables, environ, modules) == expected


def test_outside_a_kernel_there_is_none_and_no_notebook():
    assert (front_end(), notebook_path()) == ("", None)


def test_the_notebook_is_the_file_that_the_front_end_names(tmp_path, monkeypatch):
    there = tmp_path / "a.ipynb"
    there.touch()
    monkeypatch.chdir(tmp_path)
    assert notebook_path_of({}, {"JPY_SESSION_NAME": str(there)}) == there
    assert notebook_path_of({"__vsc_ipynb_file__": "a.ipynb"}, {}) == there
    assert notebook_path_of({"__vsc_ipynb_file__": None}, {"JPY_SESSION_NAME": str(tmp_path / "gone.ipynb")}) is None
    assert notebook_path_of({}, {"JPY_SESSION_NAME": str(tmp_path)}) is None


@pytest.mark.parametrize("there", [True, False])
def test_the_extension_is_looked_for_where_jupyter_looks(tmp_path, monkeypatch, there):
    monkeypatch.setattr(module, "jupyter_path", lambda *names: [str(Path(tmp_path, *names))])
    if there:
        package = tmp_path / "labextensions" / "mlexpert-nb" / "package.json"
        package.parent.mkdir(parents=True)
        package.write_text("{}")
    assert module.has_extension() is there


def test_a_cell_of_jupyterlab_has_a_front_end_and_one_without_an_id_has_none(kernel):
    ask = "from mlexpert_nb.display.front_end import front_end, notebook_path\nprint(repr(front_end()))"
    assert kernel.run(ask).text == "''\n"
    with lab_of(kernel) as lab:
        assert lab.run(ask).text == "'jupyter'\n"
        named = "import os; open('n.ipynb', 'w').close(); os.environ['JPY_SESSION_NAME'] = os.path.abspath('n.ipynb')"
        assert lab.run(f"{named}\nprint(notebook_path().name)").text == "n.ipynb\n"
    assert kernel.run("print(notebook_path()); del os.environ['JPY_SESSION_NAME']").text == "None\n"
