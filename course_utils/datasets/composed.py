"""Pictures composed of real digits on a larger canvas, with clutter and noise, generated from a seed.

The digits of a training picture are training digits of the source and those of a test picture are test
digits, so that no digit is on both sides (the same person's hand can be, where the source does not separate
writers: ``digits`` does not, MNIST does).
"""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.datasets.bundled import _chosen
from course_utils.datasets.records import Dataset, Split, is_count
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Sequence

# A piece of clutter is so many pixels wide and high: a stroke, not a digit.
_PIECE = 5
# Strokes are cut out of so many digits: enough variety, and resizing is what takes the time.
_CUT_FROM = 512


def scattered(
    *,
    n: int = 4000,
    n_test: int = 1000,
    canvas: int = 32,
    sizes: tuple[int, int] = (8, 20),
    place: str = "anywhere",
    clutter: int = 4,
    noise: float = 0.1,
    classes: Sequence[str] | None = None,
    source: str = "digits",
    seed: int = 0,
) -> Dataset:
    """Draw pictures of one whole digit each, among strokes of other digits (after Mnih et al. 2014).

    Parameters
    ----------
    n, n_test
        Numbers of training and of test pictures, the classes as even as they can be.
    canvas
        Height and width of a picture in pixels.
    sizes
        The smallest and the largest height and width of a digit in pixels; every whole number between
        them is as likely.
    place
        ``"anywhere"`` on the canvas, each place as likely, or ``"centre"``.
    clutter
        Number of pieces of 5×5 pixels, cut at random from other pictures' digits and laid under this one.
    noise
        Standard deviation of the Gaussian noise on every pixel; values are cut to [0, 1] afterwards.
    classes
        Names of the classes wanted, numbered in this order; all without it.
    source
        The dataset of grey pictures that the digits are taken from: ``"digits"``, or a name of TensorFlow
        Datasets such as ``"mnist"``.
    seed
        Decides everything that is drawn.

    Returns
    -------
    Dataset
        Inputs (n, canvas, canvas, 1) in [0, 1]; boxes (n, 4) of the digits as (top, left, bottom, right),
        in fractions of the canvas.

    Raises
    ------
    CourseError
        If a number is outside its range, a digit is larger than the canvas, or the source has no grey
        pictures of classes.

    References
    ----------
    V. Mnih, N. Heess, A. Graves and K. Kavukcuoglu, Recurrent models of visual attention, 2014,
    arXiv:1406.6247, section 4.1 (there 8×8 pieces of MNIST's digits).
    """
    _check_drawing(n=n, n_test=n_test, clutter=clutter, noise=noise, seed=seed)
    _check_sizes(canvas, sizes)
    if place not in ("anywhere", "centre"):
        raise CourseError(f"place is 'anywhere' or 'centre', not {place!r}.")
    digits = _grey_pictures(source)
    rows = _chosen("scattered", "classes", classes, digits.classes)
    generator = np.random.default_rng(seed)

    def draw(part: Split, count: int) -> Split:
        labels = generator.permutation(np.arange(count) % len(rows))
        pictures = _strokes(part.inputs, (count, clutter), canvas, sizes, generator)
        chosen = _one_of_each_class(part.labels, np.array(rows)[labels], generator)
        size, corner = _placed(count, sizes, canvas, generator)
        if place == "centre":
            corner = np.repeat((canvas - size)[:, np.newaxis] // 2, 2, axis=1)
        for picture, digit, pixels, where in zip(pictures, part.inputs[chosen], size, corner, strict=True):
            _lay(picture, _resized(digit, pixels), where)
        boxes = np.concatenate([corner, corner + size[:, np.newaxis]], axis=1) / canvas
        noisy = pictures + noise * generator.standard_normal(pictures.shape, np.float32)
        return Split(np.clip(noisy, 0, 1)[..., np.newaxis], labels, boxes=boxes.astype(np.float32))

    train, test = draw(digits.train, n), draw(digits.test, n_test)
    provenance = (
        f"Composed from seed {seed}: one digit of {sizes[0]} to {sizes[1]} pixels "
        f"{'anywhere' if place == 'anywhere' else 'in the centre'}, {clutter} strokes of others and noise of "
        f"{noise:g} on {canvas}×{canvas} pixels. The digits: {digits.provenance}"
    )
    names = tuple(digits.classes[row] for row in rows)
    return Dataset("scattered", train, test, names, provenance, digits.license)


def _grey_pictures(source: Any) -> Dataset:
    from course_utils.datasets import load

    if source in ("scattered", "scenes", "photographs"):
        raise CourseError(f"source is a dataset of single grey digits such as 'digits', not {source!r}.")
    dataset = load(source)
    if len(dataset.shape) != 3 or dataset.shape[-1] != 1 or not dataset.classes:
        raise CourseError(
            "source is a dataset of grey pictures with classes, such as 'digits' or 'mnist'; the records of "
            f"{source!r} have the shape {dataset.shape}."
        )
    return dataset


def _check_drawing(*, clutter: Any, noise: Any, seed: Any, **counts: Any) -> None:
    for name, count in counts.items():
        if not is_count(count):
            raise CourseError(f"{name} is a whole number from 1 on, not {count!r}.")
    for name, count in (("clutter", clutter), ("seed", seed)):
        if not is_count(count, least=0):
            raise CourseError(f"{name} is a whole number from 0 on, not {count!r}.")
    if isinstance(noise, bool) or not isinstance(noise, numbers.Real) or not 0 <= noise < math.inf:
        raise CourseError(f"noise is a standard deviation of at least 0, not {noise!r}.")


def _check_sizes(canvas: Any, sizes: Any) -> None:
    if not is_count(canvas, least=_PIECE):
        raise CourseError(f"canvas is a whole number of pixels from {_PIECE} on, not {canvas!r}.")
    pair = tuple(sizes) if isinstance(sizes, tuple | list) else ()
    if len(pair) != 2 or not all(is_count(size, least=_PIECE) for size in pair) or pair[0] > pair[1]:
        raise CourseError(
            f"sizes is the smallest and the largest digit in pixels, {_PIECE} or more, such as (8, 20); "
            f"not {sizes!r}."
        )
    if pair[1] > canvas:
        raise CourseError(f"A digit of {pair[1]} pixels does not fit on a canvas of {canvas}.")


def _one_of_each_class(known: np.ndarray, wanted: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return the position of a random record of each wanted class."""
    order = np.argsort(known, kind="stable")
    first, count = np.searchsorted(known[order], wanted), np.bincount(known)[wanted]
    return order[first + generator.integers(count)]


def _placed(
    count: int, sizes: tuple[int, int], room: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return heights (count,) and corners (count, 2) of squares that lie within `room` pixels."""
    size = generator.integers(sizes[0], sizes[1], size=count, endpoint=True)
    return size, generator.integers(0, (room - size)[:, np.newaxis], size=(count, 2), endpoint=True)


def _strokes(
    digits: np.ndarray,
    shape: tuple[int, int],
    canvas: int,
    sizes: tuple[int, int],
    generator: np.random.Generator,
) -> np.ndarray:
    """Return pictures (shape[0], canvas, canvas) with shape[1] pieces of digits on each."""
    pictures = np.zeros((shape[0], canvas, canvas), np.float32)
    count = shape[0] * shape[1]
    size = generator.integers(sizes[0], sizes[1], size=_CUT_FROM, endpoint=True)
    chosen = digits[generator.integers(len(digits), size=_CUT_FROM)]
    resized = [_resized(digit, pixels) for digit, pixels in zip(chosen, size, strict=True)]
    piece = generator.integers(_CUT_FROM, size=count)
    cut = generator.integers(0, (size[piece] - _PIECE)[:, np.newaxis], size=(count, 2), endpoint=True)
    corner = generator.integers(0, canvas - _PIECE, size=(count, 2), endpoint=True)
    for index in range(count):
        top, left = cut[index]
        stroke = resized[piece[index]][top : top + _PIECE, left : left + _PIECE]
        _lay(pictures[index // max(shape[1], 1)], stroke, corner[index])
    return pictures


def _resized(digit: np.ndarray, size: int) -> np.ndarray:
    """Return a digit (height, width, 1) as (size, size), smoothed where it shrinks."""
    from PIL import Image

    picture = Image.fromarray(digit[..., 0])
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))


def _lay(picture: np.ndarray, piece: np.ndarray, corner: np.ndarray) -> None:
    """Lay ink on a picture in place: what is brighter stays."""
    (top, left), (height, width) = corner, piece.shape
    region = picture[top : top + height, left : left + width]
    np.maximum(region, piece, out=region)
