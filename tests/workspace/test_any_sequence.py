"""Whatever a run and a user do in whatever order: undo gives back the bytes from before each commit."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from workspace.witness import MEMORY, look

from mlexpert_nb.errors import ConflictError, UsageError
from mlexpert_nb.workspace import Workspace

paths = strategies.sampled_from(["a.py", "b.bin", "src/a.py", "src/deep/c.py", "src", "src/deep", "d/e.py"])
texts = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=12)


class Folder(RuleBasedStateMachine):
    """A workspace, and beside it what its bytes were before each commit that is in place."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None)).resolve()
        self.root = self.place / "up" / "root"
        self.earlier: list[dict[str, tuple[object, ...]]] = []

    def teardown(self) -> None:
        """Remove the folder of this sequence."""
        shutil.rmtree(self.place)

    @initialize(exists=strategies.booleans())
    def begin(self, *, exists: bool) -> None:
        """Start with a folder of the user's, or with none."""
        if exists:
            self.root.mkdir(parents=True)
            (self.root / "a.py").write_text("mine\n")
        self.workspace = Workspace.open(self.root)

    @rule(
        actions=strategies.lists(
            strategies.tuples(strategies.sampled_from(["write", "write", "edit", "delete", "chmod"]), paths, texts),
            max_size=6,
        ),
        offered=strategies.booleans(),
    )
    def run(self, actions: list[tuple[str, str, str]], *, offered: bool) -> None:
        """Let a run do some things in a stage and commit: what was staged is there, or nothing happened."""
        before, files = look(self.place), self.workspace.root.exists()
        with self.workspace.stage() as stage:
            existing = set(stage.files())
            for verb, path, text in actions:
                try:
                    if verb == "write":
                        stage.write(path, text)
                    elif verb == "edit":
                        stage.edit(path, stage.read(path), text)
                    elif verb == "delete":
                        stage.delete(path)
                    elif (stage.root / path).is_file():
                        (stage.root / path).chmod(0o700)
                except UsageError:
                    pass
            wanted = look(stage.root)
            touched = {change.path for change in stage.changes()}
            try:
                commit = self.workspace.commit(stage, label="run", replaces=existing if offered else ())
            except ConflictError:
                assert existing & touched
                assert look(self.place) == before
                return
        if commit.number == 0:
            assert look(self.place) == before
            return
        assert files or touched
        self.earlier.append(before)
        here = {path: seen for path, seen in look(self.root).items() if not path.startswith(".mlexpert")}
        assert {path: seen for path, seen in here.items() if seen[1] is not None} == {
            path: seen for path, seen in wanted.items() if seen[1] is not None
        }

    @precondition(lambda self: self.earlier)
    @rule()
    def take_back(self) -> None:
        """Undo: the bytes are those from before the last commit."""
        self.workspace.undo()
        assert look(self.place) == self.earlier.pop()

    @precondition(lambda self: self.earlier)
    @rule(text=texts)
    def the_user_edits_what_was_delivered(self, text: str) -> None:
        """Undo is refused, with the file named, and nothing happens."""
        changes = self.workspace.history()[-1].changes
        edited = [change.path for change in changes if not change.deleted and (self.root / change.path).is_file()]
        if not edited:
            return
        path = self.root / edited[0]
        held = path.read_bytes()
        path.write_text(text + "!")
        before = look(self.place)
        if path.read_bytes() != held:
            with pytest.raises(ConflictError, match=re.escape(edited[0])):
                self.workspace.undo()
            assert look(self.place) == before
        path.write_bytes(held)

    @invariant()
    def the_history_is_what_was_committed(self) -> None:
        """Number the commits from 1, without gaps."""
        if hasattr(self, "workspace"):
            assert [commit.number for commit in Workspace.open(self.root).history()] == [
                number + 1 for number in range(len(self.earlier))
            ]


Folder.TestCase.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnySequence = Folder.TestCase
