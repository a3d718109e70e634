"""A plan that waits in a file: shown, edited, carried out exactly as it stands."""

import pytest

from mlexpert_nb import api
from mlexpert_nb.agent import digest
from mlexpert_nb.errors import ConflictError, EnvironmentProblem, UsageError

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
    with pytest.raises(ConflictError, match="edited by you and is kept"):
        api.plan(REQUEST, workspace=work, params="5M")
    assert "n_sup = 2" in path.read_text()


def test_a_file_of_the_user_with_the_name_of_a_plan_is_kept(tmp_path):
    (tmp_path / "mlexpert_plan.md").write_text("mine\n")
    with pytest.raises(ConflictError, match="written or edited by you and is kept"):
        api.plan(REQUEST, workspace=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mlexpert_plan.md"]
    assert (tmp_path / "mlexpert_plan.md").read_text() == "mine\n"


def test_an_edited_plan_in_the_home_folder_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    api.plan(REQUEST, workspace="~/work", params="5M")
    (tmp_path / "work" / "mlexpert_plan.md").write_text("mine\n")
    with pytest.raises(ConflictError, match="edited by you and is kept"):
        api.plan(REQUEST, workspace="~/work", params="5M")
    with pytest.raises(UsageError, match="toml block"):
        api.approve("~/work")


def test_a_plan_that_is_not_utf8_is_refused_in_one_line(work):
    (work / "mlexpert_plan.md").write_bytes(b"# Plan: \xe9\n")
    with pytest.raises(UsageError, match=r"is not UTF-8 text .*; save it as UTF-8"):
        api.approve(work)


@pytest.mark.parametrize("damage", ["{", "[]", "{}"])
def test_a_plan_whose_record_is_damaged_does_not_wait_any_more(work, damage):
    (work / ".mlexpert" / "pending.json").write_text(damage)
    with pytest.raises(UsageError, match="no plan waits in"):
        api.approve(work)


def test_a_workspace_that_cannot_be_named_is_refused_in_one_line(tmp_path):
    with pytest.raises(EnvironmentProblem, match="choose another folder with --workspace"):
        api.plan(REQUEST, workspace=tmp_path / ("x" * 300))


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
