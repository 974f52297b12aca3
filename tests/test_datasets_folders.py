"""A reader's own folders: the records of scenes, and a sentence with the file's name for each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.datasets import class_masks, load, prepare
from course_utils.errors import CourseError

HEIGHT, WIDTH = 30, 40
# Of each picture the objects as (class, xmin, ymin, xmax, ymax); the third has none.
ANNOTATED = {
    "a": [("dog", 0, 0, 20, 15), ("cat", 20, 15, 40, 30)],
    "b": [("cat", 10, 6, 30, 24)],
    "c": [],
    "d": [("dog", 4, 3, 12, 9), ("dog", 20, 3, 28, 9), ("bird", 20, 15, 28, 27)],
}


def xml(objects, width=WIDTH, height=HEIGHT):
    """Write an annotation by hand, as its files are."""
    boxes = "".join(
        f"<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for name, left, top, right, bottom in objects
    )
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>{size}{boxes}</annotation>"


@pytest.fixture
def voc(tmp_path):
    """Return a folder of four pictures; object k is a rectangle of brightness 60 k, and k in the mask."""
    root = tmp_path / "voc"
    for folder in ("Annotations", "JPEGImages", "SegmentationObject"):
        (root / folder).mkdir(parents=True)
    for stem, objects in ANNOTATED.items():
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        for number, (_, left, top, right, bottom) in enumerate(objects, start=1):
            mask[top:bottom, left:right] = number
        (root / "Annotations" / f"{stem}.xml").write_text(xml(objects))
        Image.fromarray(np.repeat(60 * mask[..., None], 3, axis=2)).save(root / "JPEGImages" / f"{stem}.png")
        mask[0, -1] = 255  # undecided
        Image.fromarray(mask).save(root / "SegmentationObject" / f"{stem}.png")
    return root


@pytest.fixture
def masked(tmp_path):
    """Return a folder of five pictures whose masks have the classes 1 and 2."""
    root = tmp_path / "masked"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(5):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        if number != 3:
            mask[3:12, 4:20] = 2
        if number % 2 == 0:
            mask[15:30, 20:40] = 1
        Image.fromarray(np.repeat(100 * mask[..., None], 3, axis=2)).save(root / "images" / f"{number}.png")
        Image.fromarray(mask).save(root / "masks" / f"{number}.png")
    return root


def rows(data):
    """Return the records of both parts, picture by picture."""
    parts = (data.train, data.test)
    return [
        {name: getattr(part, name)[index] for name in ("inputs", "labels", "boxes")}
        for part in parts
        for index in range(len(part))
    ]


def test_boxes_and_classes_of_a_voc_folder(voc):
    data = load("voc_folder", path=voc)
    assert data.classes == ("bird", "cat", "dog")
    assert (len(data.train), len(data.test)) == (3, 1)
    assert data.shape == (HEIGHT, WIDTH, 3)
    assert data.train.masks is None
    found = []
    for record in rows(data):
        present = record["labels"] >= 0
        assert not record["boxes"][~present].any()
        found.append(present.sum())
        for number, (top, left, bottom, right) in enumerate(record["boxes"][present], start=1):
            inside = record["inputs"][
                round(top * HEIGHT) : round(bottom * HEIGHT), round(left * WIDTH) : round(right * WIDTH)
            ]
            np.testing.assert_allclose(inside, 60 * number / 255, atol=1e-6)
    assert sorted(found) == [0, 1, 2, 3]
    assert "4 annotated pictures, 6 objects; 1 of them held out by seed 0" in data.provenance
    labels = sorted(record["labels"].tolist() for record in rows(data))
    assert labels == [[-1, -1, -1], [1, -1, -1], [2, 1, -1], [2, 2, 0]]


def test_pictures_and_masks_are_resized_and_boxes_stay(voc):
    plain, resized = (
        load("voc_folder", path=voc),
        load("voc_folder", path=str(voc), size=(60, 20), masks=True),
    )
    np.testing.assert_array_equal(plain.train.boxes, resized.train.boxes)
    assert resized.train.inputs.shape == (3, 60, 20, 3)
    assert resized.train.masks.shape == (3, 60, 20)
    for part in (resized.train, resized.test):
        for mask, boxes, labels in zip(part.masks, part.boxes, part.labels, strict=True):
            assert mask.max() == (labels >= 0).sum()
            for number, box in enumerate(boxes[labels >= 0], start=1):
                top, left, bottom, right = np.rint(box * [60, 20, 60, 20]).astype(int)
                assert (mask[top:bottom, left:right] == number).mean() > 0.99
                assert (mask == number).sum() <= (bottom - top) * (right - left)
        assert set(np.unique(class_masks(part))) <= {0, 1, 2, 3}


def test_only_pictures_with_a_mask_when_masks_are_wanted(voc):
    (voc / "SegmentationObject" / "c.png").unlink()
    data = load("voc_folder", path=voc, masks=True)
    assert len(data.train) + len(data.test) == 3
    assert all(record["labels"].max() >= 0 for record in rows(data))


def test_classes_are_numbered_as_asked_for(voc):
    data = load("voc_folder", path=voc, classes=["dog", "bird", "cat", "horse"])
    assert data.classes == ("dog", "bird", "cat", "horse")
    assert sorted(record["labels"].tolist() for record in rows(data))[-1] == [2, -1, -1]


def test_the_lists_of_the_folder_divide_it(voc):
    lists = voc / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "trainval.txt").write_text("d\nb\n")
    (lists / "test.txt").write_text("a 1\n\n")
    (lists / "train.txt").write_text("c\n")
    data = load("voc_folder", path=voc)
    assert data.train.labels.tolist() == [[2, 2, 0], [1, -1, -1]]
    assert data.test.labels.tolist() == [[2, 1, -1]]
    assert "trainval.txt and test.txt" in data.provenance
    (lists / "test.txt").write_text("a\nd\n")
    with pytest.raises(CourseError, match=r"trainval\.txt and .*test\.txt both name d"):
        load("voc_folder", path=voc)
    (lists / "test.txt").write_text("e\n")
    with pytest.raises(CourseError, match=r"test\.txt names e, which has no annotation"):
        load("voc_folder", path=voc)
    (lists / "test.txt").write_text("\n")
    with pytest.raises(CourseError, match=r"test\.txt names no picture"):
        load("voc_folder", path=voc)


def test_seed_and_share_decide_what_is_held_out(voc):
    def held_out(**options):
        return load("voc_folder", path=voc, **options).test.labels.tolist()

    assert held_out(seed=1) == held_out(seed=1)
    assert len({str(held_out(seed=seed)) for seed in range(8)}) > 1
    assert len(held_out(test_share=0.5)) == 2
    assert len(held_out(test_share=0.01)) == 1
    assert len(held_out(test_share=0.99)) == 3


def test_what_is_beyond_the_limit_is_not_opened(voc, monkeypatch):
    (voc / "JPEGImages" / "b.png").write_bytes(b"no picture")
    seeds = [seed for seed in range(40) if np.random.default_rng(seed).permutation(4)[-1] == 1]
    data = load("voc_folder", path=voc, seed=seeds[0], limit=(2, 1))
    assert (len(data.train), len(data.test)) == (2, 1)
    with pytest.raises(CourseError, match=r"b\.png is no readable picture"):
        load("voc_folder", path=voc)
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    assert len(load("voc_folder", path=voc, seed=seeds[0], limit=(2, None)).train) == 2


def change(stem, old, new):
    """Return what replaces a text in an annotation."""

    def apply(root):
        file = root / "Annotations" / f"{stem}.xml"
        text, count = re.subn(old, new, file.read_text(), count=1)
        assert count == 1
        file.write_text(text)

    return apply


def save(path, shape):
    """Return what puts a picture of another kind in a file's place."""
    return lambda root: Image.fromarray(np.ones(shape, np.uint8)).save(root / path)


