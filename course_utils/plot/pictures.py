"""Images side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.plot import theme


def images(
    images: Any,
    *,
    titles: Sequence[str] | None = None,
    columns: int = 8,
    title: str = "",
    cmap: str = "grey",
    limits: tuple[float, float] | str | None = None,
    colour_label: str = "",
    size: float | None = None,
    axes: Any = None,
) -> np.ndarray:
    """Draw images in rows.

    Parameters
    ----------
    images : array (n, h, w), (n, h, w, 1), (n, h, w, 3) or (h, w), or a list of single images
        Grey images of any range, or colour images in [0, 1] or of type uint8. One colour image is given as a
        list of one.
    titles : sequence of str, optional
        One per image, above it.
    columns : int
        Images in a row.
    title : str
        Title above all.
    cmap : str
        Colour map of grey images; ``"RdBu_r"`` for images with a sign, such as weights.
    limits : (float, float) or "each", optional
        Values drawn darkest and brightest. By default the same for all images: (0, 1) if they lie in it, else
        their smallest and largest value (symmetric about 0 for a diverging map); ``"each"`` takes each
        image's own.
    colour_label : str
        If given, a colour bar with this label stands beside the images.
    size : float, optional
        Width of one image in inches.
    axes : matplotlib.axes.Axes or array of them, optional
        At least one for each image; a new figure by default.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (n,)

    Raises
    ------
    ValueError
        If the shape is none of these, or the numbers of images, titles and axes do not match.
    """
    pictures = _pictures(images)
    theme.check_count(columns, "columns")
    names = theme.check_labels(titles, len(pictures))
    ranges = [_limits(picture, pictures, limits, cmap) for picture in pictures]
    columns = min(columns, len(pictures))
    new = axes is None
    panels = _new_panels(pictures, columns, size, with_titles=titles is not None) if new else np.ravel(axes)
    if len(panels) < len(pictures):
        raise ValueError(f"there are {len(pictures)} images but only {len(panels)} axes")
    for panel, picture, name, (low, high) in zip(panels, pictures, names, ranges, strict=False):
        shown = panel.imshow(picture, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set_visible(False)
        if name:
            panel.set_title(name, fontsize=10, pad=3)
    for spare in panels[len(pictures) :] if new else ():
        spare.set_visible(False)
    used = panels[: len(pictures)]
    if colour_label:
        used[0].figure.colorbar(shown, ax=list(used), label=colour_label)
    if title and (new or len(used) > 1):
        used[0].figure.suptitle(title)
    elif title:
        theme.finish(used[0], title=title)
    return used


def _pictures(images: Any) -> list[np.ndarray]:
    """Return single images, (h, w) or (h, w, 3 or 4)."""
    if not isinstance(images, list | tuple):
        whole = np.asarray(images)
        if whole.ndim == 3 and whole.shape[-1] in (3, 4) and whole.shape[0] > 16:
            raise ValueError(f"shape {whole.shape} looks like one colour image: give it as a list, [image]")
        images = [whole] if whole.ndim == 2 else list(whole)
    pictures = [np.asarray(image) for image in images]
    if not pictures:
        raise ValueError("there is no image to draw")
    for index, picture in enumerate(pictures):
        if picture.ndim == 3 and picture.shape[-1] == 1:
            pictures[index] = picture[..., 0]
        elif picture.ndim != 2 and not (picture.ndim == 3 and picture.shape[-1] in (3, 4)):
            raise ValueError(
                f"an image has shape (h, w), (h, w, 1) or (h, w, 3), but image {index} has {picture.shape}; "
                "show channels as separate images"
            )
    return pictures


def _limits(picture: np.ndarray, all_pictures: list[np.ndarray], limits: Any, cmap: str) -> tuple[Any, Any]:
    """Return the darkest and brightest value of one image; colour images have none."""
    if picture.ndim == 3:
        return None, None
    if isinstance(limits, str):
        theme.check_choice(limits, "limits", ("each",))
        considered = [picture]
    elif limits is not None:
        if not limits[0] < limits[1]:
            raise ValueError(f"limits must run from a smaller to a larger value, not {limits}")
        return limits
    else:
        considered = [each for each in all_pictures if each.ndim == 2]
    low = min(float(np.nanmin(each)) for each in considered)
    high = max(float(np.nanmax(each)) for each in considered)
    if cmap in ("RdBu", "RdBu_r", "coolwarm", "bwr", "seismic", "PuOr", "PuOr_r", "BrBG"):
        high = max(abs(low), abs(high))
        return -high, high
    if limits is None and low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high


def _new_panels(
    pictures: list[np.ndarray], columns: int, size: float | None, *, with_titles: bool
) -> np.ndarray:
    """Make a figure whose cells have the shape of the first image."""
    rows = -(-len(pictures) // columns)
    width = size or min(3.6, max(0.95, 8.0 / (columns + 1)))
    height = width * pictures[0].shape[0] / pictures[0].shape[1]
    return np.ravel(
        theme.figure(
            rows,
            columns,
            width=max(2.0, columns * width),
            height=max(1.2, rows * (height + (0.22 if with_titles else 0.03)) + 0.4),
        )
    )
