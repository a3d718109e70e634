"""ArchitectureView: what the browser gets, what the output freezes into, and the exports."""

import json
import os
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from widgets.graph.models import GPT2, nest10k

from mlexpert_widgets import ArchitectureView, ModelGraph
from mlexpert_widgets.graph.words import count
from mlexpert_widgets.live.amounts import size

IDS = torch.zeros(1, 64, dtype=torch.long)
LARGEST = 150_000  # characters of a frozen output


@pytest.fixture
def view():
    made = ArchitectureView(GPT2(num_layers=3, dim=96, num_heads=4), IDS)
    yield made
    made.close()


def test_the_browser_gets_plain_data_of_the_graph_and_its_exports(view):
    assert len(view.graph["names"]) == len(view.model_graph.nodes)
    assert view.exact
    assert view.notes == []
    assert view.mermaid.startswith("flowchart TD")
    assert view.dot.startswith("digraph")
    json.dumps([view.graph, view.overlays], allow_nan=False)


def test_a_graph_that_is_there_already_is_shown_as_it_is():
    graph = ModelGraph(nn.Linear(2, 2))
    view = ArchitectureView(graph)
    assert view.model_graph is graph
    assert view.notes == graph.notes
    view.close()


def test_the_frozen_picture_says_what_the_model_is_made_of(view):
    picture = view.picture()
    assert picture.title == "Architecture of GPT2"
    assert picture.summary.startswith(f"GPT2: 36 modules, {view.model_graph.num_parameters:,} parameters")
    assert "FLOPs a call" in picture.summary
    assert picture.tables[0].rows[1][:2] == ("tokens", "Embedding")
    assert len(picture.html()) < LARGEST


@pytest.mark.parametrize("make", [nest10k, lambda: nn.Sequential(*(nn.Linear(4, 4 + at % 2) for at in range(10_000)))])
def test_the_frozen_picture_of_ten_thousand_modules_is_small(make):
    view = ArchitectureView(make())
    assert len(view.picture().html()) < LARGEST
    view.plot().png()
    view.close()


def test_what_a_residual_skips_and_tied_weights_are_drawn(view):
    svg = view.to_svg()
    assert "weight of head is that of tokens" in svg
    assert svg.count("q0 5 5 5H") == 1  # from what the block was given, past the attention
    assert svg.count("q5 0 5 5V") == 1  # from the attention, past the mlp
    ET.fromstring(svg)  # noqa: S314 - our own text


def test_measured_values_are_added_and_replaced_by_name(view):
    view.overlay("latency", {"blocks.0": 1, "blocks.1": np.float32(2.5)}, unit="ms")
    view.overlay("memory", {"": 2048}, unit="B")
    view.overlay("latency", {"blocks.0": 3}, unit="ms")
    assert [(each["name"], each["values"]) for each in view.overlays] == [
        ("memory", {"": 2048.0}),
        ("latency", {"blocks.0": 3.0}),
    ]
    tables = {table.title: table.rows for table in view.picture().tables}
    assert tables["Latency"] == (("blocks.0", "3 ms"),)
    assert tables["Memory"] == (("(model)", "2 KiB"),)


def test_values_that_belong_to_nothing_or_are_none_are_refused(view):
    with pytest.raises(KeyError, match=r"no module at 'blocks\.9'; the paths are those of named_modules"):
        view.overlay("latency", {"blocks.9": 1.0})
    with pytest.raises(ValueError, match="latency of 'norm' is nan; leave out what was not measured"):
        view.overlay("latency", {"norm": float("nan")})
    assert view.overlays == []


def test_something_that_is_no_model_is_refused():
    with pytest.raises(TypeError, match=r"of a torch\.nn\.Module, not of str"):
        ArchitectureView("gpt2")


def test_exports_are_written_where_they_are_asked_for(view, tmp_path):
    assert view.to_svg(tmp_path / "a.svg") == (tmp_path / "a.svg").read_text("utf-8")
    view.to_png(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert view.to_mermaid() == view.mermaid
    assert view.to_dot() == view.dot
    found = json.loads(view.to_json())
    assert found["num_parameters"] == view.model_graph.num_parameters
    by_path = {node["path"]: node for node in found["nodes"]}
    assert by_path["head"]["outputs"] == [{"shape": [1, 64, 50257], "dtype": "float32"}]
    assert found["nodes"][by_path["blocks.1.mlp"]["parent"]]["path"] == "blocks.1"
    assert by_path["head"]["macs"] == 64 * 96 * 50257


def test_names_of_modules_are_text_everywhere():
    model = nn.Sequential()
    model.add_module("<script>alert(1)</script>", nn.Linear(2, 2))
    view = ArchitectureView(model)
    assert "<script>" not in view.picture().html()
    view.close()


def test_the_parts_that_need_no_browser_do_what_they_say(node):
    counts = [
        [each, count(each)] for each in (0, 7, 999, 999.6, 1000, 1536, 124_439_808, 999_999, 15_963_095_040, 1e12)
    ]
    sizes = [[each, size(each)] for each in (0, 1, 1023, 1024, 2000, 300 * 1024, 1023.6 * 1024, 97.7 * 2**20, 2**31)]
    told = json.dumps({"counts": counts, "sizes": sizes})
    test = Path(__file__).with_name("architecture.test.mjs")
    environment = {**os.environ, "TOLD": told}
    done = subprocess.run([node, "--test", test], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout
