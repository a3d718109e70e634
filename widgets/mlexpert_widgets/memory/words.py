"""Bytes in words."""


def size(num_bytes: float) -> str:
    """Give bytes by 1024, in three digits or four: 5.21 GiB."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        value = num_bytes / 1024**power
        if abs(value) >= 1:
            return f"{value:.0f} {unit}" if abs(value) >= 100 else f"{value:.3g} {unit}"  # noqa: PLR2004 - no exponent
    return f"{num_bytes:.0f} B"
