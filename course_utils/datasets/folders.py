"""A reader's own pictures: a folder in Pascal VOC format, or a folder of images and masks.

The records have the structure of ``scenes`` and of ``voc/2007``. What does not fit is said with the name of
the file that it stands in.
"""

from __future__ import annotations

import math
import numbers
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_utils.datasets.objects import objects_of_classes
from course_utils.datasets.records import Dataset, Split, check_size, is_count
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_PICTURES = {".jpg", ".jpeg", ".png", ".bmp"}
# JPEG would change a mask's numbers.
_MASKS = {".png", ".bmp"}
# Pascal VOC's mark for pixels that nobody decided on.
_VOID = 255
# The lists of a folder's ImageSets/Main that are training and test part, the first pair that is there.
_LISTS = (("trainval", "test"), ("train", "test"), ("train", "val"))
_LICENSE = "that of the folder's pictures"

Limits = tuple[int | None, int | None]


def voc_folder(
    *,
    path: str | Path | None = None,
    size: tuple[int, int] | None = None,
    classes: Sequence[str] | None = None,
    masks: bool = False,
    test_share: float = 0.2,
    seed: int = 0,
    limit: Limits = (None, None),
) -> Dataset:
    """Read a folder in Pascal VOC format: ``Annotations/*.xml`` and ``JPEGImages/``.

    Parameters
    ----------
    path
        The folder.
    size
        Height and width that pictures and masks are resized to; needed where they differ in size.
    classes
        The names of the classes, numbered in this order; without it those that occur, in alphabetical order.
    masks
        Read the masks of objects in ``SegmentationObject/*.png`` too, and only the pictures that have one. In
        them k is the k-th object of the annotation; 255, VOC's undecided pixels, becomes background.
    test_share
        The share of pictures held out for the test, at random, where ``ImageSets/Main`` has no lists of a
        training part (trainval or train) and a test part (test or val).
    seed
        Decides which are held out.
    limit
        At most so many pictures are read for training and for test.

    Returns
    -------
    Dataset
        Inputs (n, height, width, 3) in [0, 1]. Boxes (n, m, 4) are the annotation's corners as shares of the
        picture's height and width, as TensorFlow Datasets' ``voc`` has them; labels (n, m); m is the largest
        number of objects of a picture. Difficult and truncated objects are objects like the others.

    Raises
    ------
    CourseError
        If an option is wrong, a file is missing or not readable, an annotation has no size, another one than
        its picture, a box with corners in the wrong order or outside the picture or an unknown class, or if
        a mask does not fit its picture or names an object that is not there.
    """
    root = _root(path, "voc_folder", ("Annotations", "JPEGImages", *(["SegmentationObject"] * bool(masks))))
    check_size(size)
    _check_split(masks, test_share, seed)
    pictures = _by_stem(root / "JPEGImages", _PICTURES)
    records = {
        stem: _annotation(file, pictures) for stem, file in _by_stem(root / "Annotations", {".xml"}).items()
    }
    known = _class_names(classes, {name for record in records.values() for name in record.names})
    numbers_of_classes = {name: number for number, name in enumerate(known)}
    for record in records.values():
        for name in record.names:
            if name not in numbers_of_classes:
                raise CourseError(
                    f"{record.file} has an object of the unknown class {name!r}; "
                    f"the classes are {', '.join(known)}."
                )
    drawn = _by_stem(root / "SegmentationObject", _MASKS) if masks else {}
    stems = [stem for stem in records if not masks or stem in drawn]
    sides, remark = _sides(root, records, stems, test_share, seed)
    most = max([1, *(len(record.names) for record in records.values())])

    def read(stem: str) -> tuple[np.ndarray, ...]:
        record = records[stem]
        image = _picture(record.picture, size, expected=record.size, source=record.file)
        labels = np.full(most, -1, np.int32)
        labels[: len(record.names)] = [numbers_of_classes[name] for name in record.names]
        boxes = np.zeros((most, 4), np.float32)
        boxes[: len(record.names)] = record.boxes
        if not masks:
            return image, labels, boxes
        mask = _mask(drawn[stem], record.size)
        mask = np.where(mask == _VOID, 0, mask)
        if mask.max() > len(record.names):
            raise CourseError(
                f"{drawn[stem]} marks an object {mask.max()}, but {record.file} has {len(record.names)}."
            )
        return image, labels, boxes, _resized_mask(mask, size)

    train, test = _read(sides, limit, read)
    provenance = (
        f"The Pascal VOC folder {root}: {len(stems)} annotated pictures, "
        f"{sum(len(records[stem].names) for stem in stems)} objects; {remark}."
    )
    return Dataset("voc_folder", train, test, known, provenance, _LICENSE)


