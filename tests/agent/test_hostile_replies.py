"""Replies that are not what a careful endpoint sends: none is used half, none is endless, none shows the key."""

import pytest
from messages import Reply, Server, faults, replies, text, tool, turn

from mlexpert_nb.agent import Claude, Message, Meter, Request, Text, price_of, read_address
from mlexpert_nb.agent.claude import Patience
from mlexpert_nb.agent.stream import LONGEST_REPLY
from mlexpert_nb.errors import EndpointError, UsageError
from mlexpert_nb.keys import Secret, find_key

KEY = "gateway-key-0123456789abcdef"
HI = Request("be brief", (Message("user", (Text("hi"),)),), ())


@pytest.fixture
def ask(endpoint):
    made = []

    def make(*played, model="m", meter=None, url=endpoint.url):
        endpoint.play(*played)
        patience = Patience(2.0, 2.0, 0.01)
        made.append(Claude(read_address(url, {}), Secret(KEY), model, meter=meter or Meter(), patience=patience))
        return made[-1].turn(HI, lambda _words: None)

    yield make
    for each in made:
        each.close()


def calls(given):
    return Reply([{"type": "tool_use", "id": "toolu_1", "name": "Write", "input": given}], "tool_use")


@pytest.mark.parametrize(
    "given", ['{"text": "\\ud83d"}', '{"n": NaN}', '{"n": -Infinity}', '{"n": ' + "[" * 9000 + "]" * 9000 + "}"]
)
def test_an_input_that_could_not_be_sent_back_is_not_run(ask, endpoint, given):
    (use,) = ask(calls(given)).tool_uses
    assert use.problem.startswith("the input is not valid JSON")
    assert use.input == {}


def test_half_a_character_in_words_becomes_a_mark(ask):
    assert ask(turn(text("a \ud83d b"))).text == "a \ufffd b"


def test_a_block_that_begins_twice_is_no_reply(ask):
    block = {"type": "tool_use", "id": "t", "name": "Write", "input": {}}
    events = [replies.start("m", faults.USAGE), *replies.block_events(0, block), *replies.block_events(0, block)]
    with pytest.raises(EndpointError, match="begins the same block twice"):
        ask(*[lambda _body: faults.stream(events)] * 3)


def test_calls_without_an_id_or_with_the_same_one_are_told_apart(ask):
    same, none = tool("Read", path="a"), {"type": "tool_use", "id": "", "name": "Read", "input": {}}
    ids = [use.id for use in ask(turn(same, same, none, none)).tool_uses]
    assert len(set(ids)) == len(ids)
    assert ids[0] == same["id"]
    assert all(ids)


def test_a_reply_without_end_is_cut_off(ask):
    part = replies.event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 100_000})
    begun = [replies.start("m", faults.USAGE), next(replies.block_events(0, text("")))]
    with pytest.raises(EndpointError, match="longer than any turn may be"):
        ask(lambda _body: faults.stream([*begun, *[part] * (LONGEST_REPLY // 100_000 + 2)]))


def test_what_a_broken_reply_had_written_counts_against_the_budget(ask):
    price = price_of("claude-sonnet-5-5", is_first_party=True)
    meter = Meter("claude-sonnet-5-5", price, budget_usd=1.0)
    broken = [
        replies.start("m", {"input_tokens": 5_000}),
        *list(replies.block_events(0, text("word " * 6_000)))[:-1],
        faults.DropError,
    ]
    with pytest.raises(EndpointError):
        ask(*[lambda _body: faults.stream(broken)] * 3, meter=meter)
    assert meter.lost_usd > 3 * (10_000 * 10 + 5_000 * 2) / 1e6


def test_a_key_that_the_endpoint_repeats_is_hidden_and_nothing_steers_the_terminal(ask, endpoint):
    endpoint.rejects = lambda _body: faults.error(401, f"no such key: {KEY}\x1b[2J\nsecond line")
    with pytest.raises(EndpointError, match=r"no such key: \[key hidden\] \[2J second line"):
        ask()


@pytest.mark.parametrize("key", ["sk-ant-0123\n456789", "sk-ant-0123 456789", "sk-ant-\u201c0123456789"])
def test_a_key_that_no_header_takes_is_refused_and_not_repeated(key):
    with pytest.raises(UsageError, match="copy it anew") as caught:
        find_key({"ANTHROPIC_API_KEY": key})
    assert "0123" not in str(caught.value)


def test_an_endpoint_that_could_not_be_reached_is_asked_again_the_next_time(endpoint):
    endpoint.knows_models = True
    with Server() as gone:
        url = gone.url
    away = Claude(read_address(url, {}), None, "m", meter=Meter(), patience=Patience(1.0, 1.0, 0.01))
    assert not away.capabilities.count_tokens
    away.address = read_address(endpoint.url, {})
    assert away.remembered == away.capabilities  # within a run it is not asked at every step
    away.close()
    later = Claude(away.address, None, "m", meter=Meter())
    assert later.capabilities.count_tokens
    later.close()
    fresh = Claude(read_address(url, {}), None, "m", meter=Meter())
    assert fresh.remembered.context_window == 32_000  # nothing was kept of the one that was away


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999", "http://127.0.0.1:0"])
def test_an_address_that_cannot_be_read_is_one_line(url):
    with pytest.raises(UsageError, match="give an address such as"):
        read_address(url, {})


@pytest.mark.parametrize("url", ["https://API.anthropic.com", "https://api.anthropic.com:443/", ""])
def test_the_usual_endpoint_is_known_however_it_is_spelled_since_its_prices_hold_the_budget(url):
    assert read_address(url, {}).is_first_party
    assert not read_address("https://api.anthropic.com.evil.example", {}).is_first_party


def test_a_fault_of_the_one_who_listens_is_not_the_endpoints_and_is_not_paid_for_three_times(ask, endpoint):
    class ScreenError(Exception):
        pass

    def screen(_words):
        raise ScreenError

    endpoint.play(turn(text("hello")))
    llm = Claude(read_address(endpoint.url, {}), Secret(KEY), "m", meter=Meter())
    with pytest.raises(ScreenError):
        llm.turn(HI, screen)
    llm.close()
    assert len(endpoint.bodies) == 1


def test_words_that_are_only_blanks_are_not_sent_back(ask, endpoint):
    ask()
    blank = Request("s", (*HI.messages, Message("assistant", (Text("\n\n"),)), *HI.messages), ())
    llm = Claude(read_address(endpoint.url, {}), None, "m", meter=Meter())
    assert llm.body(blank)["messages"][1]["content"] == [{"type": "text", "text": "(nothing)"}]
