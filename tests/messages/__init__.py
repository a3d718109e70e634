"""A Messages endpoint on this machine: plays scripts and every fault, and writes down what it was sent.

    with Server() as server:
        server.play(turn(text("hello")))
        anthropic.Anthropic(base_url=server.url, api_key="x").messages.stream(...)

A model named `fake-<scenario>` gets that scenario of `faults.py` instead of the script.
"""

from messages.replies import Reply, text, thinking, tool, turn
from messages.server import Server

__all__ = ["Reply", "Server", "text", "thinking", "tool", "turn"]
