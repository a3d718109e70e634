"""A conversation that grows too long is cut by rule: the newest part, the request, every call with its result stay."""

import pytest
from messages.rules import broken_rule

from mlexpert_nb.agent import Loop, Message, Opaque, ScriptedLLM, Text, ToolResult, ToolUse, Transcript, Turn
from mlexpert_nb.agent.doom import STOP, WARN, Circles, warning
from mlexpert_nb.agent.history import KEPT, compact, size
from mlexpert_nb.agent.trim import trimmed
from mlexpert_nb.agent.wire import to_messages
from mlexpert_nb.errors import ContextTooLongError
from mlexpert_nb.packages import ContextPackage
from mlexpert_nb.workspace import Workspace


def conversation(rounds, length=5_000):
    messages = [Message("user", (Text("the request " + "r" * 2_000),))]
    for n in range(rounds):
        call = ToolUse(f"t{n}", "Write", {"path": f"{n}.py", "text": "x" * length})
        messages.append(Message("assistant", (Opaque({"type": "thinking", "thinking": "hm", "signature": "s"}), call)))
        messages.append(Message("user", (ToolResult(f"t{n}", f"result {n} " + "y" * length),)))
    return tuple(messages)


def test_the_request_and_the_newest_messages_stay_to_the_letter():
    before = conversation(20)
    after = compact(before)
    assert after[0] == before[0]
    assert after[-KEPT:] == before[-KEPT:]
    assert size(after) < size(before) / 3
    assert "characters cut to save room; read it again" in after[2].content[0].content


def test_the_cut_conversation_keeps_the_rules_of_the_api_and_is_the_same_each_time():
    before = conversation(20)
    after = compact(before)
    assert broken_rule({"messages": to_messages(after)}) is None
    assert compact(before) == after
    assert compact(after) == after


def test_a_short_conversation_is_left_alone():
    assert compact(conversation(2)) == conversation(2)


def test_a_conversation_that_does_not_fit_is_cut_and_asked_again(tmp_path):
    class Narrow(ScriptedLLM):
        def turn(self, request, on_text):
            if size(request.messages) > 60_000:
                raise ContextTooLongError("too long")
            return super().turn(request, on_text)

    reads = [Turn((ToolUse(f"r{n}", "Read", {"path": "long.txt", "offset": n}),), "tool_use") for n in range(14)]
    root = tmp_path / "work"
    root.mkdir()
    (root / "long.txt").write_text("line of text\n" * 700)
    with Workspace.open(root).stage() as stage:
        events = []
        loop = Loop(Narrow(reads), stage, str, events.append, Transcript(stage.state / "t.jsonl"), 50)
        outcome = loop.run(ContextPackage("look"))
    assert outcome.turns == 15
    assert any("old results in it were cut" in event.text for event in events)


def test_a_circle_is_seen_through_numbers_that_change():
    circles, call = Circles(), ToolUse("a", "Bash", {"command": "pytest"})
    counts = [circles.see(call, ToolResult("a", f"1 failed in {n}.{n} s")) for n in range(STOP)]
    assert counts == list(range(1, STOP + 1))
    assert WARN < STOP
    assert "the same call gave the same result 3 times" in warning(3)


def test_a_new_change_opens_the_circle_and_the_same_change_again_does_not():
    circles = Circles()
    test, result = ToolUse("a", "Bash", {"command": "pytest"}), ToolResult("a", "failed")
    edit, done = ToolUse("b", "Write", {"path": "a.py", "text": "1"}), ToolResult("b", "wrote a.py")
    for _ in range(2):
        circles.see(test, result)
    circles.see(edit, done)
    assert circles.see(test, result) == 1
    circles.see(edit, done)
    assert circles.see(test, result) == 2


@pytest.mark.parametrize("length", [100, 23_999])
def test_a_text_that_fits_is_not_touched(length):
    assert trimmed("ab\n" * (length // 3)) == "ab\n" * (length // 3)


def test_a_line_without_end_and_base64_are_cut_with_their_size():
    cut = trimmed("head " + "QUJD" * 200 + " tail\n" + "- " * 2_000)
    assert "[800 characters of base64 cut]" in cut
    assert "[the rest of this line, 2,000 characters, cut]" in cut
