"""One way to all data of the course: ``load(name)``.

Small real data and generated points need no network; every other name is looked up in TensorFlow
Datasets. Nothing is ever replaced silently: a dataset's ``provenance`` says what it is.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import TYPE_CHECKING, Any

from course_utils.datasets.records import Dataset, Split, class_masks, is_count
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Dataset", "Split", "class_masks", "load", "names", "prepare"]

# The module of this package in which a function of the dataset's name returns it; the function's
# keyword-only parameters are the options of that dataset. A new dataset is one more line here.
_HOME = {
    "digits": "bundled",
    "iris": "bundled",
    "breast_cancer": "bundled",
    "photographs": "bundled",
    "moons": "toys",
    "circles": "toys",
    "spirals": "toys",
    "xor": "toys",
    "blobs": "toys",
    "ring": "toys",
    "checkerboard": "toys",
    "scattered": "composed",
    "adding": "sequences",
    "sunspots": "sequences",
    "co2": "sequences",
    "python_text": "sequences",
    "scenes": "scenes",
}

# The same for a reader's own pictures, whose option `path` names their folder.
_FOLDERS = {"voc_folder": "folders", "mask_folder": "folders"}

_SMOKE_RECORDS = 64


def names() -> tuple[str, ...]:
    """Return the names of the datasets that need no network."""
    return tuple(_HOME)


def load(name: str, *, limit: int | tuple[int | None, int | None] | None = None, **options: Any) -> Dataset:
    """Load a dataset.

    Parameters
    ----------
    name
        One of :func:`names`, ``"voc_folder"`` or ``"mask_folder"`` for a folder of your own, or any name of
        TensorFlow Datasets such as ``"mnist"``, which is read from ``TFDS_DATA_DIR`` (without it:
        ``data/tfds`` of a checkout, else TensorFlow Datasets' own folder) and downloaded to it when it is
        not there yet.
    limit
        At most so many records in each split, or a pair for training and test, such as ``(100, None)``.
        The first records are taken, evenly by class for data that are held as arrays.
    **options
        The options of that dataset: see :mod:`~course_utils.datasets.toys`,
        :mod:`~course_utils.datasets.bundled`, :mod:`~course_utils.datasets.composed`,
        :mod:`~course_utils.datasets.scenes` and :mod:`~course_utils.datasets.folders`;
        ``size=(height, width)`` for images of TensorFlow Datasets.

    Returns
    -------
    Dataset
        In profile smoke at most 64 records in each split; for a name of TensorFlow Datasets random
        records of the right form, made without network.

    Raises
    ------
    CourseError
        If the name or an option is unknown or wrong, or if the data are neither here nor reachable.
    """
    from course_utils.runtime import profile

    train_limit, test_limit = _limits(limit)
    smoke = profile() == "smoke"
    if smoke:
        train_limit = min(train_limit or _SMOKE_RECORDS, _SMOKE_RECORDS)
        test_limit = min(test_limit or _SMOKE_RECORDS, _SMOKE_RECORDS)
    homes = _HOME | _FOLDERS
    if isinstance(name, str) and name in homes:
        source = getattr(importlib.import_module(f"{__name__}.{homes[name]}"), name)
        _check_options(name, source, options)
        if name in _FOLDERS:  # what is beyond the limit is not even opened
            options["limit"] = (train_limit, test_limit)
        dataset = source(**options)
    else:
        catalogue = _catalogue(name)
        source = catalogue.imitation if smoke else catalogue.read
        _check_options(name, source, options)
        dataset = source(name, **options)
    return _limited(dataset, train_limit, test_limit)


def prepare(name: str) -> str:
    """Download a dataset and store it, as ``python -m course_utils.datasets mnist`` does.

    Parameters
    ----------
    name
        A name of TensorFlow Datasets; names that need no network are left as they are.

    Returns
    -------
    str
        One sentence that says what is there now.

    Raises
    ------
    CourseError
        If the name is unknown, or if the data can not be downloaded.
    """
    if name in _HOME | _FOLDERS:
        return (
            f"{name} needs no preparation: it is installed with the course's packages, generated or your own."
        )
    return _catalogue(name).prepare(name)


def _catalogue(name: Any) -> Any:
    """Return the module for TensorFlow Datasets if that knows the name."""
    if not isinstance(name, str) or not name:
        raise CourseError(f"A dataset is named by a string such as 'digits', not {name!r}.")
    from course_utils.datasets import catalogue

    known = catalogue.known_names(name)
    if name.split(":")[0].split("/")[0] not in known:
        near = difflib.get_close_matches(name, [*_HOME, *_FOLDERS, *known], n=3)
        guess = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise CourseError(
            f"There is no dataset {name!r}.{guess} Without network there are {', '.join(_HOME)}; "
            "any name of TensorFlow Datasets can be loaded too, such as mnist, fashion_mnist or cifar10."
        )
    return catalogue


def _check_options(name: str, source: Callable[..., Dataset], options: dict[str, Any]) -> None:
    parameters = inspect.signature(source).parameters.values()
    accepted = [each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    for option in options:
        if option not in accepted:
            known = ", ".join(dict.fromkeys([*accepted, "limit"]))
            raise CourseError(f"{name} has no option {option!r}; it takes {known}.")


def _limits(limit: Any) -> tuple[int | None, int | None]:
    pair = limit if isinstance(limit, tuple) else (limit, limit)
    if len(pair) != 2 or not all(value is None or is_count(value) for value in pair):
        raise CourseError(
            "limit is a whole number from 1 on, or a pair (training, test) of such numbers or None; "
            f"not {limit!r}."
        )
    return pair


def _limited(dataset: Dataset, train_limit: int | None, test_limit: int | None) -> Dataset:
    import dataclasses

    train = dataset.train if train_limit is None else dataset.train.limited(train_limit)
    test = dataset.test if test_limit is None else dataset.test.limited(test_limit)
    return dataclasses.replace(dataset, train=train, test=test)