def remove(path):
    return lambda root: (root / path).unlink()


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (
            change("a", "<xmax>40", "<xmax>41"),
            {},
            r"a\.xml has a box of 'cat' from \(20, 15\) to \(41, 30\): out",
        ),
        (change("a", "<ymax>30", "<ymax>31"), {}, r"a\.xml has a box .* outside the image of 40×30 pixels"),
        (change("b", "<xmin>10", "<xmin>-1"), {}, r"b\.xml has a box .* outside the image"),
        (change("b", "<ymin>6", "<ymin>-0.5"), {}, r"b\.xml has a box .* outside the image"),
        (change("b", "<xmin>10", "<xmin>31"), {}, r"b\.xml has a box .* corners are in the wrong order"),
        (change("b", "<ymin>6", "<ymin>24"), {}, r"b\.xml has a box .* corners are in the wrong order"),
        (change("b", "<ymin>6", "<ymin>six"), {}, r"b\.xml has no number in <bndbox><ymin> but 'six'"),
        (change("b", "<ymin>6", "<ymin>nan"), {}, r"b\.xml has no number in <bndbox><ymin> but 'nan'"),
        (change("b", "<ymin>6</ymin>", ""), {}, r"b\.xml has no <bndbox><ymin> in its <object>"),
        (change("b", "<name>cat</name>", ""), {}, r"b\.xml has an object without a name"),
        (change("b", "<size>.*</size>", ""), {}, r"b\.xml has no <size><width> in its <annotation>"),
        (change("b", "<width>40", "<width>0"), {}, r"b\.xml gives the picture a size of 0×30"),
        (change("b", "<width>40", "<width>50"), {}, r"b\.xml says 50×30 pixels, but b\.png has 40×30"),
        (change("b", "</annotation>", ""), {}, r"b\.xml is no readable XML file"),
        (None, {"classes": ["dog", "cat"]}, r"d\.xml has an object of the unknown class 'bird'; .* dog, cat"),
        (remove("JPEGImages/b.png"), {}, r"b\.xml has no picture: there is no b\.jpg in .*JPEGImages"),
        (
            save("SegmentationObject/b.png", (30, 41)),
            {"masks": True},
            r"b\.png is a mask of 41×30 .* of 40×30",
        ),
        (
            save("SegmentationObject/b.png", (30, 40, 3)),
            {"masks": True},
            r"b\.png is no mask: it has 3 channels",
        ),
        (
            save("SegmentationObject/c.png", (30, 40)),
            {"masks": True},
            r"c\.png marks an object 1, but .*c\.xml has 0",
        ),
        (save("JPEGImages/b.bmp", (30, 40)), {}, r"b\.bmp and b\.png have the same name"),
        (None, {"path": None}, "voc_folder needs the folder"),
        (None, {"path": Path("nowhere")}, r"Annotations is not there|nowhere.Annotations is not there"),
        (None, {"size": 30}, "size is a pair"),
        (None, {"masks": "yes"}, "masks is True or False"),
        (None, {"test_share": 1}, "test_share is the share"),
        (None, {"seed": -1}, "seed is a whole number"),
        (None, {"classes": "dog"}, "classes are the names"),
        (None, {"classes": ["dog", "dog"]}, "one or more different names"),
        (None, {"colour": 1}, r"no option 'colour'; it takes path, .*seed, limit$|seed, limit\."),
    ],
)
def test_what_is_wrong_in_a_voc_folder_is_named(voc, spoil, options, message):
    if spoil:
        spoil(voc)
    with pytest.raises(CourseError, match=message):
        load("voc_folder", **{"path": voc} | options)


