"""Scenes of several real digits, with boxes, classes and instance masks, generated from a seed.

The record is that of TensorFlow Datasets' ``voc``: corners (ymin, xmin, ymax, xmax) in fractions and a class
for each object. As in :mod:`~course_utils.datasets.composed`, no digit is on both sides.
"""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.datasets.composed import (
    _check_drawing,
    _check_sizes,
    _grey_pictures,
    _lay,
    _one_of_each_class,
    _resized,
    _strokes,
)
from course_utils.datasets.objects import extent
from course_utils.datasets.records import Dataset, Split, is_count
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Sequence

# A pixel belongs to a digit where it has more than this share of the digit's brightest one.
_INK = 0.3
# So many places are tried for a digit, then so many scenes, before we say that the digits do not fit.
_PLACES = 32
_SCENES = 200
# Masks are bytes.
_MOST_DIGITS = 255


def scenes(
    *,
    n: int = 1200,
    n_test: int = 400,
    canvas: int = 64,
    sizes: tuple[int, int] = (12, 30),
    digits: tuple[int, int] = (1, 4),
    overlap: float = 0.1,
    clutter: int = 4,
    noise: float = 0.05,
    source: str = "digits",
    seed: int = 0,
) -> Dataset:
    """Draw scenes of several digits among strokes of others.

    Parameters
    ----------
    n, n_test
        Numbers of training and of test scenes.
    canvas
        Height and width of a scene in pixels.
    sizes
        The smallest and the largest height and width of a digit's square in pixels, drawn evenly. A
        scene whose digits find no place is drawn anew, so that full scenes have smaller digits.
    digits
        The smallest and the largest number of digits in a scene, each number between them as frequent as it
        can be; ``(0, 4)`` makes scenes without an object too. Over all scenes the classes are even.
    overlap
        The largest intersection over union that two boxes of a scene may have, from 0 to 1. No digit is
        hidden by others altogether.
    clutter, noise
        As in :func:`~course_utils.datasets.composed.scattered`; strokes are no objects.
    source
        The dataset of grey pictures that the digits are taken from: ``"digits"``, or a name of TensorFlow
        Datasets such as ``"mnist"``.
    seed
        Decides everything that is drawn.

    Returns
    -------
    Dataset
        Inputs (n, canvas, canvas, 1) in [0, 1]. For at most m = ``digits[1]`` objects: boxes (n, m, 4), the
        extent of the whole digit's ink as (ymin, xmin, ymax, xmax) in fractions of the canvas; labels
        (n, m). Rows beyond a scene's objects are 0 in boxes and −1 in labels. Masks (n, canvas, canvas),
        bytes: 0 is background and k the object of row k − 1. A pixel belongs to the last digit that has
        there more than 0.3 of its brightest ink; its brightness is that of the brighter digit.

    Raises
    ------
    CourseError
        If an option is outside its range, the source has no grey pictures of classes, or the digits do not
        fit on the canvas with so little overlap.
    """
    _check_drawing(n=n, n_test=n_test, clutter=clutter, noise=noise, seed=seed)
    _check_sizes(canvas, sizes)
    _check_objects(digits, overlap)
    known = _grey_pictures(source)
    generator = np.random.default_rng(seed)

    def draw(part: Split, count: int) -> Split:
        fewest, most = digits
        numbers_of_digits = fewest + generator.permutation(np.arange(count) % (most - fewest + 1))
        present = np.arange(most) < numbers_of_digits[:, np.newaxis]
        labels = np.full((count, most), -1)
        labels[present] = generator.permutation(np.arange(present.sum()) % len(known.classes))
        chosen = np.zeros((count, most), int)
        chosen[present] = _one_of_each_class(part.labels, labels[present], generator)
        pictures = _strokes(part.inputs, (count, clutter), canvas, sizes, generator)
        boxes = np.zeros((count, most, 4), np.float32)
        masks = np.zeros((count, canvas, canvas), np.uint8)
        for index, number in enumerate(numbers_of_digits):
            arguments = (part.inputs[chosen[index, :number]], sizes, overlap, generator)
            boxes[index, :number] = _scene(pictures[index], masks[index], *arguments)
        noisy = pictures + noise * generator.standard_normal(pictures.shape, np.float32)
        return Split(np.clip(noisy, 0, 1)[..., np.newaxis], labels, boxes=boxes / canvas, masks=masks)

    train, test = draw(known.train, n), draw(known.test, n_test)
    provenance = (
        f"Composed from seed {seed}: {digits[0]} to {digits[1]} digits of {sizes[0]} to {sizes[1]} pixels "
        f"whose boxes overlap by at most {overlap:g}, {clutter} strokes of others and noise of {noise:g} on "
        f"{canvas}×{canvas} pixels. The digits: {known.provenance}"
    )
    return Dataset("scenes", train, test, known.classes, provenance, known.license)


