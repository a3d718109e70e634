"""Links in a stage: neither what is searched nor what the toolkit writes itself goes through them."""

import os

import pytest

from mlexpert_nb.workspace import STATE, Workspace, make_own


@pytest.fixture
def secret(place):
    path = place / "secret.txt"
    path.write_text("a password\n")
    return path


def test_a_search_does_not_read_through_a_link_that_leaves(user, secret):
    (user / "out.txt").symlink_to(secret)
    with Workspace.open(user).stage() as stage:
        (stage.root / "made.txt").symlink_to(secret)
        assert stage.grep("password") == ()
        assert len(stage.grep("print")) == 2  # run.py, and the link to it that stays inside


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_state_folder_holds_nothing_that_leads_out(place, secret, kind):
    state = place / "state"
    if kind == "folder":
        state.symlink_to(secret.parent)
    else:
        state.mkdir()
        (state / "run.json").symlink_to(secret) if kind == "link" else os.mkfifo(state / "run.json")
    make_own(state)
    assert list(state.iterdir()) == []
    assert not state.is_symlink()
    assert secret.read_text() == "a password\n"


def test_a_link_that_the_user_was_sent_in_a_state_folder_is_not_staged(user, secret):
    (user / STATE).mkdir()
    (user / STATE / "transcript.jsonl").symlink_to(secret)
    with Workspace.open(user).stage() as stage:
        assert list(stage.state.iterdir()) == []
