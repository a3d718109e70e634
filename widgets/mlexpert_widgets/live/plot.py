"""A matplotlib figure that shows itself in a notebook, with no pyplot and no state of its own."""

import io

from matplotlib.figure import Figure
from PIL import Image

COLOURS = 48
SMALLER = ((1.0, 24), (0.8, 24), (0.65, 24), (0.5, 16), (0.4, 16), (0.3, 8))  # size and colours where bytes are few


class Plot(Figure):
    """A figure for a report; `savefig` writes it as PDF, SVG or PNG."""

    def __init__(self, width: float = 7.2, height: float = 2.8) -> None:
        """Make an empty figure.

        Args:
            width: Inches.
            height: Inches.
        """
        super().__init__(figsize=(width, height), layout="constrained")

    def png(self, dpi: int = 80, *, most_bytes: int | None = None) -> bytes:
        """Draw it as PNG with few colours, which makes a quarter of the bytes.

        Args:
            dpi: Pixels of an inch.
            most_bytes: What it may take: it gets fewer colours, then fewer pixels, until it fits; nothing is given if
                it never does.
        """
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=dpi, facecolor="white")
        image = Image.open(drawn).convert("RGB")
        made = _encoded(image, COLOURS)
        for scale, colours in SMALLER:
            if most_bytes is None or len(made) <= most_bytes:
                return made
            small = image.resize((round(image.width * scale), round(image.height * scale)))
            made = _encoded(small, colours, Image.Quantize.FASTOCTREE)  # of few colours it keeps those of the lines
        return made if most_bytes is None or len(made) <= most_bytes else b""

    def _repr_png_(self) -> bytes:
        return self.png(110)


def _encoded(image: Image.Image, colours: int, method: Image.Quantize = Image.Quantize.MEDIANCUT) -> bytes:
    small = io.BytesIO()
    image.quantize(colours, method).save(small, format="png", optimize=True)
    return small.getvalue()
