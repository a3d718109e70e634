"""Conversations through the real claude-agent-sdk: two phases, one plan, nothing outside the stage."""

import asyncio
import json

import pytest
from agent.sdk.messages import look, say, stop, use, work

from mlexpert_nb.agent.prompts import specialist_prompt
from mlexpert_nb.errors import EndpointError

pytestmark = pytest.mark.agent_sdk
PROPOSAL = {
    "title": "a file",
    "summary": "one file",
    "steps": ["write it"],
    "files": [{"path": "a.py", "action": "create", "description": "a file"}],
    "configuration": {"dim": 8},
}
PLAN = look("propose_plan", **PROPOSAL)
READING = {"Read", "Grep", "read_reference", "propose_plan", "ask_user", "need_references", "out_of_scope"}


def texts(talk):
    return [text for text, _ in talk.server.results]


def test_before_approval_nothing_is_written_whatever_name_is_tried(talk):
    names = ("Write", "mcp__mlexpert__Write", "mcp__mlexpert_work__Write", "mcp__mlexpert_work__Bash")
    tries = [[use(name, path="a.py", text="a = 1\n", command="touch a.py")] for name in names]
    built_in = [
        [use("Bash", command="touch a.py")],
        [use("Edit", file_path="model.py", old_string="x", new_string="y")],
    ]
    talk = talk(*tries, *built_in, [say("gave up")])
    outcome = talk.run()
    assert outcome.reason == "no_plan"
    assert all(is_error for _, is_error in talk.server.results)
    assert talk.stage.changes() == ()
    assert {name.removeprefix("mcp__mlexpert__") for name in talk.server.tools[-1]} == READING


def test_the_plan_is_asked_for_once_and_opens_the_working_tools(talk):
    talk = talk([PLAN], [look("propose_plan", **PROPOSAL)], [work("Write", path="a.py", text="a = 1\n")], [say("done")])
    outcome = talk.run()
    assert (outcome.reason, outcome.text) == ("done", "done")
    assert len(talk.asked) == 1
    assert "- create `a.py`: a file" in talk.asked[0]
    assert "mcp__mlexpert_work__Write" not in talk.server.tools[0]
    assert {"mcp__mlexpert_work__Write", "mcp__mlexpert_work__Bash"} <= set(talk.server.tools[1])
    assert "approved already" in texts(talk)[1]
    assert talk.stage.read("a.py") == "a = 1\n"
    assert sorted(path.name for path in talk.user.iterdir()) == ["model.py"]


def test_what_was_edited_on_approval_is_the_plan(talk):
    talk = talk([PLAN], [say("done")], decide=lambda text: text.replace("dim = 8", "dim = 16"))
    outcome = talk.run()
    assert outcome.plan.configuration == {"dim": 16}
    assert "dim = 16" in texts(talk)[0]


def test_a_declined_plan_ends_it_and_nobody_is_asked_again(talk):
    talk = talk([PLAN], [say("but why")], decide=lambda _text: None)
    outcome = talk.run()
    assert (outcome.reason, outcome.plan) == ("not_approved", None)
    assert len(talk.server.asked) == 1
    assert '"kind": "outcome", "reason": "not_approved"' in talk.transcript


@pytest.mark.parametrize("path", ["../a.py", "/tmp/a.py", "~/a.py", ".mlexpert/receipt.jsonl", "link/a.py"])  # noqa: S108 - a place outside
def test_a_path_that_leaves_the_stage_is_refused(talk, tmp_path, path):
    (tmp_path / "outside").mkdir()
    talk = talk([PLAN], [work("Write", path=path, text="x")], [look("Read", path=path)], [say("done")])
    (talk.stage.root / "link").symlink_to(tmp_path / "outside")
    outcome = talk.run()
    assert outcome.reason == "stuck"
    assert [is_error for _, is_error in talk.server.results] == [False, True, True]
    assert not list((tmp_path / "outside").iterdir())
    assert not (tmp_path / "a.py").exists()


def test_an_unknown_tool_gets_an_answer(talk):
    talk = talk([look("Teleport")], [use("Teleport")], [say("well")])
    talk.run()
    assert ["Teleport" in text for text in texts(talk)] == [True, True]
    assert [event.passed for event in talk.events if event.kind == "tool"] == [False, False]