def mask_folder(
    *,
    path: str | Path | None = None,
    size: tuple[int, int] | None = None,
    classes: Sequence[str] | None = None,
    test_share: float = 0.2,
    seed: int = 0,
    limit: Limits = (None, None),
) -> Dataset:
    """Read a folder of pictures, ``images/``, and of their masks by the same names, ``masks/``.

    Parameters
    ----------
    path
        The folder.
    size, test_share, seed, limit
        As in :func:`voc_folder`.
    classes
        The names of the masks' values 1, 2, …; without it those numbers. 0 is background, and so is 255, the
        mark of undecided pixels, unless all masks consist of 0 and 255: then 255 is the only class.

    Returns
    -------
    Dataset
        Inputs (n, height, width, 3) in [0, 1]. Each class that occurs in a picture is one object of it: boxes
        (n, m, 4) are the extents of the classes, labels (n, m), masks (n, height, width); m is the number of
        classes. :func:`~course_utils.datasets.class_masks` gives the classes of the pixels.

    Raises
    ------
    CourseError
        If an option is wrong, a file is missing or not readable, or if a mask has another size than its
        picture, several channels or a value that is no class.
    """
    root = _root(path, "mask_folder", ("images", "masks"))
    check_size(size)
    _check_split(False, test_share, seed)
    pictures, drawn = _by_stem(root / "images", _PICTURES), _by_stem(root / "masks", _MASKS)
    for stem in sorted(set(pictures) ^ set(drawn)):
        lacking, file = ("mask", pictures[stem]) if stem in pictures else ("picture", drawn[stem])
        folder = "masks" if lacking == "mask" else "images"
        raise CourseError(f"{file} has no {lacking} of the same name in {root / folder}.")
    values = {stem: set(np.unique(_mask(file)).tolist()) for stem, file in drawn.items()}
    found = set().union(*values.values())
    binary = found <= {0, _VOID}
    highest = 1 if binary else max(found - {_VOID})
    known = _class_names(classes, {str(value) for value in range(1, highest + 1)}, key=int)
    for stem, file in drawn.items():
        unknown = sorted(value for value in values[stem] - {_VOID} if value > len(known))
        if unknown:
            raise CourseError(
                f"{file} has the value {unknown[0]}, but there are {len(known)} classes: {', '.join(known)}."
            )
    sides, remark = _sides(root, drawn, list(drawn), test_share, seed)

    def read(stem: str) -> tuple[np.ndarray, ...]:
        with _opened(pictures[stem]) as picture:
            width, height = picture.size
        mask = _mask(drawn[stem], (height, width))
        mask = _resized_mask(np.where(mask == _VOID, int(binary), mask), size)
        boxes, labels, numbered = objects_of_classes(mask, len(known))
        return _picture(pictures[stem], size), labels, boxes, numbered

    train, test = _read(sides, limit, read)
    provenance = f"The folder {root}: {len(drawn)} pictures with masks; {remark}."
    return Dataset("mask_folder", train, test, known, provenance, _LICENSE)


class _Annotation(NamedTuple):
    """What an XML file says: its picture, (height, width), and the objects' names and boxes in fractions."""

    file: Path
    picture: Path
    size: tuple[int, int]
    names: list[str]
    boxes: np.ndarray


