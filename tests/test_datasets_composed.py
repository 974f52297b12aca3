"""Pictures composed of digits: what is on them, where it is, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils import datasets
from course_utils.errors import CourseError

PLAIN = {"n": 60, "n_test": 40, "clutter": 0, "noise": 0}


def ink(picture):
    """Return the first and one past the last row and column with ink, as fractions."""
    rows, columns = np.nonzero(picture[..., 0] > 0)
    edges = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
    return edges / len(picture)


def test_the_digit_lies_in_its_box():
    data = datasets.load("scattered", **PLAIN)
    for picture, box in zip(data.train.inputs, data.train.boxes, strict=True):
        top, left, bottom, right = ink(picture)
        assert box[0] <= top < bottom <= box[2]
        assert box[1] <= left < right <= box[3]
    heights = (data.train.boxes[:, 2] - data.train.boxes[:, 0]) * 32
    assert heights.min() >= 8
    assert heights.max() <= 20
    assert len(np.unique(heights)) > 8


def test_the_label_is_the_digits():
    # At the size of the source nothing is resized, so the digit can be looked up.
    data = datasets.load("scattered", **PLAIN, sizes=(8, 8), canvas=12)
    digits = datasets.load("digits")
    for part, source in ((data.train, digits.train), (data.test, digits.test)):
        for picture, box, label in zip(part.inputs, part.boxes, part.labels, strict=True):
            top, left, bottom, right = np.rint(box * 12).astype(int)
            same = (source.inputs == picture[top:bottom, left:right]).all(axis=(1, 2, 3))
            assert set(source.labels[same]) == {label}


def test_places_cover_the_canvas_or_stay_in_the_centre():
    anywhere = datasets.load("scattered", **PLAIN, sizes=(10, 10)).train.boxes * 32
    assert anywhere[:, :2].min() < 3
    assert anywhere[:, 2:].max() > 29
    centre = datasets.load("scattered", **PLAIN, sizes=(10, 10), place="centre").train.boxes * 32
    assert np.array_equal(centre, np.tile([11, 11, 21, 21], (60, 1)))


def test_clutter_and_noise_are_added():
    plain = datasets.load("scattered", **PLAIN, place="centre").train
    cluttered = datasets.load("scattered", **PLAIN | {"clutter": 5}, place="centre").train
    outside = np.ones((32, 32), bool)
    outside[6:26, 6:26] = False
    assert not plain.inputs[:, outside].any()
    strokes = (cluttered.inputs[:, outside] > 0).mean()
    assert 0.02 < strokes < 5 * 25 / 1024
    noisy = datasets.load("scattered", **PLAIN | {"noise": 0.2}, place="centre").train.inputs
    assert noisy[:, outside].mean() == pytest.approx(0.2 / np.sqrt(2 * np.pi), rel=0.05)
    assert noisy.min() == 0
    assert noisy.max() == 1


def test_classes_are_even_and_renumbered():
    data = datasets.load("scattered", **PLAIN, classes=["9", "5"])
    assert data.classes == ("9", "5")
    assert np.array_equal(np.bincount(data.train.labels), [30, 30])
    assert np.array_equal(np.bincount(datasets.load("scattered", **PLAIN).test.labels), [4] * 10)


def test_the_seed_decides():
    first, again, other = (datasets.load("scattered", n=20, n_test=10, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.train.inputs, again.train.inputs)
    assert np.array_equal(first.test.boxes, again.test.boxes)
    assert not np.array_equal(first.train.inputs, other.train.inputs)


def test_another_source_by_its_name(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")  # MNIST's form without its download
    data = datasets.load("scattered", **PLAIN, source="mnist", canvas=40, sizes=(14, 28))
    assert data.shape == (40, 40, 1)
    assert "mnist" in data.provenance.lower()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is a whole number from 1"),
        ({"n_test": 2.5}, "n_test is a whole number"),
        ({"canvas": 3}, "canvas is a whole number of pixels from 5"),
        ({"sizes": (20, 8)}, "the smallest and the largest"),
        ({"sizes": 12}, "the smallest and the largest"),
        ({"sizes": (8, 33)}, "33 pixels does not fit on a canvas of 32"),
        ({"place": "left"}, "'anywhere' or 'centre'"),
        ({"clutter": -1}, "clutter is a whole number from 0"),
        ({"noise": -0.1}, "noise is a standard deviation"),
        ({"classes": ["ten"]}, "has no 'ten'"),
        ({"source": "iris"}, "grey pictures with classes"),
        ({"source": "scattered"}, "single grey digits"),
        ({"seed": None}, "seed is a whole number"),
        ({"size": 3}, "no option 'size'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(CourseError, match=message):
        datasets.load("scattered", **options)
