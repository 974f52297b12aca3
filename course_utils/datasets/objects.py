"""Objects of one record: their boxes from their pixels."""

from __future__ import annotations

import numpy as np


def extent(inside: np.ndarray) -> np.ndarray:
    """Return (ymin, xmin, ymax, xmax) of the pixels that are inside, in pixels; at least one must be."""
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    return np.array([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])


def objects_of_classes(mask: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take each class that occurs in a mask as one object.

    Parameters
    ----------
    mask
        (height, width): 0 for background, else one more than the pixel's class.
    count
        Number of classes, and of the rows returned.

    Returns
    -------
    boxes, labels, numbered
        Boxes (count, 4), float32, in fractions; labels (count,), int32, −1 beyond the objects; mask
        (height, width) of bytes, in which k is the object of row k − 1.
    """
    boxes = np.zeros((count, 4), np.float32)
    labels = np.full(count, -1, np.int32)
    numbered = np.zeros(mask.shape, np.uint8)
    present = [value for value in np.unique(mask) if value > 0]
    for row, value in enumerate(present):
        inside = mask == value
        boxes[row] = extent(inside) / np.tile(mask.shape, 2)
        labels[row] = value - 1
        numbered[inside] = row + 1
    return boxes, labels, numbered
