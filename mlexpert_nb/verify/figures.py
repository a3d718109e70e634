"""Figures as people read them."""

_COUNTS = ((10**9, "B"), (10**6, "M"), (10**3, "K"))
_BYTES = ((10**9, "GB"), (10**6, "MB"), (10**3, "KB"))


def short_count(count: int) -> str:
    """Write a count: 24929609 is "24.9M"."""
    return _short(count, _COUNTS) or str(count)


def short_bytes(count: int) -> str:
    """Write a number of bytes in decimal units: 5200000000 is "5.2GB"."""
    return _short(count, _BYTES) or f"{count}B"


def short_ms(value: float) -> str:
    """Write milliseconds with two digits or more: "24ms", "9.1ms"."""
    return f"{value:.0f}ms" if value >= 9.95 else f"{value:.1f}ms"  # noqa: PLR2004 - shown as 10 from here on


def _short(count: int, units: tuple[tuple[int, str], ...]) -> str:
    return next((f"{count / size:.1f}{unit}" for size, unit in units if count >= size), "")
