"""The endpoint itself: uvicorn in a thread, over a real socket."""

import contextlib
import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from messages import faults
from messages.replies import Reply
from messages.rules import broken_rule


class Server:
    """A Messages endpoint in a thread.

    Attributes:
        requests: What it was sent: path, headers, body.
        broken_rules: What was wrong with calls that the real API would refuse.
        counts: Whether it counts tokens; a local server may not.
        knows_models: Whether it describes its models.
        reads_pdf: Whether documents make a difference to it.
        rejects: Called with the body of each call; gives a response to send instead, or None.
    """

    def __init__(self, *, counts=True, knows_models=False, reads_pdf=True):
        self.counts, self.knows_models, self.reads_pdf = counts, knows_models, reads_pdf
        self.requests, self.broken_rules, self.rejects = [], [], lambda _body: None
        self._script, self._hits = [], {}
        # with the protocol named, asyncio switches Nagle's delay off; without, each reply takes 45 ms more
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = Starlette(
            routes=[
                Route("/v1/messages", self._messages, methods=["POST"]),
                Route("/v1/messages/count_tokens", self._count, methods=["POST"]),
                Route("/v1/models/{name}", self._model),
            ]
        )
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_):
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(5)
        self._socket.close()

    def clear(self):
        """Forget the script and what was sent."""
        self._script.clear()
        self.requests.clear()
        self.broken_rules.clear()
        self._hits.clear()
        self.rejects = lambda _body: None
        self.counts, self.knows_models, self.reads_pdf = True, False, True

    def play(self, *replies):
        """Answer the next calls with these turns; a function gets the body of the call and gives the turn."""
        self._script += replies

    @property
    def bodies(self):
        """Bodies of the calls for a turn."""
        return [body for path, _, body in self.requests if path == "/v1/messages"]

    async def _messages(self, request):
        body = await self._note(request)
        broken = broken_rule(body)
        if broken:
            self.broken_rules.append(broken)
            return faults.error(400, broken)
        rejected = self.rejects(body)
        if rejected is not None:
            return rejected
        if body["model"].startswith("fake-"):
            name = body["model"].removeprefix("fake-")
            self._hits[name] = self._hits.get(name, 0) + 1
            return faults.answer(name, body, self._hits[name])
        planned = self._script.pop(0) if self._script else Reply([{"type": "text", "text": "the script is over"}])
        reply = planned(body) if callable(planned) else planned
        return faults.whole(reply, body["model"]) if isinstance(reply, Reply) else reply

    async def _count(self, request):
        body = await self._note(request)
        if not self.counts:
            return faults.error(404)
        counted = dict(body)
        if not self.reads_pdf:
            counted["messages"] = [
                {**m, "content": [b for b in m["content"] if isinstance(b, str) or b.get("type") != "document"]}
                for m in body["messages"]
            ]
        return JSONResponse({"input_tokens": len(str(counted)) // 4})

    async def _model(self, request):
        self.requests.append((request.url.path, dict(request.headers), {}))
        if not self.knows_models:
            return faults.error(404)
        yes, no = {"supported": True}, {"supported": False}
        thinking = {"supported": True, "types": {"adaptive": yes, "enabled": no, "disabled": yes, "between_tools": no}}
        return JSONResponse(
            {
                "id": request.path_params["name"],
                "type": "model",
                "display_name": "Fake",
                "created_at": "2026-01-01T00:00:00Z",
                "lifecycle": "active",
                "max_input_tokens": 100_000,
                "max_tokens": 8_000,
                "capabilities": {"pdf_input": yes, "thinking": thinking},
            }
        )

    async def _note(self, request):
        with contextlib.suppress(ValueError):
            body = await request.json()
            self.requests.append((request.url.path, dict(request.headers), body))
            return body
        return {}
