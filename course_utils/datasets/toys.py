"""Points in the plane, generated from a seed: the same numbers with every version of scikit-learn."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING

import numpy as np

from course_utils.datasets.records import Dataset, Split, is_count
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Callable

_LICENSE = "none needed (generated)"


def moons(*, n: int = 400, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Draw two interleaved half circles of radius 1.

    Parameters
    ----------
    n
        Points in each of the two splits.
    noise
        Standard deviation of the Gaussian noise on both coordinates.
    seed
        Seed of the generator.

    Returns
    -------
    Dataset
        Inputs (n, 2), two classes.
    """

    def place(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        angle = math.pi * generator.random(n)
        upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
        return np.where(labels[:, None] == 0, upper, lower)

    return _generated(
        "moons", ("upper", "lower"), place, "two interleaved half circles", n=n, noise=noise, seed=seed
    )


def circles(*, n: int = 400, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Draw two concentric circles of radius 1 and 1/2; parameters as in :func:`moons`."""

    def place(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        angle = 2 * math.pi * generator.random(n)
        radius = np.where(labels == 0, 1.0, 0.5)
        return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    return _generated(
        "circles", ("outer", "inner"), place, "two concentric circles", n=n, noise=noise, seed=seed
    )


def spirals(*, n: int = 400, turns: float = 1.5, noise: float = 0.02, seed: int = 0) -> Dataset:
    """Draw two Archimedean spirals of outer radius 1, each `turns` times round the origin.

    The other parameters are those of :func:`moons`.
    """
    if isinstance(turns, bool) or not isinstance(turns, numbers.Real) or not 0 < turns < math.inf:
        raise CourseError(f"turns is a positive number such as 2.5, not {turns!r}.")

    def place(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        radius = np.sqrt(generator.random(n))  # about evenly along the arm, which lengthens outwards
        angle = 2 * math.pi * turns * radius + math.pi * labels
        return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    text = f"two spirals of {turns:g} turns"
    return _generated("spirals", ("first arm", "second arm"), place, text, n=n, noise=noise, seed=seed)


def xor(*, n: int = 400, noise: float = 0.15, seed: int = 0) -> Dataset:
    """Draw points around the corners of the unit square, labelled by exclusive or.

    With ``n=4, noise=0`` it is the truth table itself. Parameters as in :func:`moons`.
    """
    corner = np.arange(n) % 4 if is_count(n) else np.zeros(0, int)
    first, second = corner // 2, corner % 2

    def place(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        del labels, generator  # the corners come in turn
        return np.stack([first, second], axis=1).astype(float)

    text = "points around the corners of the unit square"
    return _generated(
        "xor", ("false", "true"), place, text, n=n, noise=noise, seed=seed, labels=first ^ second
    )


def blobs(*, n: int = 400, centres: int = 3, noise: float = 0.25, seed: int = 0) -> Dataset:
    """Draw round Gaussian clouds, one a class, with centres evenly on the unit circle.

    Parameters
    ----------
    n, noise, seed
        As in :func:`moons`.
    centres
        Number of clouds and classes, at least 2.

    Returns
    -------
    Dataset
        Inputs (n, 2), `centres` classes.
    """
    if not is_count(centres, least=2):
        raise CourseError(f"centres is a whole number from 2 on, not {centres!r}.")

    def place(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        del generator  # the noise alone spreads the points
        angle = 2 * math.pi * labels / centres
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)

    names = tuple(f"blob {index + 1}" for index in range(centres))
    return _generated("blobs", names, place, f"{centres} Gaussian clouds", n=n, noise=noise, seed=seed)


def ring(*, n: int = 4000, modes: int = 8, radius: float = 2.0, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Draw narrow Gaussian clouds evenly on a circle: a distribution of many modes with gaps between them.

    Parameters
    ----------
    n, noise, seed
        As in :func:`moons`.
    modes
        Number of clouds, at least 2; the label is the number of the cloud.
    radius
        Radius of the circle, on which the first centre is at (`radius`, 0).

    Returns
    -------
    Dataset
        Inputs (n, 2), `modes` classes.
    """
    if not is_count(modes, least=2):
        raise CourseError(f"modes is a whole number from 2 on, not {modes!r}.")
    if isinstance(radius, bool) or not isinstance(radius, numbers.Real) or not 0 < radius < math.inf:
        raise CourseError(f"radius is a positive number such as 2.0, not {radius!r}.")

    def place(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        del generator  # the noise alone spreads the points
        angle = 2 * math.pi * labels / modes
        return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    names = tuple(f"mode {index + 1}" for index in range(modes))
    text = f"{modes} Gaussian clouds on a circle of radius {radius:g}"
    return _generated("ring", names, place, text, n=n, noise=noise, seed=seed)


def checkerboard(*, n: int = 400, squares: int = 4, noise: float = 0.0, seed: int = 0) -> Dataset:
    """Draw points evenly in [−1, 1]², labelled by the colour of a board of `squares` × `squares`.

    The other parameters are those of :func:`moons`; noise moves a point after it got its label.
    """
    if not is_count(squares, least=2):
        raise CourseError(f"squares is a whole number from 2 on, not {squares!r}.")

    def place(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        # A row and half a column number; the label decides which of the two columns is meant.
        row = generator.integers(squares, size=n)
        column = generator.integers(squares, size=n)
        wrong = (row + column) % 2 != labels
        while wrong.any():
            column[wrong] = generator.integers(squares, size=int(wrong.sum()))
            wrong = (row + column) % 2 != labels
        inside = np.stack([column, row], axis=1) + generator.random((n, 2))
        return 2 * inside / squares - 1

    text = f"points on a board of {squares}×{squares} squares"
    return _generated("checkerboard", ("dark", "light"), place, text, n=n, noise=noise, seed=seed)


def _generated(
    name: str,
    classes: tuple[str, ...],
    place: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    text: str,
    *,
    n: int,
    noise: float,
    seed: int,
    labels: np.ndarray | None = None,
) -> Dataset:
    """Draw the two splits, one after the other, from one generator."""
    if not is_count(n, least=len(classes)):
        raise CourseError(f"n is a whole number from {len(classes)} on (one point a class), not {n!r}.")
    if isinstance(noise, bool) or not isinstance(noise, numbers.Real) or not 0 <= noise < math.inf:
        raise CourseError(f"noise is a standard deviation of at least 0, not {noise!r}.")
    if not is_count(seed, least=0):
        raise CourseError(f"seed is a whole number from 0 on, not {seed!r}.")
    generator = np.random.default_rng(seed)
    if labels is None:
        labels = np.arange(n) % len(classes)

    def draw() -> Split:
        points = place(labels, generator)
        return Split(points + noise * generator.standard_normal((n, 2)), labels)

    train, test = draw(), draw()
    provenance = f"Generated from seed {seed}: {text}, noise {noise:g}, {n} points in each split."
    return Dataset(name, train, test, classes, provenance, _LICENSE)
