"""What the notebook's extension asks of the kernel: one answer for every request, by a real comm."""

import pytest

from mlexpert_nb.magics.front import TARGET, respond
from mlexpert_nb.workspace import Workspace


@pytest.fixture
def runs(tmp_path):
    """A workspace with two runs, `sha256:one` and `sha256:two`."""
    workspace = Workspace.open(tmp_path / "W")
    for receipt in ("one", "two"):
        with workspace.stage() as stage:
            stage.write(f"{receipt}.txt", receipt)
            workspace.commit(stage, label=f"implement {receipt}", receipt=f"sha256:{receipt}")
    return workspace.root


def _names(root):
    return sorted(path.name for path in root.glob("*.txt"))


def test_the_newest_run_is_taken_back_by_its_receipt(runs):
    answer = respond({"do": "undo", "workspace": str(runs), "receipt": "sha256:two"})
    assert answer == {"done": True, "text": "implement two: taken back", "left": "sha256:one"}
    assert _names(runs) == ["one.txt"]


def test_a_run_that_was_taken_back_in_another_way_leaves_the_notebooks_part(runs):
    Workspace.open(runs).undo()
    answer = respond({"do": "undo", "workspace": str(runs), "receipt": "sha256:two"})
    assert answer == {"done": True, "text": f"{runs} holds no such run any more", "left": "sha256:one"}
    assert _names(runs) == ["one.txt"]


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"do": "undo", "receipt": "sha256:one"}, "the card does not say which run it is of"),
        ({"do": "undo", "workspace": "", "receipt": "sha256:one"}, "the card does not say which run it is of"),
        ({"do": "undo", "workspace": ["W"], "receipt": "sha256:one"}, "the card does not say which run it is of"),
        ({"do": "erase"}, "no request of the notebook named 'erase'; known: undo"),
        ({}, "no request of the notebook named ''; known: undo"),
        ("undo", "a request of the notebook was str, not an object; reload the page"),
        (None, "a request of the notebook was NoneType, not an object; reload the page"),
    ],
)
def test_a_request_that_cannot_be_used_is_one_line_and_changes_nothing(runs, request_, text):
    answer = respond(request_)
    assert answer["done"] is False
    assert text in answer["text"]
    assert "\n" not in answer["text"]
    assert _names(runs) == ["one.txt", "two.txt"]


def test_an_older_run_waits_for_the_later_one(runs):
    answer = respond({"do": "undo", "workspace": str(runs), "receipt": "sha256:one"})
    assert answer["done"] is False
    assert "implement two" in answer["text"]
    assert _names(runs) == ["one.txt", "two.txt"]


def test_a_workspace_that_is_not_there_is_not_made(tmp_path):
    answer = respond({"do": "undo", "workspace": str(tmp_path / "none"), "receipt": "sha256:one"})
    assert "holds no such run any more" in answer["text"]
    assert not (tmp_path / "none").exists()


def test_a_bug_of_ours_is_an_answer_too(monkeypatch, runs):
    monkeypatch.setattr("mlexpert_nb.api.history", lambda _: 1 / 0)
    answer = respond({"do": "undo", "workspace": str(runs), "receipt": "sha256:one"})
    assert answer == {"done": False, "text": "unexpected ZeroDivisionError: division by zero"}


def test_a_request_is_carried_out_only_after_the_kernel_has_said_that_it_listens(kernel, runs):
    client = kernel.client

    def tell(kind, content):
        sent = client.session.msg(kind, content)
        client.shell_channel.send(sent)
        return kernel.wait_for(sent["header"]["msg_id"], "comm_msg")["content"]["data"]

    assert tell("comm_open", {"comm_id": "c1", "target_name": TARGET, "data": {}}) == {"ready": True}
    assert _names(runs) == ["one.txt", "two.txt"]
    data = {"do": "undo", "workspace": str(runs), "receipt": "sha256:two"}
    answer = tell("comm_msg", {"comm_id": "c1", "data": data})
    assert answer == {"done": True, "text": "implement two: taken back", "left": "sha256:one"}
    assert _names(runs) == ["one.txt"]