def test_pictures_of_different_sizes_need_a_size(voc):
    (voc / "Annotations" / "b.xml").write_text(xml([], 20, 20))
    save("JPEGImages/b.png", (20, 20))(voc)
    with pytest.raises(CourseError, match=r"differ in size \(\w has .*20×20.*size=\(64, 64\)"):
        load("voc_folder", path=voc)
    assert load("voc_folder", path=voc, size=(16, 16)).shape == (16, 16, 3)


def test_an_empty_folder_and_a_single_picture(voc):
    for stem in "bcd":
        (voc / "Annotations" / f"{stem}.xml").unlink()
    with pytest.raises(CourseError, match="needs two pictures or more"):
        load("voc_folder", path=voc)
    (voc / "Annotations" / "a.xml").unlink()
    with pytest.raises(CourseError, match=r"Annotations has no files that end in \.xml"):
        load("voc_folder", path=voc)


def test_classes_of_masks_are_objects(masked):
    data = load("mask_folder", path=masked, classes=("house", "tree"))
    assert data.classes == ("house", "tree")
    assert (len(data.train), len(data.test)) == (4, 1)
    expected = {
        (0, 1): [[15 / 30, 20 / 40, 1, 1], [3 / 30, 4 / 40, 12 / 30, 20 / 40]],
        (1, -1): [[3 / 30, 4 / 40, 12 / 30, 20 / 40], [0, 0, 0, 0]],
        (-1, -1): [[0, 0, 0, 0]] * 2,
    }
    for part in (data.train, data.test):
        classes = class_masks(part)
        for index, labels in enumerate(part.labels):
            np.testing.assert_allclose(part.boxes[index], expected[tuple(labels)], atol=1e-6)
            assert part.masks[index].max() == (labels >= 0).sum()
        # Brightness 100 k was painted where the mask is k.
        np.testing.assert_allclose(part.inputs[..., 0], classes * 100 / 255, atol=1e-6)
    assert {tuple(record["labels"]) for record in rows(data)} == set(expected)
    assert load("mask_folder", path=masked).classes == ("1", "2")


