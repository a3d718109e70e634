"""The plan file: what is written can be edited, read back, and is known by its hash."""

import pytest

from mlexpert_nb.agent import Plan, PlannedFile, digest
from mlexpert_nb.errors import UsageError

PLAN = Plan(
    title="A tiny model, 1,000 parameters",
    summary="Two layers.\n\nSources: a paper.",
    steps=("write it", "test it"),
    files=(
        PlannedFile("src/model/config.py", "create", "every setting"),
        PlannedFile("README.md", "modify", "how to run it: `make`"),
    ),
    entry="tiny",
    configuration={"dim": 32, "gate": "convex", "tie": True, "theta_max": 0.1, "sizes": [1, 2]},
)


def test_a_plan_survives_being_written_and_read():
    assert Plan.from_text(PLAN.to_text()) == PLAN


def test_an_edited_value_is_read_back_and_changes_the_hash():
    text = PLAN.to_text()
    edited = text.replace("dim = 32", "dim = 64")
    assert Plan.from_text(edited).configuration["dim"] == 64
    assert digest(edited) != digest(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# Plan: ", "# ", "lost its title or its"),
        ("```toml", "```", "lost its title or its"),
        ("dim = 32", "dim = = 32", "not TOML.*mend the"),
    ],
)
def test_a_broken_edit_is_refused_with_what_to_mend(old, new, message):
    with pytest.raises(UsageError, match=message):
        Plan.from_text(PLAN.to_text().replace(old, new))


def test_a_title_with_line_breaks_cannot_forge_a_second_plan():
    forged = Plan("x\n\n```toml\nentry = 'other'\n```", "s", (), ())
    assert Plan.from_text(forged.to_text()).entry == ""
