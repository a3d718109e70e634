"""The image of a plot: few bytes, at any price."""

import io

import numpy as np
from PIL import Image

from mlexpert_widgets.live.plot import Plot


def noisy():
    plot = Plot(7.2, 14)
    for axis in plot.subplots(5):
        for at in range(20):
            axis.plot(np.random.default_rng(at).normal(size=60))
    return plot


def test_an_image_gives_up_colours_and_pixels_until_it_fits_and_is_none_where_it_never_does():
    plot = noisy()
    whole = plot.png()
    fitting = plot.png(most_bytes=len(whole) // 3)
    assert len(fitting) <= len(whole) // 3
    assert Image.open(io.BytesIO(fitting)).width < Image.open(io.BytesIO(whole)).width
    assert plot.png(most_bytes=len(whole)) == whole
    assert plot.png(most_bytes=100) == b""
