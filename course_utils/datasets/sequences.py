"""Sequences: the adding problem, two measured time series, and the text of Python's documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.datasets.records import Dataset, Split, is_count
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Iterable

# The text's characters: the end of a line and what can be printed in ASCII.
CHARACTERS = ("\n", *map(chr, range(32, 127)))
# Signs of typography, which vary between versions of the documentation's tools, and their plain forms.
_PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "--", "–": "-", "…": "..."})


def adding(*, n: int = 2000, n_test: int = 1000, length: int = 50, seed: int = 0) -> Dataset:
    """Draw the adding problem: remember two marked numbers of a long row and give their sum.

    Parameters
    ----------
    n, n_test
        Numbers of training and of test sequences.
    length
        Steps of a sequence, at least 2.
    seed
        Decides everything that is drawn.

    Returns
    -------
    Dataset
        Inputs (n, length, 2): at each step a number drawn evenly from [0, 1], and 1 if it is marked, else 0;
        one mark lies in the first half and one in the second. Labels (n,): the sum of the two marked
        numbers, with mean 1 and variance 1/6.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9, 1997, section 5.4 (there
    numbers from [−1, 1] and sequences of different lengths); this form is that of Q. Le, N. Jaitly and
    G. Hinton, A simple way to initialize recurrent networks of rectified linear units, 2015,
    arXiv:1504.00941, section 4.1.
    """
    for name, count, least in (("n", n, 1), ("n_test", n_test, 1), ("length", length, 2), ("seed", seed, 0)):
        _check_count(name, count, least)
    generator = np.random.default_rng(seed)

    def draw(count: int) -> Split:
        inputs = np.zeros((count, length, 2), np.float32)
        inputs[..., 0] = generator.random((count, length), np.float32)
        rows = np.arange(count)
        inputs[rows, generator.integers(0, length // 2, count), 1] = 1
        inputs[rows, generator.integers(length // 2, length, count), 1] = 1
        return Split(inputs, inputs.prod(axis=2).sum(axis=1))

    provenance = f"Generated from seed {seed}: rows of {length} numbers, two of them marked, and their sum."
    return Dataset("adding", draw(n), draw(n_test), (), provenance, "none needed (generated)")


def sunspots(*, window: int = 24, horizon: int = 1) -> Dataset:
    """Return yearly sunspot numbers as windows of the past and the value to forecast.

    Parameters
    ----------
    window
        Years in a record's input.
    horizon
        How many years after its last input the target lies.

    Returns
    -------
    Dataset
        Inputs (n, window, 1), labels (n,); records follow each other year by year. Targets up to 1919 are
        for training, those from 1920 to 2008 for testing; the inputs of the first test records reach back
        into the years before, as a forecast's do.
    """
    values = _table("sunspots")[:, 1]
    provenance = (
        "Yearly mean sunspot numbers, 1700 to 2008 (US National Geophysical Data Center), installed with "
        "statsmodels."
    )
    return _windows("sunspots", values, 1920 - 1700, window, horizon, provenance)


def co2(*, window: int = 24, horizon: int = 1) -> Dataset:
    """Return monthly means of the carbon dioxide in the air over Mauna Loa as windows and values to forecast.

    The five months without a measurement are interpolated.

    Parameters
    ----------
    window
        Months in a record's input.
    horizon
        How many months after its last input the target lies.

    Returns
    -------
    Dataset
        Inputs (n, window, 1) and labels (n,) in ppm; records follow each other month by month. Targets from
        March 1958 to 1989 are for training, those from 1990 to 2001 for testing, as in :func:`sunspots`.
    """
    dates, weekly = _table("co2").T
    weekly_month = (dates // 10_000 * 12 + dates // 100 % 100).astype(int)  # dates are such as 19580329
    weekly_month -= weekly_month[0]
    known = np.isfinite(weekly)
    counts = np.bincount(weekly_month[known], minlength=weekly_month[-1] + 1)
    sums = np.bincount(weekly_month[known], weekly[known], minlength=len(counts))
    measured = counts > 0
    values = np.interp(np.arange(len(counts)), np.flatnonzero(measured), sums[measured] / counts[measured])
    provenance = (
        "Carbon dioxide in the air over Mauna Loa, Hawaii, in ppm: monthly means of weekly values, March "
        f"1958 to December 2001, {(~measured).sum()} empty months interpolated (C. Keeling and T. Whorf, "
        "2004), installed with statsmodels."
    )
    return _windows("co2", values, (1990 - 1958) * 12 - 2, window, horizon, provenance)


def python_text(*, length: int = 64) -> Dataset:
    """Return the text of Python's own documentation (``help("assert")`` and others), as windows of it.

    It consists of those paragraphs that Python 3.10, 3.11, 3.12 and 3.13 share word for word, in a fixed
    order, so that it is the same with each. Each stands in it once, and whole topics are either for training
    or for testing. A later version that lacks some of them gives a shorter text, and the provenance says so.

    Parameters
    ----------
    length
        Characters of a window, at least 1.

    Returns
    -------
    Dataset
        A record is a window of the text: inputs (n, length) are the numbers of its characters, labels
        (n, length) those of the characters that follow each of them. Windows follow each other without a
        gap, so that ``labels.ravel()`` is the text without its first character. The classes are the end of
        the line and the 95 printable characters of ASCII.
    """
    _check_count("length", length, 1)
    from importlib import resources
    from pydoc_data.topics import topics

    lines = resources.files(__package__).joinpath("python_text.txt").read_text("ascii").splitlines()
    chosen: dict[str, list[str]] = {"train": [], "test": []}
    for line in lines:
        part, *digests = line.split()
        if part in chosen:
            chosen[part] += digests
    found = {digest(paragraph): paragraph for paragraph in paragraphs(topics.values())}
    number = {character: index for index, character in enumerate(CHARACTERS)}
    parts = []
    for digests in chosen.values():
        text = "\n\n".join(found[each] for each in digests if each in found)
        codes = np.array([number[character] for character in text])
        count = (len(codes) - 1) // length
        shape = (count, length)
        parts.append(
            Split(codes[: count * length].reshape(shape), codes[1 : count * length + 1].reshape(shape))
        )
    wanted = [each for digests in chosen.values() for each in digests]
    here = sum(each in found for each in wanted)
    provenance = (
        f"{here} of the {len(wanted)} paragraphs of the Python documentation (pydoc_data.topics) that "
        "versions 3.10 to 3.13 share; copyright Python Software Foundation, installed with Python."
    )
    return Dataset("python_text", *parts, CHARACTERS, provenance, "PSF License Version 2")


def paragraphs(texts: Iterable[str]) -> list[str]:
    """Return the paragraphs of the texts in plain ASCII; those that have other signs are left out."""
    pieces = (piece.strip("\n") for text in texts for piece in re.split(r"\n\s*\n", text))
    plain = (piece.translate(_PLAIN) for piece in pieces if piece.strip())
    return [piece for piece in plain if set(piece) <= set(CHARACTERS)]


def digest(paragraph: str) -> str:
    """Return eight hexadecimal digits that name a paragraph."""
    import hashlib

    return hashlib.sha256(paragraph.encode()).hexdigest()[:8]


def _check_count(name: str, count: Any, least: int) -> None:
    if not is_count(count, least=least):
        raise CourseError(f"{name} is a whole number from {least} on, not {count!r}.")


def _table(name: str) -> np.ndarray:
    """Return the dates and values (n, 2) of one of statsmodels' series; importing that would take seconds."""
    import importlib.util

    found = importlib.util.find_spec("statsmodels")
    if found is None or not found.submodule_search_locations:
        raise CourseError(
            f"{name} is installed with statsmodels, which is not here: run `pip install statsmodels`."
        )
    folder = Path(found.submodule_search_locations[0])
    return np.genfromtxt(folder / "datasets" / name / f"{name}.csv", delimiter=",", skip_header=1)


def _windows(
    name: str, values: np.ndarray, boundary: int, window: Any, horizon: Any, provenance: str
) -> Dataset:
    """Cut a series into records; the targets from position `boundary` on are for testing."""
    _check_count("window", window, 1)
    _check_count("horizon", horizon, 1)
    first = window + horizon - 1  # the position of the first target
    if first >= boundary:
        raise CourseError(
            f"{name} has {boundary} values to train on: window and horizon together are at most {boundary}, "
            f"not {window + horizon}."
        )
    rows = np.lib.stride_tricks.sliding_window_view(values, window)[: len(values) - first, :, np.newaxis]
    targets = values[first:]
    cut = boundary - first
    train, test = Split(rows[:cut], targets[:cut]), Split(rows[cut:], targets[cut:])
    return Dataset(name, train, test, (), provenance, "public domain")
