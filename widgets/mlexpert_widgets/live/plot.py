"""A matplotlib figure that shows itself in a notebook, with no pyplot and no state of its own."""

import io

from matplotlib.figure import Figure
from PIL import Image

COLOURS = 48


class Plot(Figure):
    """A figure for a report; `savefig` writes it as PDF, SVG or PNG."""

    def __init__(self, width: float = 7.2, height: float = 2.8) -> None:
        """Make an empty figure.

        Args:
            width: Inches.
            height: Inches.
        """
        super().__init__(figsize=(width, height), layout="constrained")

    def png(self, dpi: int = 80) -> bytes:
        """Draw it as PNG with few colours, which makes a quarter of the bytes."""
        drawn, small = io.BytesIO(), io.BytesIO()
        self.savefig(drawn, format="png", dpi=dpi, facecolor="white")
        Image.open(drawn).convert("RGB").quantize(COLOURS).save(small, format="png", optimize=True)
        return small.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png(110)
