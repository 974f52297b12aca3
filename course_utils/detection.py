"""Mean average precision of detected boxes, by pycocotools without its printing."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.datasets import Split

Rows = Sequence[np.ndarray]


def evaluate(boxes: Any, labels: Any, scores: Any, split: Split) -> dict[str, Any]:
    """Return the mean average precision of detections on a split, as COCO defines it.

    Parameters
    ----------
    boxes
        For each image of the split its detected boxes (k, 4) as (ymin, xmin, ymax, xmax) in fractions of the
        image: an array (n, k, 4), or a sequence of n arrays with a k of their own.
    labels
        Their classes, (n, k) or n arrays (k,). Rows with a negative class are no detections: what fills up an
        array.
    scores
        Their scores, likewise; of the detections of an image the 100 with the highest scores count.
    split
        What there is to be found: ``boxes`` (n, m, 4) in the same form and ``labels`` (n, m), −1 where an
        image has fewer objects.

    Returns
    -------
    dict
        ``"mAP@0.5"``, ``"mAP@0.75"``, ``"mAP@[.5:.95]"``: the mean over the classes that occur in the split
        (and, for the last, over the thresholds 0.5, 0.55, …, 0.95 of the intersection over union) of the
        precision at 101 recalls, each from 0 to 1; ``"AP@0.5"``: class number → its average precision.
        A split without any object has NaN for the means: there is nothing to be precise about.

    Raises
    ------
    CourseError
        If the numbers of images, boxes, classes and scores do not match, a number is not finite, or the
        split has no boxes.
    """
    if split.boxes is None or np.ndim(split.boxes) != 3 or np.ndim(split.labels) != 2:
        raise CourseError("Detections are evaluated on a split with boxes (n, m, 4) and labels (n, m).")
    detected = _checked(boxes, labels, scores, len(split))
    height, width = split.shape[:2]
    images = [{"id": image, "height": height, "width": width} for image in range(len(split))]
    pixels = np.array([height, width, height, width], dtype=float)
    truth: list[dict[str, Any]] = []
    for image, (placed, classes) in enumerate(zip(split.boxes, split.labels, strict=True)):
        truth += _annotations(image, placed * pixels, classes)
    classes = sorted({each["category_id"] for each in truth})
    means = ("mAP@0.5", "mAP@0.75", "mAP@[.5:.95]")
    if not truth:
        return dict.fromkeys(means, float("nan")) | {"AP@0.5": {}}
    for number, each in enumerate(truth, start=1):  # pycocotools takes a match with number 0 for none
        each |= {"id": number, "iscrowd": 0}
    found: list[dict[str, Any]] = []
    for image, (placed, kinds, sure) in enumerate(zip(*detected, strict=True)):
        found += _annotations(image, placed * pixels, kinds, sure)
    if not found:
        return dict.fromkeys(means, 0.0) | {"AP@0.5": dict.fromkeys(classes, 0.0)}
    # Thresholds × recalls × classes.
    precision = _precision(images, classes, truth, found)
    values = (precision[0].mean(), precision[5].mean(), precision.mean())
    return dict(zip(means, map(float, values), strict=True)) | {
        "AP@0.5": dict(zip(classes, precision[0].mean(axis=0).tolist(), strict=True))
    }


def _precision(
    images: list[dict[str, Any]], classes: list[int], truth: list[dict[str, Any]], found: list[dict[str, Any]]
) -> np.ndarray:
    """Return the interpolated precision (10 thresholds, 101 recalls, classes) by pycocotools."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ModuleNotFoundError as error:
        raise CourseError(
            "pycocotools is not installed here: run `%pip install pycocotools`, then this cell again."
        ) from error
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = {
            "info": {},
            "images": images,
            "categories": [{"id": each, "name": str(each)} for each in classes],
            "annotations": truth,
        }
        known.createIndex()
        measure = COCOeval(known, known.loadRes(found), "bbox")
        measure.evaluate()
        measure.accumulate()
    return measure.eval["precision"][:, :, :, 0, -1]


def _annotations(
    image: int, placed: np.ndarray, classes: np.ndarray, scores: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """Return the records of one image, boxes as (left, top, width, height)."""
    records = []
    for index in np.flatnonzero(np.asarray(classes) >= 0):
        top, left, bottom, right = map(float, placed[index])
        size = [left, top, right - left, bottom - top]
        record: dict[str, Any] = {"image_id": image, "category_id": int(classes[index]), "bbox": size}
        record["area"] = size[2] * size[3]
        records.append(record if scores is None else record | {"score": float(scores[index])})
    return records


def _checked(boxes: Any, labels: Any, scores: Any, count: int) -> tuple[Rows, Rows, Rows]:
    """Return boxes, classes and scores image by image, or say which image has what wrong."""
    for name, rows in (("boxes", boxes), ("labels", labels), ("scores", scores)):
        if len(rows) != count:
            raise CourseError(f"There are {count} images in the split, but {name} of {len(rows)}.")
    places = [
        np.asarray(each, dtype=float).reshape(-1, 4) if np.size(each) == 0 else np.asarray(each, float)
        for each in boxes
    ]
    kinds, sure = ([np.asarray(each) for each in rows] for rows in (labels, scores))
    for image, (placed, classes, given) in enumerate(zip(places, kinds, sure, strict=True)):
        if placed.ndim != 2 or placed.shape[1] != 4 or not len(placed) == np.size(classes) == np.size(given):
            raise CourseError(
                f"Image {image} needs boxes (k, 4), k classes and k scores; it has boxes {placed.shape}, "
                f"classes {classes.shape} and scores {given.shape}."
            )
        real = classes.reshape(-1) >= 0
        if not (np.isfinite(placed[real]).all() and np.isfinite(given.reshape(-1)[real]).all()):
            raise CourseError(f"A box or a score of image {image} is not a finite number.")
    return places, [each.reshape(-1) for each in kinds], [each.reshape(-1) for each in sure]
