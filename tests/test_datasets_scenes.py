"""Scenes of digits: their boxes, masks and classes fit each other and the picture, and mistakes are named."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils import datasets
from course_utils.datasets import Split, class_masks
from course_utils.errors import CourseError

SMALL = {"n": 80, "n_test": 40}
PLAIN = SMALL | {"clutter": 0, "noise": 0}


def extent(mask):
    """Return the first and one past the last row and column of a mask."""
    rows, columns = np.nonzero(mask)
    return [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]


def objects(split):
    """Yield record, row and box in pixels of each object."""
    for record, row in zip(*np.nonzero(split.labels >= 0), strict=True):
        yield record, row, np.rint(split.boxes[record, row] * split.shape[0]).astype(int)


def iou(one, other):
    """Count the pixels of two boxes."""
    drawn = np.zeros((2, 64, 64), bool)
    for plane, (top, left, bottom, right) in zip(drawn, (one, other), strict=True):
        plane[top:bottom, left:right] = True
    return drawn.all(0).sum() / drawn.any(0).sum()


def test_shapes_and_rows_without_objects():
    data = datasets.load("scenes", **SMALL)
    part = data.train
    assert part.inputs.shape == (80, 64, 64, 1)
    assert part.boxes.shape == (80, 4, 4)
    assert (part.boxes.dtype, part.masks.dtype, part.labels.dtype.kind) == (np.float32, np.uint8, "i")
    assert part.masks.shape == (80, 64, 64)
    assert data.classes == tuple("0123456789")
    present = part.labels >= 0
    assert (part.labels[~present] == -1).all()
    assert not part.boxes[~present].any()
    assert np.array_equal(np.sort(present, axis=1)[:, ::-1], present)  # objects come first
    assert np.array_equal(np.bincount(present.sum(1)), [0, 20, 20, 20, 20])
    assert np.ptp(np.bincount(part.labels[present])) == 0
    assert (part.inputs.min(), part.inputs.max()) == (0, 1)


def test_boxes_are_the_extents_of_masks_that_do_not_overlap():
    data = datasets.load("scenes", **SMALL, overlap=0)
    sides = []
    for part in (data.train, data.test):
        for record, row, box in objects(part):
            assert extent(part.masks[record] == row + 1) == box.tolist()
            sides.append(max(box[2] - box[0], box[3] - box[1]))
        assert np.array_equal(part.masks.max((1, 2)), (part.labels >= 0).sum(1))
    assert 8 <= min(sides) < 14
    assert 24 < max(sides) <= 30


def test_overlapping_boxes_hold_their_masks_and_keep_the_bound():
    part = datasets.load("scenes", **SMALL, digits=(4, 4), overlap=0.2).train
    largest, cut = 0, 0
    for record in range(len(part)):
        boxes = np.rint(part.boxes[record] * 64).astype(int)
        largest = max(largest, *(iou(boxes[i], boxes[j]) for i in range(4) for j in range(i)))
    for record, row, box in objects(part):
        inner = np.array(extent(part.masks[record] == row + 1))
        assert (inner[:2] >= box[:2]).all()
        assert (inner[2:] <= box[2:]).all()
        cut += inner.tolist() != box.tolist()
    assert 0.15 < largest <= 0.2
    assert cut > 0


def test_masks_are_where_the_ink_is():
    part = datasets.load("scenes", **PLAIN).train
    ink = part.inputs[..., 0]
    assert ink[part.masks > 0].min() > 0.25
    assert ink[part.masks == 0].max() <= 0.3
    noisy = datasets.load("scenes", **SMALL, noise=0.2, clutter=5).train
    assert (noisy.inputs[..., 0][noisy.masks == 0] > 0.3).mean() > 0.05


def test_digits_are_those_of_their_own_side_and_class():
    # At the size of the source nothing is resized, so that each digit can be looked up.
    data = datasets.load("scenes", **PLAIN | {"n": 30, "n_test": 20}, sizes=(8, 8), canvas=40, overlap=0)
    digits = datasets.load("digits")
    for part, own, other in ((data.train, digits.train, digits.test), (data.test, digits.test, digits.train)):
        for record, row, box in objects(part):
            piece = np.where(part.masks[record] == row + 1, part.inputs[record, ..., 0], 0)
            piece = piece[box[0] : box[2], box[1] : box[3]]
            assert part.labels[record, row] in set(own.labels[found(piece, own.inputs)])
            assert not found(piece, other.inputs).any()


def found(piece, pictures):
    """Tell which digits' ink above 0.3 is this piece."""
    pictures = np.where(pictures[..., 0] > 0.3, pictures[..., 0], 0)
    height, width = piece.shape
    hits = np.zeros(len(pictures), bool)
    for top in range(9 - height):
        for left in range(9 - width):
            window = pictures[:, top : top + height, left : left + width]
            whole = np.isclose(window.sum((1, 2)), pictures.sum((1, 2)))
            hits |= whole & np.isclose(window, piece).all((1, 2))
    return hits


