"""The JupyterLab extension as it is shipped: built from these sources, installed with the package, no node needed."""

import hashlib
import json
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_path

from mlexpert_nb.display.cells import MAX_CELLS, MAX_SOURCE, MIME, cells_bundle
from mlexpert_nb.display.safe import plain
from mlexpert_nb.packages import Cell

HERE = Path(__file__).parents[2] / "widgets" / "labextension"


def _sources():
    folders = [f"{name}/{path.name}" for name in ("src", "style", "schema") for path in (HERE / name).iterdir()]
    files = ("package.json", "package-lock.json", "tsconfig.json", "../../mlexpert_nb/display/mlexpert.css")
    return sorted([*folders, *files])


def test_the_built_assets_are_made_from_these_sources():
    sha = hashlib.sha256()
    for name in _sources():
        sha.update(f"{name}\0".encode() + (HERE / name).read_bytes() + b"\0")
    built = (HERE / "dist" / "sources.sha256").read_text().strip()
    assert sha.hexdigest() == built, "the sources changed; run: make labextension"


def test_what_the_built_package_loads_is_there():
    package = json.loads((HERE / "dist" / "package.json").read_text())
    assert (HERE / "dist" / package["jupyterlab"]["_build"]["load"]).is_file()
    assert (HERE / "dist" / "schemas" / "mlexpert-nb" / "plugin.json").is_file()


def test_installing_the_package_installs_the_extension():
    found = [Path(folder) / "mlexpert-nb" for folder in jupyter_path("labextensions")]
    installed = next((folder for folder in found if (folder / "package.json").is_file()), None)
    assert installed, f"not in {[str(each.parent) for each in found]}; run: make setup"
    for path in (HERE / "dist").rglob("*.js*"):
        assert (installed / path.relative_to(HERE / "dist")).read_bytes() == path.read_bytes(), path.name
    assert json.loads((installed / "install.json").read_text())["packageName"] == "mlexpert_nb"


def test_the_lock_file_names_no_address():
    assert "http" not in json.dumps(
        [each.get("resolved", "") for each in json.loads((HERE / "package-lock.json").read_text())["packages"].values()]
    )


def test_a_payload_is_read_as_it_was_written(extension):
    cells = (Cell("markdown", "# Model", "title"), Cell("code", "x = 1", "build"))
    read = extension("payload", payload=cells_bundle(cells, title="t")[MIME])
    assert [(each["cell_type"], each["source"], each["role"]) for each in read["cells"]] == [
        ("markdown", "# Model", "title"),
        ("code", "x = 1", "build"),
    ]
    assert (read["auto"], read["title"], read["undoes"], read["cut"]) == (True, "t", "", [])


@pytest.mark.parametrize(
    "payload", [None, 1, "x", [], {}, {"version": 2, "cells": []}, {"version": 1, "cells": [{"cell_type": "html"}]}]
)
def test_what_is_no_payload_is_not_taken_for_one(extension, payload):
    assert extension("payload", payload=payload) is None


def test_a_payload_past_the_limits_is_cut_and_says_so(extension):
    cells = [{"cell_type": "code", "source": "1"}] * 2000
    cells[3] = {"cell_type": "code", "source": "x" * 5_000_000, "metadata": {"mlexpert": {"role": "big"}}}
    read = extension("payload", payload={"version": 1, "cells": cells})
    assert len(read["cells"]) == MAX_CELLS
    assert read["cut"] == [
        "Only the first 200 of 2,000 cells are shown and inserted.",
        f"The cell “big” was left out: 5,000,000 characters, at most {MAX_SOURCE:,} fit in one cell.",
    ]
    assert read["cells"][3]["cell_type"] == "markdown"


def test_only_tags_and_our_marks_are_taken_from_the_metadata_of_a_payload(extension):
    marks = {"role": 7, "id": "stolen", "digest": ["x"], "edited": True}
    metadata = {"trusted": True, "tags": ["a", 1], "jupyter": {"source_hidden": True}, "mlexpert": marks}
    cells = [{"cell_type": "code", "source": "1", "metadata": metadata}]
    (cell,) = extension("payload", payload={"version": 1, "cells": cells})["cells"]
    taken = {"tags": ["a"], "marks": {"role": 7, "edited": True}, "expects": ""}
    assert cell == {"cell_type": "code", "source": "1", "role": "cell-1", **taken}


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "\x1b[31mred\x1b[0m",
        "\x1b]8;;http://x\x07link\x1b]8;;\x07",
        "a\u202eb\u2066c",
        "x" * 5000,
        "a\r\nb\x00c",
    ],
)
def test_text_from_outside_is_cleaned_as_in_python(extension, text):
    assert extension("plain", text=text, limit=4000) == plain(text)
