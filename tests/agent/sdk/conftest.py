"""A conversation through the real SDK and its real program, with a scripted endpoint on this machine."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from agent.sdk.messages import Messages

from mlexpert_nb.agent import Transcript
from mlexpert_nb.agent.address import Address
from mlexpert_nb.agent.sdk import Endpoint, SdkConversation
from mlexpert_nb.keys import Secret, redactor
from mlexpert_nb.packages import ContextPackage
from mlexpert_nb.workspace import Stage, Workspace

CANARY = "canary-key-0123456789abcdef"


@dataclass
class Talk:
    """A conversation that is set up but not begun, and what came of it."""

    conversation: SdkConversation
    server: Messages
    stage: Stage
    user: Path
    events: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    decide: object = lambda text: text

    def approve(self, text):
        self.asked.append(text)
        return self.decide(text)

    def run(self, task="write a file"):
        return self.conversation.run(ContextPackage(task))

    @property
    def transcript(self):
        return (self.stage.state / "transcript.jsonl").read_text("utf-8")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where every temporary folder of the test is made, so that all of them can be looked through."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def talk(tmp_path, scratch):
    """Give a function that sets up a conversation with a script; everything is closed afterwards."""
    user = tmp_path / "work"
    user.mkdir()
    (user / "model.py").write_text("x = 1\n")
    opened = []

    def make(*replies, max_turns=20, decide=lambda text: text, answer=lambda _call: None, url=""):
        server = Messages(*replies).__enter__()
        opened.append(server)
        staging = Workspace.open(user).stage()
        stage = staging.__enter__()
        opened.append(staging)
        secret = Secret(CANARY)
        made = Talk(None, server, stage, user, decide=decide)
        made.conversation = SdkConversation(
            Endpoint("fake", Address(url or server.url), secret),
            stage,
            approve=made.approve,
            on_event=made.events.append,
            transcript=Transcript(stage.state / "transcript.jsonl", redactor(secret)),
            max_turns=max_turns,
            answer=answer,
        )
        opened.append(made.conversation)
        return made

    yield make
    for each in reversed(opened):
        each.__exit__(None, None, None)