def test_scenes_without_objects():
    part = datasets.load("scenes", **SMALL, digits=(0, 3)).train
    empty = (part.labels == -1).all(1)
    assert empty.sum() == 20
    assert not part.boxes[empty].any()
    assert not part.masks[empty].any()
    assert not class_masks(part)[empty].any()
    assert part.inputs[empty].max() > 0.5  # strokes lie there all the same


def test_class_masks_name_the_owner():
    part = datasets.load("scenes", **SMALL).train
    classes = class_masks(part)
    assert classes.shape == part.masks.shape
    assert classes.dtype == np.int32
    assert np.array_equal(classes == 0, part.masks == 0)
    for record, row, _ in objects(part):
        assert set(classes[record][part.masks[record] == row + 1]) == {part.labels[record, row] + 1}


def test_the_seed_decides():
    first, again, other = (datasets.load("scenes", n=20, n_test=10, seed=seed) for seed in (3, 3, 4))
    for part in ("inputs", "labels", "boxes", "masks"):
        assert np.array_equal(getattr(first.train, part), getattr(again.train, part))
        assert np.array_equal(getattr(first.test, part), getattr(again.test, part))
        assert not np.array_equal(getattr(first.train, part), getattr(other.train, part))
    assert not np.array_equal(first.train.labels[:10], first.test.labels)


def test_limit_and_batches_carry_all_parts():
    part = datasets.load("scenes", **SMALL, limit=5).train
    assert len(part.masks) == len(part.boxes) == 5
    inputs, targets = next(iter(part.tf_data(3)))
    assert inputs.shape == (3, 64, 64, 1)
    assert {name: tuple(each.shape) for name, each in targets.items()} == {
        "labels": (3, 4),
        "boxes": (3, 4, 4),
        "masks": (3, 64, 64),
    }


def test_another_source_by_its_name(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")  # MNIST's form without its download
    data = datasets.load("scenes", **SMALL, source="mnist")
    assert data.shape == (64, 64, 1)
    assert "mnist" in data.provenance.lower()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is a whole number from 1"),
        ({"canvas": 3}, "canvas is a whole number of pixels from 5"),
        ({"sizes": (20, 70)}, "70 pixels does not fit on a canvas of 64"),
        ({"digits": 3}, r"such as \(1, 4\).*not 3"),
        ({"digits": (3, 2)}, r"digits is the smallest and the largest number.*not \(3, 2\)"),
        ({"digits": (0, 0)}, "digits is the smallest"),
        ({"digits": (-1, 2)}, "digits is the smallest"),
        ({"digits": (1, 300)}, "at most 255"),
        ({"digits": (1.0, 2)}, "digits is the smallest"),
        ({"overlap": 1.1}, "overlap is an intersection over union from 0 to 1, not 1.1"),
        ({"overlap": None}, "overlap is an intersection"),
        ({"overlap": True}, "overlap is an intersection"),
        ({"noise": -1}, "noise is a standard deviation"),
        ({"seed": None}, "seed is a whole number"),
        ({"source": "scenes"}, "single grey digits"),
        (
            {"digits": (9, 9), "sizes": (30, 30), "overlap": 0},
            "9 digits of 30 to 30 pixels on a canvas of 64",
        ),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(CourseError, match=message):
        datasets.load("scenes", **SMALL | options)


def test_parts_of_several_objects_must_fit():
    inputs, labels = np.zeros((2, 5, 5, 1)), [[0, 1], [1, -1]]
    assert Split(inputs, labels, boxes=np.zeros((2, 2, 4))).boxes.dtype == np.float32
    with pytest.raises(CourseError, match=r"boxes of shape \(2, 3, 4\) for labels of shape \(2, 2\)"):
        Split(inputs, labels, boxes=np.zeros((2, 3, 4)))
    with pytest.raises(CourseError, match="boxes of a split are finite"):
        Split(inputs, labels, boxes=np.full((2, 2, 4), np.nan))
    split = Split(inputs, labels, boxes=np.zeros((2, 2, 4)))
    with pytest.raises(CourseError, match="these go from 0 to 1"):
        split.check_classes(1)
    with pytest.raises(CourseError, match="no masks of objects"):
        class_masks(split)
