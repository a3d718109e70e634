"""What a loop adds to a turn: ours next to the bare SDK, pydantic-ai and claude-agent-sdk, before one endpoint.

Run: `python tests/bench/bench_loop.py [repeats]`. A conversation has 20 turns with a tool call and an end: 21 requests,
which are counted; the endpoint is on this machine and never waits. It and each way have a process of their own, started
once and warmed by one conversation; then they take turns, so that a busy machine slows all alike, and a ratio is the
median of those within a round. Ours is what a run has: a stage with files, a transcript with its draft, a plan that
is approved first, the whole prompt and all tools. The tool that is called gives a word, in every way alike; a second
row of ours has Grep look through the files. The others have no prompt and one tool, except where the row says
otherwise; making the connection, and starting the program of claude-agent-sdk, is not counted. It reports, and exits
with 1 only if a conversation did not go as it should. A peer that is not installed is left out.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # the checkout, also where it is not installed; the endpoint

REQUESTS = 21
MODEL, TASK = "fake", "look for it"
OURS = "ours: Loop with Claude"
PLAN = {
    "title": "a small language model",
    "summary": "One GRU.",
    "steps": ["write it", "test it"],
    "files": [{"path": "new.py", "action": "create", "description": "a file"}],
    "configuration": {"dim": 24},
}


class Spent(NamedTuple):
    """Milliseconds a turn."""

    wall: float
    cpu: float


Converse = Callable[[], Spent]


class Way(NamedTuple):
    """One way to converse.

    Attributes:
        start: Sets it up for an endpoint.
        needs: Package that it stands on.
        limit: Most that ours may take of its time; 0 is no limit.
    """

    start: Callable[[str], Any]
    needs: str = "anthropic"
    limit: float = 0.0


def main(repeats: int) -> int:
    """Print the table; give the exit code."""
    names = [name for name, way in WAYS.items() if find_spec(way.needs)]
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        server = stack.enter_context(_process("serve", home=home))
        url = _hear(server)
        workers = {name: stack.enter_context(_process(name, url, home=home)) for name in names}
        for worker in workers.values():
            _tell(worker)
        _tell(server)
        spent: dict[str, list[Spent]] = {name: [] for name in names}
        wrong: set[str] = set()
        for _ in range(repeats):
            for name in names:
                spent[name].append(Spent(*_tell(workers[name])))
                wrong |= {name} if _tell(server) != REQUESTS else set()
    print(
        f"{REQUESTS} requests a conversation, ms a turn, median of {repeats} interleaved warm conversations;", end=" "
    )
    print(f"load {load:.1f} before, {os.getloadavg()[0]:.1f} after, {os.cpu_count()} processors")
    _table(spent, wrong)
    for name in (each for each in WAYS if each not in names):
        print(f"  {name}: left out, {WAYS[name].needs} is not installed")
    return int(bool(wrong))


def _table(spent: dict[str, list[Spent]], wrong: set[str]) -> None:
    print(f"\n{'':38} {'wall':>7} {'least':>7} {'CPU':>7}   {'ours / it, wall':>15} {'CPU':>6} {'limit':>6}")
    for name, each in spent.items():
        wall, cpu = (median(ours[at] / it[at] for ours, it in zip(spent[OURS], each, strict=True)) for at in (0, 1))
        row = f"  {name:36} {median(s.wall for s in each):7.2f} {min(s.wall for s in each):7.2f} "
        row += f"{median(s.cpu for s in each):7.2f}   {wall:15.2f} {cpu:6.2f} "
        if limit := WAYS[name].limit:
            row += f"{limit:6.2f}  {'within' if wall <= limit else 'ABOVE'}"
            row += "" if (wall <= limit) == (cpu <= limit) else f" (by CPU {'within' if cpu <= limit else 'above'})"
        print(row + (f"   NOT {REQUESTS} REQUESTS: the figure means nothing" if name in wrong else ""))


@contextmanager
def _process(*words: str, home: str) -> Iterator[subprocess.Popen[str]]:
    """Give this file in a process of its own, whose home and caches are thrown away."""
    kept = ("PATH", "PYTHONPATH", "LANG", "TMPDIR")
    env = {key: os.environ[key] for key in kept if key in os.environ} | {"HOME": home, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, __file__, *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, cwd=home, stdin=pipe, stdout=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.stdin.close()  # it ends by itself


def _tell(child: subprocess.Popen[str]) -> Any:
    child.stdin.write("go\n")
    child.stdin.flush()
    return _hear(child)


def _hear(child: subprocess.Popen[str]) -> Any:
    line = child.stdout.readline()
    if not line:
        raise SystemExit(f"{child.args[2]!r} ended before its time; what it said stands above")
    return json.loads(line)


def _serve() -> None:
    """Be the endpoint: say where it is, then how many requests came since the last line."""
    from messages import Server  # noqa: PLC0415 - needed only in this process

    with Server() as server:
        server.rejects = _answer
        print(json.dumps(server.url), flush=True)
        for _ in sys.stdin:
            print(len(server.bodies), flush=True)
            server.requests.clear()


def _answer(body: dict[str, Any]) -> Any:
    """Ask for a reading 20 times and end; where a plan can be proposed, it is the first thing to be asked for."""
    from messages import faults, text, tool, turn  # noqa: PLC0415 - the same
    from starlette.responses import JSONResponse  # noqa: PLC0415 - needed only in this process

    names = [each["name"] for each in body.get("tools", ())]
    done = sum(message["role"] == "assistant" for message in body["messages"])
    reply = turn(text("all is well"))
    if done == 0 and "propose_plan" in names:
        reply = turn(tool("propose_plan", **PLAN))
    elif done < REQUESTS - 1:
        reply = turn(tool(next((name for name in names if name.endswith("Grep")), "Grep"), pattern=f"x{done}"))
    if body.get("stream"):
        return faults.whole(reply, body["model"])
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None}
    return JSONResponse(head | {"content": reply.content, "stop_reason": reply.stop_reason, "usage": reply.usage})


def _work(way: Way, url: str) -> None:
    """Converse once for each line of stdin."""
    with contextmanager(way.start)(url) as converse:
        for _ in sys.stdin:
            print(json.dumps(converse()), flush=True)


class _Clock:
    """Measures from where it is made; the CPU time is that of this process and of the programs that it started."""

    def __init__(self) -> None:
        self._cpu, self._wall = _cpu_s(), time.perf_counter()

    def spent(self) -> Spent:
        wall = time.perf_counter() - self._wall
        return Spent(1000 * wall / REQUESTS, 1000 * (_cpu_s() - self._cpu) / REQUESTS)


def _cpu_s() -> float:
    children = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(each.user + each.system for each in children)


def _grep(pattern: str) -> str:
    """Search the files for a regular expression."""
    return f"no {pattern}"


def _bare(url: str) -> Iterator[Converse]:
    schema = {"type": "object", "properties": {"pattern": {"type": "string"}}, "required": ["pattern"]}
    yield from _stream(url, {"tools": [{"name": "Grep", "description": _grep.__doc__, "input_schema": schema}]})


def _bare_with_our_words(url: str) -> Iterator[Converse]:
    from mlexpert_nb.agent import TOOLS  # noqa: PLC0415 - needed only in this process
    from mlexpert_nb.agent.permissions import offered  # noqa: PLC0415 - the same
    from mlexpert_nb.agent.prompts import specialist_prompt  # noqa: PLC0415 - the same
    from mlexpert_nb.agent.wire import to_tool  # noqa: PLC0415 - the same

    tools = [to_tool(each.schema) for each in offered(TOOLS, "work")]
    yield from _stream(url, {"system": specialist_prompt(), "tools": tools})


def _stream(url: str, more: dict[str, Any]) -> Iterator[Converse]:
    import anthropic  # noqa: PLC0415 - needed only in this process

    with anthropic.Anthropic(base_url=url, api_key="none") as client:

        def converse() -> Spent:
            clock, messages = _Clock(), [{"role": "user", "content": TASK}]
            while True:
                with client.messages.stream(model=MODEL, max_tokens=16_000, messages=messages, **more) as events:
                    for event in events:
                        if event.type == "text":
                            str(event.text)
                    message = events.get_final_message()
                messages.append({"role": "assistant", "content": [block.to_dict() for block in message.content]})
                calls = [block for block in message.content if block.type == "tool_use"]
                if not calls:
                    return clock.spent()
                results = [
                    {"type": "tool_result", "tool_use_id": each.id, "content": _grep(**each.input)} for each in calls
                ]
                messages.append({"role": "user", "content": results})

        yield converse


def _ours_with_grep(url: str) -> Iterator[Converse]:
    yield from _ours(url, greps=True)


def _ours(url: str, *, greps: bool = False) -> Iterator[Converse]:
    from tiny_delivery import FILES  # noqa: PLC0415 - needed only in this process

    from mlexpert_nb.agent import TOOLS, Claude, Loop, Meter, Transcript, read_address  # noqa: PLC0415 - the same
    from mlexpert_nb.keys import Secret, redactor  # noqa: PLC0415 - the same
    from mlexpert_nb.packages import ContextPackage  # noqa: PLC0415 - the same
    from mlexpert_nb.workspace import Draft, Workspace  # noqa: PLC0415 - the same

    folder, secret = Path.cwd() / "work", Secret("none-0123456789")
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    meter, word = Meter(MODEL), replace(TOOLS["Grep"], call=lambda _stage, given: _grep(**given))
    llm = Claude(read_address(url, {}), secret, MODEL, meter=meter)
    with Workspace.open(folder).stage() as stage:

        def converse() -> Spent:
            clock, said = _Clock(), []
            transcript = Transcript(stage.state / "transcript.jsonl", redactor(secret), Draft(folder))
            transcript.go_live()
            loop = Loop(
                llm,
                stage,
                approve=lambda plan: plan,
                on_event=said.append,
                transcript=transcript,
                max_turns=50,
                redact=redactor(secret),
                nudges=1,
                meter=meter,
                tools=TOOLS if greps else {**TOOLS, "Grep": word},
            )
            outcome = loop.run(ContextPackage(TASK))
            spent = clock.spent()
            if outcome.reason != "done":
                raise SystemExit(f"{OURS}: the conversation ended with {outcome.reason}: {outcome.text}")
            return spent

        yield converse


def _pydantic_ai(url: str) -> Iterator[Converse]:
    yield from _agent(url, streams=False)


def _pydantic_ai_streaming(url: str) -> Iterator[Converse]:
    yield from _agent(url, streams=True)


def _agent(url: str, *, streams: bool) -> Iterator[Converse]:
    from pydantic_ai import Agent, Tool  # noqa: PLC0415 - a peer, needed only here
    from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415 - the same
    from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415 - the same

    model = AnthropicModel(MODEL, provider=AnthropicProvider(api_key="none", base_url=url))
    agent = Agent(model, tools=[Tool(_grep, name="Grep")], model_settings={"max_tokens": 16_000})

    async def hear(_context: Any, events: Any) -> None:
        async for event in events:
            str(event.event_kind)

    with asyncio.Runner() as runner:

        def converse() -> Spent:
            clock = _Clock()
            runner.run(agent.run(TASK, event_stream_handler=hear if streams else None))
            return clock.spent()

        yield converse


def _claude_agent_sdk(url: str) -> Iterator[Converse]:
    import claude_agent_sdk as sdk  # noqa: PLC0415 - a peer, needed only here

    @sdk.tool("Grep", _grep.__doc__, {"pattern": str})
    async def grep(given: dict[str, Any]) -> dict[str, Any]:
        return {"content": [{"type": "text", "text": _grep(**given)}]}

    quiet = ("DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING", "DISABLE_AUTOUPDATER")
    options = sdk.ClaudeAgentOptions(
        model=MODEL,
        tools=[],  # its own would make each request 40 KB larger
        mcp_servers={"bench": sdk.create_sdk_mcp_server("bench", tools=[grep])},
        allowed_tools=["mcp__bench__Grep"],
        setting_sources=[],
        system_prompt="",
        env={
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            **dict.fromkeys(quiet, "1"),
        },
        stderr=lambda _line: None,
    )

    async def run() -> Spent:
        async with sdk.ClaudeSDKClient(options) as client:
            clock = _Clock()
            await client.query(TASK)
            async for _message in client.receive_response():
                pass
            return clock.spent()

    yield lambda: asyncio.run(run())


WAYS = {
    OURS: Way(_ours),
    "ours, Grep through nine files": Way(_ours_with_grep),
    "anthropic messages.stream()": Way(_bare, limit=1.3),
    "the same with our prompt and tools": Way(_bare_with_our_words),
    "pydantic-ai": Way(_pydantic_ai, "pydantic_ai", 0.8),
    "pydantic-ai, streaming": Way(_pydantic_ai_streaming, "pydantic_ai", 0.8),
    "claude-agent-sdk": Way(_claude_agent_sdk, "claude_agent_sdk", 0.2),
}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            _serve()
        case [str(name), str(url)]:
            _work(WAYS[name], url)
        case [repeats]:
            sys.exit(main(int(repeats)))
        case _:
            sys.exit(main(15))
