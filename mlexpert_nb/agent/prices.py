"""What tokens cost: a table with its date, and a meter that holds a run to its budget."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlexpert_nb.agent.llm import Usage
from mlexpert_nb.errors import UsageError

AS_OF = "2026-11-28"  # prices change; whoever mends the table moves the date
_USUAL_TURNS, _USUAL_OUTPUT, _GROWTH = 20, 1_200, 1_600  # of a run: turns, tokens written and added in each
_CACHE_WRITE, _CACHE_READ = 1.25, 0.1  # of the input price, for five minutes


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a million tokens."""

    read: float
    written: float

    def of(self, usage: Usage) -> float:
        """Give what some tokens cost, in US dollars."""
        read = usage.input_tokens + _CACHE_WRITE * usage.cache_write_tokens + _CACHE_READ * usage.cache_read_tokens
        return (read * self.read + usage.output_tokens * self.written) / 1e6


PRICES: Mapping[str, Price] = {
    "claude-fable-5-1": Price(10, 50),
    "claude-opus-5-5": Price(4, 20),
    "claude-opus-5": Price(5, 25),
    "claude-opus-4-7": Price(5, 25),
    "claude-opus-4-6": Price(5, 25),
    "claude-opus-4-5": Price(5, 25),
    "claude-sonnet-5-5": Price(2, 10),
    "claude-sonnet-4-6": Price(3, 15),
    "claude-haiku-4-5": Price(1, 5),
}


def price_of(model: str, *, is_first_party: bool) -> Price | None:
    """Give the price of a model; None where it is not known, which is so for every other endpoint than Anthropic's."""
    return PRICES.get(model) if is_first_party else None


@dataclass(slots=True)
class Meter:
    """Adds up a run, and says when the next turn could cost more than is left.

    Attributes:
        model: Whose tokens they are.
        price: What they cost; None where nobody knows.
        budget_usd: What the run may cost; None is no limit.
    """

    model: str = ""
    price: Price | None = None
    budget_usd: float | None = None
    usage: Usage = field(default_factory=Usage)
    lost_usd: float = 0.0

    def __post_init__(self) -> None:
        if self.budget_usd is not None and self.price is None and self.model:
            known = ", ".join(PRICES)
            raise UsageError(
                f"--budget-usd {self.budget_usd}: the price of {self.model} is not known (table of {AS_OF}: {known}), "
                "so the budget could not be held; leave it out and use --max-turns"
            )

    @property
    def spent_usd(self) -> float | None:
        """What the run cost so far; None where no price is known."""
        return None if self.price is None else self.price.of(self.usage) + self.lost_usd

    def add(self, usage: Usage) -> None:
        """Count one whole turn."""
        self.usage += usage

    def lose(self, num_input_tokens: int, num_output_tokens: int = 0) -> None:
        """Count a call that failed half-way and may have been billed: what it read, as a cache write, and wrote."""
        if self.price is not None:
            lost = Usage(cache_write_tokens=num_input_tokens, output_tokens=num_output_tokens)
            self.lost_usd += self.price.of(lost)

    def affordable(self, num_input_tokens: int, most: int) -> int:
        """Give how many tokens the next turn may write so that the budget holds whatever it does; 0 if it cannot.

        Args:
            num_input_tokens: What it will read.
            most: What it may write at most in any case.
        """
        if self.budget_usd is None or self.price is None:
            return most
        read = int(num_input_tokens * 1.05) + 100  # a count before the call may differ a little from the bill
        left = self.budget_usd - (self.spent_usd or 0.0) - self.price.of(Usage(cache_write_tokens=read))
        return max(0, min(most, int(left * 1e6 / self.price.written)))

    def estimate(self, num_input_tokens: int) -> str:
        """Say what the first call reads, and what a run of the usual length would cost; an estimate, and it says so."""
        if self.price is None:
            return f"the first call reads about {num_input_tokens:,} tokens; the price of {self.model} is not known"
        turns = _USUAL_TURNS
        grown = num_input_tokens * turns + _GROWTH * turns * (turns - 1) // 2
        usual = self.price.of(
            Usage(
                cache_write_tokens=num_input_tokens + _GROWTH * turns,
                cache_read_tokens=grown,
                output_tokens=_USUAL_OUTPUT * turns,
            )
        )
        limit = f"; the run stops before it costs more than ${self.budget_usd:.2f}" if self.budget_usd else ""
        return (
            f"the first call reads about {num_input_tokens:,} tokens; a run of {turns} turns would cost about "
            f"${usual:.2f} (estimate, prices of {AS_OF}){limit}"
        )

    def told(self) -> str:
        """Say where the run stands, for the card."""
        tokens = f"{self.usage.read:,} tokens read, {self.usage.output_tokens:,} written"
        if self.usage.cache_read_tokens:
            tokens += f" ({self.usage.cache_read_tokens / max(1, self.usage.read):.0%} of those read from the cache)"
        if self.spent_usd is None:
            return f"{tokens}; no price known"
        limit = f" of ${self.budget_usd:.2f}" if self.budget_usd is not None else ""
        return f"{tokens}; ${self.spent_usd:.4f}{limit} (prices of {AS_OF})"
