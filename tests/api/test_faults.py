"""Every fault of an endpoint on the whole way of a request: one end, nothing written, and the run can go on."""

import io
import json
import logging
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from messages import tool, turn
from messages.faults import SCENARIOS

from mlexpert_nb import api
from mlexpert_nb.agent import Claude, Meter, Recording, read_address
from mlexpert_nb.agent.claude import Patience
from mlexpert_nb.api.llms import Answerer
from mlexpert_nb.api.options import ticket
from mlexpert_nb.api.run import run
from mlexpert_nb.errors import EndpointError
from mlexpert_nb.keys import Secret, redactor
from mlexpert_nb.packages import ResultPackage
from mlexpert_nb.workspace import Draft

REQUEST = "Implement this small GRU language model architecture"
CANARY = "sk-ant-canary-0123456789abcdef"
PLANLESS = {"escalated", "partial"}
SLOW = {"trickle"}  # a good answer, a word at a time


@pytest.fixture
def log():
    """Everything that anybody logs, at its most talkative."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def request(endpoint, root, scenario, events):
    asked = ticket(REQUEST, "implement", {"workspace": root, "approve": "auto", "llm": "offline"})
    secret = Secret(CANARY)
    llm = Claude(
        read_address(endpoint.url, {}), secret, f"fake-{scenario}", meter=Meter(), patience=Patience(0.5, 0.3, 0.01)
    )
    answerer = Answerer(llm, llm.meter, redactor(secret), is_language_model=True, is_live=True)
    settings = replace(asked.settings, llm="claude", base_url=endpoint.url)
    return replace(asked, answerer=answerer, settings=settings, on_event=events.append)


def outcome(ticket):
    try:
        return run(ticket)
    except EndpointError as error:
        return error


@pytest.mark.parametrize("scenario", sorted(SCENARIOS.keys() - SLOW))
def test_a_fault_ends_the_run_cleanly_and_the_run_goes_on_afterwards(endpoint, tmp_path, log, scenario):
    root, events, left = tmp_path / "work", [], []
    ended = outcome(request(endpoint, root, scenario, events))
    left.append(pickle.dumps(ended))
    if isinstance(ended, EndpointError):
        assert "\n" not in str(ended)
        assert ended.__context__ is None  # an SDK exception would hold the request with its key
    else:
        left.append(json.dumps(ended.to_json()).encode())
        ResultPackage.from_json(ended.to_json())
        assert ended.status in PLANLESS
    assert not root.exists()
    draft = Draft(root)
    if draft.lines():
        Recording.read(draft.lines(), "draft")
        assert CANARY in json.dumps([headers for _, headers, _ in endpoint.requests])
        endpoint.clear()
        endpoint.play(turn(tool("out_of_scope", reason="enough")))
        after = api.resume(root, options={"model": "well", "base_url": endpoint.url, "approve": "auto"})
        assert after.status == "escalated"
    elif not isinstance(ended, EndpointError):  # it was not asked anything yet: there is nothing to lose
        assert ended.status in PLANLESS
    left += [json.dumps([event.text for event in events]).encode(), log.getvalue().encode()]
    left += [path.read_bytes() for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert all(CANARY.encode() not in each for each in left)


def test_a_key_that_the_model_repeats_is_hidden_everywhere(endpoint, tmp_path, log):
    root, events = tmp_path / "work", []
    endpoint.play(turn(tool("out_of_scope", reason=f"your key is {CANARY}")))
    asked = request(endpoint, root, "x", events)
    llm = Claude(read_address(endpoint.url, {}), Secret(CANARY), "scripted", meter=Meter())
    result = run(replace(asked, answerer=replace(asked.answerer, llm=llm)))
    assert "[key hidden]" in result.message
    texts = [json.dumps(result.to_json()), *(event.text for event in events), log.getvalue()]
    assert all(CANARY not in text for text in texts)