def _annotation(file: Path, pictures: dict[str, Path]) -> _Annotation:
    try:
        root = ET.parse(file).getroot()
    except (ET.ParseError, OSError) as error:
        raise CourseError(f"{file} is no readable XML file: {error}.") from error
    if file.stem not in pictures:
        raise CourseError(
            f"{file} has no picture: there is no {file.stem}.jpg in {file.parents[1] / 'JPEGImages'}."
        )
    width, height = (_number(file, root, f"size/{side}") for side in ("width", "height"))
    if width < 1 or height < 1:
        raise CourseError(f"{file} gives the picture a size of {width:g}×{height:g} pixels.")
    names, boxes = [], []
    for each in root.iterfind("object"):
        name = (each.findtext("name") or "").strip()
        if not name:
            raise CourseError(f"{file} has an object without a name.")
        left, top, right, bottom = (
            _number(file, each, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")
        )
        box = f"{file} has a box of {name!r} from ({left:g}, {top:g}) to ({right:g}, {bottom:g})"
        if left >= right or top >= bottom:
            raise CourseError(
                f"{box}: its corners are in the wrong order, xmin < xmax and ymin < ymax is needed."
            )
        if left < 0 or top < 0 or right > width or bottom > height:
            raise CourseError(f"{box}: outside the image of {width:g}×{height:g} pixels.")
        names.append(name)
        boxes.append([top / height, left / width, bottom / height, right / width])
    return _Annotation(
        file, pictures[file.stem], (int(height), int(width)), names, np.reshape(boxes, (-1, 4))
    )


def _number(file: Path, element: ET.Element, where: str) -> float:
    """Return the number that stands in a tag, or say that there is none."""
    text = element.findtext(where)
    tag = "".join(f"<{part}>" for part in where.split("/"))
    if text is None:
        raise CourseError(f"{file} has no {tag} in its <{element.tag}>.")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CourseError(f"{file} has no number in {tag} but {text!r}.")
    return value


def _root(path: Any, name: str, folders: Iterable[str]) -> Path:
    if not isinstance(path, str | Path) or not str(path):
        raise CourseError(f"{name} needs the folder: load({name!r}, path='my/folder'); not {path!r}.")
    root = Path(path).expanduser()
    for folder in folders:
        if not (root / folder).is_dir():
            raise CourseError(f"{name} reads a folder with {folder}/ in it; {root / folder} is not there.")
    return root


def _by_stem(folder: Path, endings: set[str]) -> dict[str, Path]:
    """Return the folder's files of these endings by their names without it, in alphabetical order."""
    files: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in endings and not file.name.startswith("."):
            if file.stem in files:
                raise CourseError(
                    f"{files[file.stem]} and {file.name} have the same name but for the ending."
                )
            files[file.stem] = file
    if not files:
        raise CourseError(f"{folder} has no files that end in {' or '.join(sorted(endings))}.")
    return files


def _class_names(
    wanted: Sequence[str] | None, found: set[str], key: Callable[[str], Any] | None = None
) -> tuple[str, ...]:
    names = sorted(found, key=key) if wanted is None else wanted
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise CourseError(f"classes are the names of the classes, such as ('cat', 'dog'); not {wanted!r}.")
    if not names or len(set(names)) < len(names):
        raise CourseError(f"classes are one or more different names, not {tuple(names)!r}.")
    return tuple(names)


def _check_split(masks: Any, test_share: Any, seed: Any) -> None:
    if not isinstance(masks, bool):
        raise CourseError(f"masks is True or False, not {masks!r}.")
    if isinstance(test_share, bool) or not isinstance(test_share, numbers.Real) or not 0 < test_share < 1:
        raise CourseError(
            f"test_share is the share held out for the test, between 0 and 1; not {test_share!r}."
        )
    if not is_count(seed, least=0):
        raise CourseError(f"seed is a whole number from 0 on, not {seed!r}.")


def _sides(
    root: Path, known: dict[str, Any], stems: list[str], test_share: float, seed: int
) -> tuple[tuple[list[str], list[str]], str]:
    """Return the names of the training and the test part, and how they were divided."""
    lists = root / "ImageSets" / "Main"
    for pair in _LISTS:
        files = [lists / f"{each}.txt" for each in pair]
        if all(file.is_file() for file in files):
            train, test = (_listed(file, known, stems) for file in files)
            twice = sorted(set(train) & set(test))
            if twice:
                raise CourseError(f"{files[0]} and {files[1]} both name {twice[0]}.")
            return (train, test), f"divided by {pair[0]}.txt and {pair[1]}.txt of ImageSets/Main"
    if len(stems) < 2:
        raise CourseError(
            f"{root} needs two pictures or more, to train on and to test on; it has {len(stems)}."
        )
    order = np.random.default_rng(seed).permutation(len(stems))
    held_out = min(max(round(len(stems) * test_share), 1), len(stems) - 1)
    shuffled = [stems[index] for index in order]
    return (shuffled[held_out:], shuffled[:held_out]), f"{held_out} of them held out by seed {seed}"


def _listed(file: Path, known: dict[str, Any], stems: list[str]) -> list[str]:
    named = [line.split()[0] for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    for stem in named:
        if stem not in known:
            raise CourseError(f"{file} names {stem}, which has no annotation.")
    chosen = set(stems)
    named = [stem for stem in named if stem in chosen]
    if not named:
        raise CourseError(f"{file} names no picture that can be read.")
    return named


def _read(
    sides: tuple[list[str], list[str]], limit: Limits, read: Callable[[str], tuple[np.ndarray, ...]]
) -> list[Split]:
    """Read the records of both parts, each into arrays that are made once."""
    splits, shape = [], None
    for stems, most in zip(sides, limit, strict=True):
        chosen = stems[:most]
        arrays: list[np.ndarray] = []
        for index, stem in enumerate(chosen):
            values = read(stem)
            shape = shape or values[0].shape
            if values[0].shape != shape:
                found, before = (f"{height}×{width}" for height, width, _ in (values[0].shape, shape))
                raise CourseError(
                    f"The pictures differ in size ({stem} has {found} pixels, those before it {before}): "
                    "say which one you want, as in size=(64, 64)."
                )
            arrays = arrays or [np.empty((len(chosen), *value.shape), value.dtype) for value in values]
            for array, value in zip(arrays, values, strict=True):
                array[index] = value
        splits.append(Split(*arrays))
    return splits


def _opened(file: Path) -> Any:
    from PIL import Image

    try:
        return Image.open(file)
    except OSError as error:
        raise CourseError(f"{file} is no readable picture ({type(error).__name__}).") from error


def _picture(
    file: Path,
    size: tuple[int, int] | None,
    *,
    expected: tuple[int, int] | None = None,
    source: Path | None = None,
) -> np.ndarray:
    """Return a picture (height, width, 3) in [0, 1]."""
    from PIL import Image

    with _opened(file) as picture:
        width, height = picture.size
        if expected is not None and expected != (height, width):
            raise CourseError(
                f"{source} says {expected[1]}×{expected[0]} pixels, but {file.name} has {width}×{height}."
            )
        try:
            coloured = picture.convert("RGB")
        except OSError as error:
            raise CourseError(f"{file} is damaged ({error}).") from error
    if size is not None:
        coloured = coloured.resize(tuple(size)[::-1], Image.Resampling.BILINEAR)
    return np.asarray(coloured, np.float32) / 255


def _mask(file: Path, expected: tuple[int, int] | None = None) -> np.ndarray:
    """Return a mask's numbers (height, width) as they are stored."""
    with _opened(file) as picture:
        width, height = picture.size
        if expected is not None and expected != (height, width):
            raise CourseError(
                f"{file} is a mask of {width}×{height} pixels for an image of {expected[1]}×{expected[0]}."
            )
        if len(picture.getbands()) != 1:
            raise CourseError(f"{file} is no mask: it has {len(picture.getbands())} channels instead of one.")
        try:
            values = np.asarray(picture).astype(int)
        except OSError as error:
            raise CourseError(f"{file} is damaged ({error}).") from error
    if values.min() < 0 or values.max() > _VOID:
        raise CourseError(f"{file} is no mask of bytes: its values go from {values.min()} to {values.max()}.")
    return values


def _resized_mask(mask: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """Return a mask as bytes, each pixel that of the nearest place."""
    from PIL import Image

    picture = Image.fromarray(mask.astype(np.uint8))
    return np.asarray(
        picture if size is None else picture.resize(tuple(size)[::-1], Image.Resampling.NEAREST)
    )
