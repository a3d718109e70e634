"""The SDK on a thread of its own: it sends and receives there, and everything of ours happens in the caller's thread.

A kernel's main thread has a running loop, and only it can ask the user or be interrupted. So the SDK gets a loop on
another thread, and what it has to say or wants done is handed over one by one. Waiting for that is a plain lock, which
an interrupt breaks at once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeAlias

from mlexpert_nb.agent.llm import Block
from mlexpert_nb.agent.sdk.guard import WORK, Guard
from mlexpert_nb.agent.sdk.home import Home, private_home
from mlexpert_nb.agent.sdk.options import Call
from mlexpert_nb.agent.wire import to_block

_LAST_S = 0.03  # for what is still on its way to be read or to end by itself

Make: TypeAlias = Callable[[Home, Call], Any]
"""Makes the SDK's client, given where its program lives and who carries out tool calls."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The SDK wants a tool call carried out, and waits for `Session.answer`."""

    name: str
    given: Mapping[str, Any]
    answered: "asyncio.Future[tuple[str, bool]]"


@dataclass(frozen=True, slots=True)
class Broken:
    """The SDK raised; nothing comes after it."""

    error: Exception


class Session:
    """One connection to the SDK's program, from the first prompt until `close`.

    Used from one thread, in turn: `send` a prompt, then take what comes with `receive`.
    """

    def __init__(self, make: Make, guard: Guard) -> None:
        self._make, self._guard = make, guard
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._prompts: asyncio.Queue[Sequence[Block]] = asyncio.Queue()
        self._resources = ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._home: Home | None = None
        self._thread: Thread | None = None
        self._work: asyncio.Task[None] | None = None
        self._settling: asyncio.Future[None] | None = None  # kept, else it may be collected before it is done
        self._client: Any = None
        self._opened = False

    def send(self, prompt: Sequence[Block]) -> None:
        """Say something to the language model; the first time this starts the program."""
        if self._loop is None:
            self._home = self._resources.enter_context(private_home())
            self._loop = asyncio.new_event_loop()
            self._thread = Thread(target=self._run, args=(self._loop, self._home), name="claude-agent-sdk", daemon=True)
            self._thread.start()
        self._soon(lambda: self._prompts.put_nowait(prompt))

    def receive(self) -> Any:
        """Wait for the next message of the SDK, a `Wanted` or a `Broken`; an interrupt ends the waiting."""
        return self._inbox.get()

    def answer(self, wanted: Wanted, text: str, *, is_error: bool) -> None:
        """Give the result of a tool call, and open the working tools if the plan has been approved by it."""
        opens = self._guard.phase == "work" and not self._opened
        self._opened = self._opened or opens

        def settle() -> None:
            self._settling = asyncio.ensure_future(self._settle(wanted, (text, is_error), opens=opens))

        self._soon(settle)

    def stop(self) -> None:
        """End it in the middle and without waiting: kill first; the thread finds nothing left to do and ends."""
        if self._home is not None:
            self._home.kill()
        self.close(patience_s=_LAST_S)

    def close(self, patience_s: float = 5.0) -> None:
        """End it: the program and all it started are killed, its home is removed; safe to call again.

        Args:
            patience_s: How long to wait for the thread, which takes a few milliseconds unless it loads the SDK.
        """
        if self._thread is not None:
            self._soon(self._cancel)
            self._thread.join(patience_s)
        if self._home is not None:
            self._home.kill()
        self._resources.close()

    def _soon(self, step: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself, and what it left in the inbox says why
                self._loop.call_soon_threadsafe(step)

    def _cancel(self) -> None:
        work, self._work = self._work, None  # once: a second time would break off the tidying up
        if work is not None:
            work.cancel()

    def _run(self, loop: asyncio.AbstractEventLoop, home: Home) -> None:
        asyncio.set_event_loop(loop)
        work = self._work = loop.create_task(self._converse(home))
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(work)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    async def _converse(self, home: Home) -> None:
        try:
            self._client = self._make(home, self._call)
            await self._client.connect()
            await self._client.toggle_mcp_server(WORK, enabled=False)
            while True:
                await self._client.query(_said(await self._prompts.get()))
                async for message in self._client.receive_response():
                    self._inbox.put(message)
        except Exception as error:  # noqa: BLE001 - goes to the thread that waits, which makes one line of it
            self._inbox.put(Broken(error))
        finally:
            self._work = None
            # a moment later, when nobody reads from it any more and complains; what it would still save is thrown away
            asyncio.get_running_loop().call_later(_LAST_S, home.kill)
            if self._client is not None:
                with suppress(Exception):
                    await self._client.disconnect()

    async def _call(self, name: str, given: Mapping[str, Any]) -> tuple[str, bool]:
        answered: asyncio.Future[tuple[str, bool]] = asyncio.get_running_loop().create_future()
        self._inbox.put(Wanted(name, given, answered))
        return await answered

    async def _settle(self, wanted: Wanted, result: tuple[str, bool], *, opens: bool) -> None:
        try:
            if opens:
                await self._client.toggle_mcp_server(WORK, enabled=True)
        except Exception as error:  # noqa: BLE001 - as above
            self._inbox.put(Broken(error))
        if not wanted.answered.done():
            wanted.answered.set_result(result)


async def _said(blocks: Sequence[Block]) -> AsyncIterator[dict[str, Any]]:
    message = {"role": "user", "content": [to_block(block) for block in blocks]}
    yield {"type": "user", "message": message, "parent_tool_use_id": None}