def test_masks_are_resized_to_the_nearest(masked):
    data = load("mask_folder", path=masked, size=(10, 20))
    assert data.train.masks.shape == (4, 10, 20)
    for labels, box in zip(data.train.labels, data.train.boxes, strict=True):
        if labels[0] == 0:
            np.testing.assert_allclose(box[0], [0.5, 0.5, 1, 1])


def test_undecided_pixels_are_background_unless_they_are_all_there_is(masked):
    for file in (masked / "masks").iterdir():
        mask = np.asarray(Image.open(file)).copy()
        mask[0, 0] = 255
        Image.fromarray(mask).save(file)
    data = load("mask_folder", path=masked)
    assert data.classes == ("1", "2")
    assert not data.train.masks[:, 0, 0].any()
    for file in (masked / "masks").iterdir():
        Image.fromarray(np.where(np.asarray(Image.open(file)) == 255, 255, 0).astype(np.uint8)).save(file)
    data = load("mask_folder", path=masked, classes=["pet"])
    assert data.classes == ("pet",)
    assert (data.train.masks[:, 0, 0] == 1).all()
    assert data.train.masks.sum() == 4


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (save("masks/2.png", (30, 41)), {}, r"2\.png is a mask of 41×30 pixels for an image of 40×30"),
        (save("masks/2.png", (30, 40, 4)), {}, r"2\.png is no mask: it has 4 channels"),
        (
            None,
            {"classes": ["a"]},
            r"0\.png has the value 2, but there are 1",
        ),
        (remove("masks/2.png"), {}, r"images.2\.png has no mask of the same name in .*masks"),
        (remove("images/2.png"), {}, r"masks.2\.png has no picture of the same name in .*images"),
        (lambda root: (root / "masks" / "2.png").write_bytes(b""), {}, r"2\.png is no readable picture"),
        (lambda root: (root / "images" / "2.png").write_bytes(b""), {}, r"2\.png is no readable picture"),
        (lambda root: cut(root / "images" / "2.png"), {}, r"2\.png is damaged"),
        (lambda root: cut(root / "masks" / "2.png"), {}, r"2\.png is damaged"),
        (None, {"path": ""}, "mask_folder needs the folder"),
        (None, {"classes": []}, "one or more different names"),
    ],
)
def test_what_is_wrong_in_a_mask_folder_is_named(masked, spoil, options, message):
    if spoil:
        spoil(masked)
    with pytest.raises(CourseError, match=message):
        load("mask_folder", **{"path": masked} | options)


def cut(file):
    """Keep two thirds of a file."""
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 2 // 3])


def test_masks_of_more_than_a_byte_are_refused(masked):
    Image.fromarray(np.full((30, 40), 300, np.uint16)).save(masked / "masks" / "2.png")
    with pytest.raises(CourseError, match=r"2\.png is no mask of bytes: its values go from 300 to 300"):
        load("mask_folder", path=masked)


def test_folders_need_no_preparation():
    assert "needs no preparation" in prepare("voc_folder")
