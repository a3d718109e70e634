"""A test double for an llm: it says what the script says."""

from collections.abc import Sequence

from mlexpert_nb.agent.llm import OnText, Request, Turn


class ScriptedLLM:
    """Plays turns in order and keeps the requests that it was given; ends the turn when the script is over."""

    name = "scripted"
    statement = "Answered by a script, for tests."

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = tuple(turns)
        self.requests: list[Request] = []

    def turn(self, request: Request, on_text: OnText) -> Turn:
        """Give the next turn of the script."""
        played = len(self.requests)
        self.requests.append(request)
        turn = self._turns[played] if played < len(self._turns) else Turn((), "end_turn")
        if turn.text:
            on_text(turn.text)
        return turn
