"""Detection and segmentation data of TensorFlow Datasets: imitated in profile smoke, and read from disk."""

from __future__ import annotations

import os
import socket

import numpy as np
import pytest

from course_utils.datasets import catalogue, class_masks, load
from course_utils.errors import CourseError

# Objects of the stored records as (class, ymin, xmin, ymax, xmax) in fractions.
STORED = [
    [("dog", 0.0, 0.0, 0.5, 0.25)],
    [],
    [("cat", 0.25, 0.5, 1.0, 1.0), ("person", 0.0, 0.0, 0.25, 0.5), ("dog", 0.5, 0.0, 0.75, 0.25)],
    [("bird", 0.5, 0.25, 1.0, 0.75)],
]
HEIGHTS = (40, 80, 40, 120)  # of pictures that are twice as wide


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    """Run without network, with an empty folder for TensorFlow Datasets."""

    def refuse(*_, **__):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture
def smoke(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")


@pytest.fixture(scope="module")
def tfds():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow_datasets

    return tensorflow_datasets


@pytest.fixture
def full(monkeypatch, tmp_path):
    """Return what stores records of our own in the place of a dataset's download."""

    def store(builder_class, splits):
        monkeypatch.setenv("COURSE_PROFILE", "full")
        monkeypatch.setattr(catalogue, "_reachable", lambda hosts: True)
        monkeypatch.setattr(builder_class, "_split_generators", lambda *_: splits(tmp_path))

    return store


def test_imitated_voc_has_valid_boxes(smoke):
    data = load("voc/2007", size=(48, 32))
    again = load("voc/2007", size=(48, 32))
    assert len(data.classes) == 20
    assert "not the real data" in data.provenance
    for part in (data.train, data.test):
        assert part.inputs.shape == (64, 48, 32, 3)
        assert 0 <= part.inputs.min() < part.inputs.max() <= 1
        assert part.boxes.shape == (64, 4, 4)
        assert part.masks is None
        present = part.labels >= 0
        assert set(present.sum(1)) == {0, 1, 2, 3, 4}
        assert (part.labels[~present] == -1).all()
        assert not part.boxes[~present].any()
        top, left, bottom, right = part.boxes[present].T
        assert (top >= 0).all()
        assert (left >= 0).all()
        assert (bottom <= 1).all()
        assert (right <= 1).all()
        assert (bottom - top > 0.05).all()
        assert (right - left > 0.05).all()
        assert len(set(part.labels[present])) == 20
    np.testing.assert_array_equal(data.train.boxes, again.train.boxes)
    assert not np.array_equal(data.train.boxes, data.test.boxes)


def test_imitated_pets_have_valid_masks(smoke):
    data = load("oxford_iiit_pet", size=(40, 40), limit=20)
    assert data.classes == ("pet", "outline")
    for part in (data.train, data.test):
        assert part.inputs.shape == (20, 40, 40, 3)
        assert part.masks.shape == (20, 40, 40)
        assert part.boxes.shape == (20, 2, 4)
        assert set(np.unique(class_masks(part))) == {0, 1, 2}
        assert fits(part)


def fits(split):
    """Tell whether boxes are the extents of masks."""
    height, width = split.masks.shape[1:]
    for mask, boxes, labels in zip(split.masks, split.boxes, split.labels, strict=True):
        if mask.max() != (labels >= 0).sum():
            return False
        for number, box in enumerate(boxes[labels >= 0], start=1):
            rows, columns = np.nonzero(mask == number)
            extent = [rows.min() / height, columns.min() / width]
            extent += [(rows.max() + 1) / height, (columns.max() + 1) / width]
            if not np.allclose(box, extent, atol=1e-6):
                return False
    return True


def test_batches_hold_all_targets(smoke):
    part = load("oxford_iiit_pet", size=(16, 24), limit=6).train
    inputs, targets = next(iter(part.tf_data(4, shuffle=1)))
    assert inputs.shape == (4, 16, 24, 3)
    assert {name: tuple(each.shape) for name, each in targets.items()} == {
        "labels": (4, 2),
        "boxes": (4, 2, 4),
        "masks": (4, 16, 24),
    }
    _, targets = next(iter(load("voc/2007", size=(16, 24), limit=6).test.tf_data(4)))
    assert {name: tuple(each.shape) for name, each in targets.items()} == {
        "labels": (4, 4),
        "boxes": (4, 4, 4),
    }


@pytest.mark.parametrize("name", ["voc/2007", "oxford_iiit_pet"])
def test_a_size_is_needed(name, smoke):
    with pytest.raises(CourseError, match=rf"The images of {name} differ in size"):
        load(name)


def voc_records(tfds):
    """Yield pictures that are bright in their boxes, the k-th of them 60 k."""
    for index, (objects, height) in enumerate(zip(STORED, HEIGHTS, strict=True)):
        image = np.zeros((height, 2 * height, 3), np.uint8)
        for number, (_, *box) in enumerate(objects, start=1):
            top, left, bottom, right = (
                round(share * side)
                for share, side in zip(box, (height, 2 * height, height, 2 * height), strict=True)
            )
            image[top:bottom, left:right] = 60 * number
        described = [
            {
                "label": name,
                "bbox": tfds.features.BBox(*box),
                "pose": "left",
                "is_truncated": False,
                "is_difficult": number == 2,
            }
            for number, (name, *box) in enumerate(objects)
        ]
        record = {"image": image, "image/filename": f"{index}.jpg", "objects": described}
        yield index, record | {"labels": [], "labels_no_difficult": []}


def test_voc_is_read_from_disk(full, tfds):
    full(
        tfds.object_detection.Voc,
        lambda _: {
            "test": list(voc_records(tfds))[:2],
            "train": voc_records(tfds),
            "validation": voc_records(tfds),
        },
    )
    data = load("voc/2007", size=(20, 40))
    assert (len(data.train), len(data.test)) == (4, 2)
    assert data.license == "terms of use of Flickr"
    assert "train 4" in data.provenance
    assert data.train.boxes.shape == (4, 3, 4)
    assert data.test.boxes.shape == (2, 3, 4)
    found = []
    for inputs, labels, boxes in zip(data.train.inputs, data.train.labels, data.train.boxes, strict=True):
        present = labels >= 0
        found.append(
            [(data.classes[label], *box) for label, box in zip(labels[present], boxes[present], strict=True)]
        )
        for number, (top, left, bottom, right) in enumerate(boxes[present], start=1):
            inside = inputs[round(top * 20) : round(bottom * 20), round(left * 40) : round(right * 40)]
            assert np.median(inside) == pytest.approx(60 * number / 255, abs=0.02)
    assert sorted(found) == sorted([(name, *box) for name, *box in objects] for objects in STORED)
    assert len(load("voc/2007", size=(20, 40), limit=1).train.boxes) == 1


def test_voc_2012_is_tested_on_its_validation_part(full, tfds):
    full(
        tfds.object_detection.Voc,
        lambda _: {
            "test": [(0, {**record, "objects": []}) for _, record in list(voc_records(tfds))[:1]],
            "train": voc_records(tfds),
            "validation": list(voc_records(tfds))[2:],
        },
    )
    data = load("voc/2012", size=(20, 40))
    assert len(data.test) == 2
    assert (data.test.labels >= 0).any(1).all()
    assert "validation split is the test split here" in data.provenance


def test_pets_are_read_from_disk(full, tfds):
    def records():
        for index, height in enumerate(HEIGHTS):
            trimap = np.full((height, 2 * height, 1), 2, np.uint8)
            trimap[height // 4 :, : height // 2] = 3
            if index != 1:
                trimap[height // 2 :, : height // 4] = 1
            image = np.repeat(np.array([0, 200, 0, 100], np.uint8)[trimap], 3, axis=2)
            record = {"image": image, "label": index, "species": 0, "file_name": str(index)}
            yield (
                index,
                record | {"segmentation_mask": trimap, "head_bbox": tfds.features.BBox(0.0, 0.0, 1.0, 1.0)},
            )

    def splits(folder):
        del folder
        return {"train": records(), "test": list(records())[:2]}

    full(type(tfds_builder(tfds, "oxford_iiit_pet")), splits)
    data = load("oxford_iiit_pet", size=(20, 40))
    assert (len(data.train), len(data.test)) == (4, 2)
    for part in (data.train, data.test):
        classes = class_masks(part)
        assert (classes[:, :5] == 0).all()
        assert (classes[:, 5:, 5:10] == 2).all()
        assert (part.inputs[..., 10:, :].mean(), classes[..., 10:].max()) == (pytest.approx(0, abs=0.02), 0)
        assert fits(part)
    complete = data.train.labels[:, 1] == 1
    assert complete.sum() == 3
    np.testing.assert_allclose(data.train.boxes[complete, 0], [[0.5, 0, 1, 0.125]] * 3)
    np.testing.assert_allclose(data.train.boxes[complete, 1], [[0.25, 0, 1, 0.25]] * 3)
    assert data.train.labels[~complete].tolist() == [[1, -1]]


def tfds_builder(tfds, name):
    with tfds.testing.mock_data():
        return tfds.builder(name)
