"""A plan that waits in a file: shown, edited, carried out exactly as it stands."""

import pytest

from mlexpert_nb import api
from mlexpert_nb.agent import digest
from mlexpert_nb.errors import ConflictError, UsageError

REQUEST = "Implement the TRM × Titans-MAG architecture"


@pytest.fixture
def work(tmp_path):
    api.plan(REQUEST, workspace=tmp_path / "work", params="5M")
    return tmp_path / "work"


def test_the_plan_is_a_visible_file_and_the_result_says_what_to_do_with_it(tmp_path):
    result = api.implement(REQUEST, workspace=tmp_path / "work", approve="plan")
    assert (result.status, result.exit_code) == ("plan_ready", 3)
    text = (tmp_path / "work" / "mlexpert_plan.md").read_text()
    assert "mlexpert approve" in result.message
    assert result.evidence["plan_digest"] == digest(text)
    assert not (tmp_path / "work" / "src").exists()


def test_an_edited_plan_is_not_replaced_by_a_new_one(work):
    path = work / "mlexpert_plan.md"
    path.write_text(path.read_text().replace("n_sup = 3", "n_sup = 2"))
    with pytest.raises(ConflictError, match="was edited and is kept"):
        api.plan(REQUEST, workspace=work, params="5M")
    assert "n_sup = 2" in path.read_text()


def test_a_plan_that_was_broken_by_an_edit_is_refused_and_nothing_else_changes(work, contents):
    (work / "mlexpert_plan.md").write_text("# Plan: gone\n")
    before = contents(work)
    with pytest.raises(UsageError, match="toml block"):
        api.approve(work)
    assert contents(work) == before


def test_there_must_be_a_plan_to_approve(tmp_path):
    with pytest.raises(UsageError, match="no plan waits in"):
        api.approve(tmp_path)


def test_undo_takes_the_plan_back(work):
    api.undo(work)
    assert not work.exists()
