"""Amounts in words."""

UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def size(num_bytes: float) -> str:
    """Give bytes by 1024, in three digits or four: 5.21 GiB."""
    step, name = unit(num_bytes)
    if step == 1:
        return f"{num_bytes:.0f} B"
    value = num_bytes / step
    return f"{value:.0f} {name}" if abs(value) >= 100 else f"{value:.3g} {name}"  # noqa: PLR2004 - no exponent


def unit(largest: float) -> tuple[int, str]:
    """Choose the unit in which an axis up to some bytes is read best."""
    return next((each for each in UNITS if abs(largest) >= each[0]), (1, "bytes"))


def amount(value: float, unit_: str) -> str:
    """Give bytes ("B") or percent ("%") in words."""
    return f"{value:.0f} %" if unit_ == "%" else size(value)
