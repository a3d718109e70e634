"""What the specialist is told before every conversation: a fixed text, so that endpoints can cache it."""

from functools import cache
from importlib import resources


@cache
def specialist_prompt() -> str:
    """Give the system prompt of the specialist; it holds nothing of the day, the machine or the request."""
    return resources.files("mlexpert_nb.agent.prompts").joinpath("ml-expert-specialist.prompt").read_text("utf-8")


__all__ = ["specialist_prompt"]
