"""Specialists behind the local endpoint: one that works well, and ways of working badly."""

import tiny_delivery

from messages import text, tool, turn

REQUEST = "Implement this small GRU language model architecture"


def proposal(files=tiny_delivery.FILES, **more):
    return tool(
        "propose_plan",
        title="a small language model",
        summary="One GRU.",
        steps=["write it", "test it"],
        files=[{"path": path, "action": "create", "description": "a file"} for path in files],
        **{"configuration": {"dim": 24}, **more},
    )


def writes(files):
    return turn(*(tool("Write", path=path, text=content) for path, content in files.items()))


def good(files=tiny_delivery.FILES):
    """Plan, write, say so."""
    return [turn(text("I look."), proposal(files)), writes(files), turn(text("Everything is written."))]