def test_calls_side_by_side_are_carried_out_in_turn(talk):
    talk = talk([PLAN], [work("Write", path="a.py", text="a"), work("Write", path="b.py", text="b")], [say("done")])
    assert talk.run().reason == "done"
    assert [change.path for change in talk.stage.changes()] == ["a.py", "b.py"]


def test_a_long_result_arrives_in_the_conversation_itself(talk):
    talk = talk([look("Read", path="long.txt")], [say("read")])
    talk.stage.write("long.txt", "many words\n" * 2000)
    talk.run()
    assert texts(talk)[0].count("many words\n") == 2000


def test_it_goes_on_in_the_same_conversation_with_what_the_judge_found(talk):
    talk = talk([PLAN], [say("done")], [work("Write", path="a.py", text="b = 2\n")], [say("mended")])
    first = talk.run()
    second = talk.conversation.go_on("failed: causality")
    assert (first.text, second.text, second.turns) == ("done", "mended", 4)
    assert second.plan == first.plan
    said = json.dumps(talk.server.asked[-1]["messages"])
    assert "failed: causality" in said
    assert "propose_plan" in said
    assert talk.stage.read("a.py") == "b = 2\n"


def test_turns_are_capped_over_the_whole_conversation(talk):
    talk = talk([PLAN], [say("done")], *[[look("Grep", pattern=f"x{n}")] for n in range(9)], max_turns=4)
    assert talk.run().reason == "done"
    outcome = talk.conversation.go_on("failed: causality")
    assert (outcome.reason, outcome.turns) == ("max_turns", 4)
    assert talk.conversation.go_on("again").reason == "max_turns"


def test_the_same_call_again_and_again_ends_it(talk):
    talk = talk(*[[look("Grep", pattern="x")] for _ in range(9)])
    assert talk.run().reason == "circles"
    assert "the same call gave the same result 3 times" in texts(talk)[2]


def test_a_question_is_answered_or_handed_to_the_user(talk):
    question = look("ask_user", questions=[{"question": "how wide?", "options": ["8", "16"]}])
    answered = talk([question], [say("thanks")], answer=lambda _call: "8")
    assert answered.run().reason == "no_plan"
    assert "the user answered:\n8" in texts(answered)[0]


def test_a_question_without_an_answer_ends_it(talk):
    talk = talk([look("ask_user", questions=[{"question": "how wide?"}])])
    outcome = talk.run()
    assert outcome.reason == "clarify"
    assert json.loads(outcome.text)[0]["question"] == "how wide?"


def test_it_works_where_a_loop_is_running_already_as_in_a_kernel(talk):
    talk = talk([say("hello")])

    async def cell():
        return talk.run()

    assert asyncio.run(cell()).text == "hello"


def test_an_answer_that_is_always_cut_off_ends_it(talk):
    talk = talk(*[[say("word"), stop("max_tokens")] for _ in range(9)])
    assert talk.run().reason == "max_tokens"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((400, "no such field"), "answered HTTP 400: API Error: 400 no such field; check --base-url"),
        ((404, "model: fake"), "answered HTTP 404: .*; check --model and --base-url"),
        ((403, "the key canary-key-0123456789abcdef may not"), r"HTTP 403: .*\[key hidden\]"),
    ],
)
def test_a_failing_endpoint_is_one_line_without_the_key(talk, reply, words):
    talk = talk(*[reply] * 4)
    with pytest.raises(EndpointError, match=words) as caught:
        talk.run()
    assert "\n" not in str(caught.value)
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r} {vars(caught.value)}"
    assert caught.value.__context__ is None


def test_an_endpoint_that_is_not_there_is_one_line(talk):
    talk = talk(url="http://127.0.0.1:9")
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1:9 could not be asked: .*refused"):
        talk.run()


def test_beside_our_prompt_and_the_request_little_is_sent(talk):
    talk = talk([say("hello")])
    talk.run("a request")
    (request,) = talk.server.asked
    assert specialist_prompt() in [each["text"] for each in request["system"]]
    assert "Plan mode" not in json.dumps(request)
    beside = {key: value for key, value in request.items() if key not in ("system", "tools")}
    assert len(json.dumps(beside)) < 4000