def _scene(
    picture: np.ndarray,
    mask: np.ndarray,
    pictures_of_digits: np.ndarray,
    sizes: tuple[int, int],
    overlap: float,
    generator: np.random.Generator,
) -> np.ndarray:
    """Lay digits on a picture, number their pixels in its mask, and return their boxes (k, 4) in pixels."""
    for _ in range(_SCENES):
        pixels = generator.integers(*sizes, size=len(pictures_of_digits), endpoint=True)
        pieces = [_resized(*each) for each in zip(pictures_of_digits, pixels, strict=True)]
        corners, boxes = _apart(pieces, len(picture), overlap, generator)
        if len(boxes) < len(pieces):
            continue
        mask[:] = 0
        for number, (piece, corner) in enumerate(zip(pieces, corners, strict=True), start=1):
            (top, left), size = corner, len(piece)
            mask[top : top + size, left : left + size][_inked(piece)] = number
        if len(np.unique(mask[mask > 0])) < len(pieces):
            continue  # one lies hidden under the others
        for piece, corner in zip(pieces, corners, strict=True):
            _lay(picture, piece, corner)
        return np.reshape(boxes, (-1, 4))
    raise CourseError(
        f"No place was found for {len(pictures_of_digits)} digits of {sizes[0]} to {sizes[1]} pixels on a "
        f"canvas of {len(picture)} with an overlap of at most {overlap:g}: take fewer or smaller digits."
    )


def _apart(
    pieces: Sequence[np.ndarray], canvas: int, overlap: float, generator: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return corners and boxes in pixels, of fewer pieces than given where one found no place."""
    corners, boxes = [], []
    for piece in pieces:
        places = generator.integers(0, canvas - len(piece), size=(_PLACES, 2), endpoint=True)
        candidates = extent(_inked(piece)) + np.tile(places, 2)
        free = np.ones(_PLACES, bool)
        for box in boxes:
            free &= _overlap(candidates, box) <= overlap
        if not free.any():
            break
        first = np.argmax(free)
        corners.append(places[first])
        boxes.append(candidates[first])
    return corners, boxes


def _inked(piece: np.ndarray) -> np.ndarray:
    return piece > _INK * piece.max()


def _overlap(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the intersection over union of boxes (k, 4) with one box, none of them empty."""
    inner = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    shared = np.prod(np.maximum(inner, 0), axis=1)
    return shared / (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2]) - shared)


def _check_objects(digits: Any, overlap: Any) -> None:
    pair = tuple(digits) if isinstance(digits, tuple | list) else ()
    if (
        len(pair) != 2
        or not all(is_count(number, least=0) for number in pair)
        or not pair[0] <= pair[1] <= _MOST_DIGITS
        or pair[1] == 0
    ):
        raise CourseError(
            "digits is the smallest and the largest number of digits in a scene, such as (1, 4), at most "
            f"{_MOST_DIGITS}; not {digits!r}."
        )
    if isinstance(overlap, bool) or not isinstance(overlap, numbers.Real) or not 0 <= overlap <= 1:
        raise CourseError(f"overlap is an intersection over union from 0 to 1, not {overlap!r}.")
