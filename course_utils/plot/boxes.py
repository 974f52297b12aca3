"""Boxes on images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def boxes(
    axes: Axes,
    boxes: Any,
    *,
    texts: Sequence[str] | None = None,
    colour: str = theme.COLOURS[5],
    linestyle: Any = "-",
    label: str = "",
) -> Axes:
    """Draw boxes on an image that stands in the axes already.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With one image, as :func:`course_utils.plot.images` draws it.
    boxes : array (m, 4)
        As (ymin, xmin, ymax, xmax) in fractions of the image. Rows of zeros are left out: they fill up the
        arrays of images with fewer objects.
    texts : sequence of str, optional
        One for each row of `boxes`, written at its upper left corner, inside the axes.
    colour, linestyle
        Of all these boxes; a second kind of boxes is a second call with another style.
    label : str
        Names this kind of boxes for a legend.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no image in the axes, the array has another shape or the texts another number.
    """
    axes = theme.single(axes)
    if not axes.images:
        raise ValueError("boxes are drawn on an image: draw it first, with plot.images")
    places = theme.numbers(boxes, "boxes")
    if places.size == 0:
        places = places.reshape(0, 4)
    if places.ndim != 2 or places.shape[1] != 4:
        raise ValueError(f"boxes have the shape (m, 4), not {places.shape}")
    names = theme.check_labels(texts, len(places))
    from matplotlib.collections import PolyCollection

    height, width = axes.images[-1].get_array().shape[:2]
    drawn = places.any(axis=1)
    edges = (places * [height, width, height, width] - 0.5)[drawn]
    corners = [[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for y0, x0, y1, x1 in edges]
    look = {"facecolors": "none", "edgecolors": colour, "linestyles": linestyle, "linewidths": 1.8}
    axes.add_collection(PolyCollection(corners, clip_on=False, label=label, **look), autolim=False)
    for name, (top, left, _, _) in zip(np.asarray(names)[drawn], edges, strict=True):
        if not name:
            continue
        above = top > 0.06 * height  # there is room for the text
        axes.text(
            left,
            top,
            name,
            va="bottom" if above else "top",
            fontsize=8,
            color="white",
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8},
        )
    return axes
