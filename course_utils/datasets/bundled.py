"""Real data that are installed with scikit-learn and need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.datasets.records import Dataset, Split
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Sequence

_UCI_LICENSE = "CC BY 4.0"
# The splits are fixed: every notebook and every reader sees the same test records.
_SPLIT_SEED = 0


def digits() -> Dataset:
    """Return the 1797 handwritten digits of 8×8 pixels: 1297 to train, 500 to test, stratified."""
    from sklearn.datasets import load_digits

    stored = load_digits()
    images = stored.images[..., np.newaxis] / 16  # sixteen levels of grey
    train, test = _split(images, stored.target, 500)
    provenance = (
        "Optical Recognition of Handwritten Digits (E. Alpaydin and C. Kaynak, UCI repository, 1998; its "
        "test part of 1797 images), installed with scikit-learn."
    )
    return Dataset("digits", train, test, tuple("0123456789"), provenance, _UCI_LICENSE)


def iris(
    *,
    classes: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    standardise: bool = False,
) -> Dataset:
    """Return Anderson's and Fisher's 150 irises: 100 to train, 50 to test, stratified.

    Parameters
    ----------
    classes
        Names of the classes wanted, numbered in this order; all three without it.
    features
        Names of the columns wanted, in this order; all four without it.
    standardise
        Give each column mean 0 and standard deviation 1 over the training records.

    Returns
    -------
    Dataset
        Inputs (n, features) in centimetres unless standardised.
    """
    from sklearn.datasets import load_iris

    provenance = "Iris (E. Anderson 1935, R. A. Fisher 1936; UCI repository), installed with scikit-learn."
    return _table(
        "iris", load_iris(), 50, provenance, classes=classes, features=features, standardise=standardise
    )


def breast_cancer(
    *,
    classes: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    standardise: bool = False,
) -> Dataset:
    """Return the 569 breast tumours of Wisconsin: 399 to train, 170 to test, stratified.

    The parameters are those of :func:`iris`; there are 30 columns of different units and two classes.
    """
    from sklearn.datasets import load_breast_cancer

    provenance = (
        "Breast Cancer Wisconsin, Diagnostic (W. Wolberg, O. Mangasarian, N. Street and W. Street, UCI "
        "repository, 1995), installed with scikit-learn."
    )
    return _table(
        "breast_cancer",
        load_breast_cancer(),
        170,
        provenance,
        classes=classes,
        features=features,
        standardise=standardise,
    )


def photographs() -> Dataset:
    """Return two photographs of 427×640 pixels: a Chinese temple to train on, a flower to test on."""
    from sklearn.datasets import load_sample_image

    def one(name: str, label: int) -> Split:
        return Split(load_sample_image(name)[np.newaxis].astype(np.float32) / 255, [label])

    provenance = (
        "Two photographs from Flickr, china.jpg by danielbuechele and flower.jpg by vultilion, "
        "installed with scikit-learn."
    )
    train, test = one("china.jpg", 0), one("flower.jpg", 1)
    return Dataset("photographs", train, test, ("china", "flower"), provenance, "CC BY 2.0")


def _table(
    name: str,
    stored: Any,
    test_count: int,
    provenance: str,
    *,
    classes: Sequence[str] | None,
    features: Sequence[str] | None,
    standardise: bool,
) -> Dataset:
    """Split a table, then choose its classes and columns: a subset has the same test records."""
    if not isinstance(standardise, bool):
        raise CourseError(f"standardise is True or False, not {standardise!r}.")
    class_names, feature_names = map(str, stored.target_names), map(str, stored.feature_names)
    class_names, feature_names = tuple(class_names), tuple(feature_names)
    rows = _chosen(name, "classes", classes, class_names)
    columns = _chosen(name, "features", features, feature_names)
    train, test = (_subset(part, rows, columns) for part in _split(stored.data, stored.target, test_count))
    if standardise:
        mean, deviation = train.inputs.mean(0, dtype=float), train.inputs.std(0, dtype=float)
        train, test = (Split((part.inputs - mean) / deviation, part.labels) for part in (train, test))
    return Dataset(
        name,
        train,
        test,
        tuple(class_names[row] for row in rows),
        provenance,
        _UCI_LICENSE,
        tuple(feature_names[column] for column in columns),
    )


def _subset(part: Split, rows: list[int], columns: list[int]) -> Split:
    keep = np.isin(part.labels, rows)
    renumbered = np.array([rows.index(label) for label in part.labels[keep]])
    return Split(part.inputs[keep][:, columns], renumbered)


def _chosen(name: str, option: str, wanted: Sequence[str] | None, names: tuple[str, ...]) -> list[int]:
    """Return the positions of the wanted names."""
    if wanted is None:
        return list(range(len(names)))
    wanted = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [choice for choice in wanted if choice not in names]
    if unknown or not wanted or len(set(wanted)) < len(wanted):
        reason = f"has no {unknown[0]!r}" if unknown else "takes one or more different names"
        raise CourseError(f"{name}: {option} {reason}; there are {', '.join(map(repr, names))}.")
    return [names.index(choice) for choice in wanted]


def _split(inputs: np.ndarray, labels: np.ndarray, test_count: int) -> tuple[Split, Split]:
    """Divide records at random, with each class's share the same in both parts up to rounding."""
    generator = np.random.default_rng(_SPLIT_SEED)
    order = generator.permutation(len(labels))
    exact = np.bincount(labels) * test_count / len(labels)
    counts = exact.astype(int)
    # The classes with the largest remainders get the records that rounding down left over.
    counts[np.argsort(counts - exact, kind="stable")[: test_count - counts.sum()]] += 1
    held_out = np.zeros(len(labels), bool)
    for label, count in enumerate(counts):
        held_out[order[labels[order] == label][:count]] = True
    # A new order: in the one above, the classes whose share is full first would come first.
    order = generator.permutation(len(labels))
    train, test = order[~held_out[order]], order[held_out[order]]
    return Split(inputs[train], labels[train]), Split(inputs[test], labels[test])
