"""The record type of all data: splits as arrays and as ``tf.data``, with classes and provenance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import tensorflow as tf

# A buffer that covers any quick dataset; larger ones are stored in shuffled order already.
_SHUFFLE_BUFFER = 10_000
_READ_BATCH = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """The training or the test part of a dataset, as arrays.

    Parameters
    ----------
    inputs
        Array (n, …), kept as float32; images are (n, height, width, channels) with values in [0, 1].
    labels
        Array (n,): class numbers, kept as int32, or real targets, kept as float32.
    boxes, masks
        Arrays (n, …) where the data have them.

    Raises
    ------
    CourseError
        If the lengths differ, if a value is not a number, or if one is not finite.
    """

    inputs: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray | None = None
    masks: np.ndarray | None = None

    def __post_init__(self) -> None:
        import numpy as np

        inputs = _numbers(self.inputs, "inputs").astype(np.float32, copy=False)
        labels = _numbers(self.labels, "labels")
        labels = labels.astype(np.float32 if labels.dtype.kind == "f" else np.int32, copy=False)
        if inputs.ndim < 2:
            raise CourseError(f"A split's inputs have the shape (records, …), not {inputs.shape}.")
        for part, array in (("labels", labels), ("boxes", self.boxes), ("masks", self.masks)):
            if array is not None and (np.ndim(array) == 0 or len(array) != len(inputs)):
                raise CourseError(
                    f"A split needs as many {part} as inputs: got {part} of shape {np.shape(array)} "
                    f"for {len(inputs)} inputs."
                )
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"Split of {len(self)} records of shape {_times(self.shape)}"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one record's input."""
        return self.inputs.shape[1:]

    def check_classes(self, count: int) -> None:
        """Raise a :class:`CourseError` unless the labels are class numbers below `count`."""
        _check_classes(self.labels, count)

    def limited(self, count: int) -> Split:
        """Return at most `count` records: evenly by class where there are classes, else the first ones."""
        import numpy as np

        keep = _balanced(self.labels, count)
        arrays = (self.inputs, self.labels, self.boxes, self.masks)
        return Split(*(None if array is None else np.asarray(array)[keep] for array in arrays))

    def tf_data(self, batch_size: int, shuffle: int | None = None) -> tf.data.Dataset:
        """Return the records in batches.

        Parameters
        ----------
        batch_size
            Records in a batch; the last batch may be smaller.
        shuffle
            A seed, such as ``seed("section 3")``: records come in a new order every epoch. Without it
            they come in stored order.

        Returns
        -------
        tf.data.Dataset
            Of pairs (inputs, labels); with boxes or masks of pairs (inputs, dictionary of the others).
        """
        return _batches(self._stream(), len(self), batch_size, shuffle)

    def _stream(self) -> tf.data.Dataset:
        import tensorflow as tf

        others = {"labels": self.labels, "boxes": self.boxes, "masks": self.masks}
        others = {part: array for part, array in others.items() if array is not None}
        targets = others if len(others) > 1 else self.labels
        return tf.data.Dataset.from_tensor_slices((self.inputs, targets))


class StreamedSplit(Split):
    """A split that stays on disk: arrays are read when they are first asked for.

    Parameters
    ----------
    stream
        Gives a ``tf.data.Dataset`` of single pairs (input, label).
    length
        Number of records.
    shape
        Shape of one input.
    classes
        Number of classes, 0 for real targets.
    """

    def __init__(
        self, stream: Callable[[], tf.data.Dataset], length: int, shape: tuple[int, ...], classes: int
    ) -> None:
        parts = {"_open": stream, "_length": length, "_shape": shape, "_classes": classes}
        for part, value in {**parts, "boxes": None, "masks": None}.items():
            object.__setattr__(self, part, value)

    def __len__(self) -> int:
        return self._length

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one record's input."""
        return self._shape

    @cached_property
    def inputs(self) -> np.ndarray:
        """All inputs, float32 (n, …)."""
        return self._arrays[0]

    @cached_property
    def labels(self) -> np.ndarray:
        """All labels, (n,)."""
        return self._arrays[1]

    def check_classes(self, count: int) -> None:
        """Do nothing yet: the labels are checked when they are read."""

    def limited(self, count: int) -> StreamedSplit:
        """Return the first `count` records, still on disk."""
        count = min(count, len(self))
        return StreamedSplit(lambda: self._open().take(count), count, self._shape, self._classes)

    def _stream(self) -> tf.data.Dataset:
        return self._open()

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        # One allocation, filled batch by batch: the data are never held twice.
        inputs = np.empty((self._length, *self._shape), np.float32)
        labels = np.empty(self._length, np.int32 if self._classes else np.float32)
        end = 0
        for batch, targets in self._open().batch(_READ_BATCH).prefetch(1).as_numpy_iterator():
            start, end = end, end + len(batch)
            inputs[start:end], labels[start:end] = batch, targets
        if end != self._length:
            raise CourseError(f"The stored data are damaged: {end} records instead of {self._length}.")
        if self._classes:
            _check_classes(labels, self._classes)
        return inputs, labels


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A dataset: two splits, what the labels mean, and where the data come from.

    Parameters
    ----------
    name
        The name that it was loaded by.
    train, test
        The two splits, with inputs of the same shape.
    classes
        The names of the classes in the order of their numbers; empty for regression.
    provenance
        One sentence: what the data are, where they come from and how many there are.
    license
        The licence of the data.
    features
        The names of a table's columns; empty for images and points.

    Raises
    ------
    CourseError
        If the splits do not fit each other, or if a label is outside the classes.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    provenance: str
    license: str
    features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.train.shape != self.test.shape:
            raise CourseError(
                f"{self.name}: training inputs have shape {self.train.shape}, "
                f"test inputs {self.test.shape}; they must agree."
            )
        if self.features and self.shape != (len(self.features),):
            raise CourseError(f"{self.name}: {len(self.features)} feature names for inputs {self.shape}.")
        if self.classes:
            self.train.check_classes(len(self.classes))
            self.test.check_classes(len(self.classes))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one record's input."""
        return self.train.shape

    def __repr__(self) -> str:
        kind = f"{len(self.classes)} classes" if self.classes else "real targets"
        return (
            f"{self.name}: {len(self.train)} training and {len(self.test)} test records "
            f"of shape {_times(self.shape)}, {kind}. {self.provenance}"
        )


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _numbers(values: Any, part: str) -> np.ndarray:
    """Return `values` as an array, or say why they are no finite numbers."""
    import numpy as np

    try:
        array = np.asarray(values)
    except ValueError as error:
        raise CourseError(f"The {part} of a split form one array; these differ in length.") from error
    if array.dtype.kind not in "buif":
        raise CourseError(f"The {part} of a split are numbers, not {array.dtype}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        broken = int(array.size - np.isfinite(array).sum())
        raise CourseError(f"The {part} of a split are finite numbers; {broken} here are NaN or infinite.")
    return array


def _check_classes(labels: np.ndarray, count: int) -> None:
    if labels.dtype.kind == "f":
        raise CourseError("Labels of classes are whole numbers; these are real numbers.")
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        raise CourseError(
            f"Labels of {count} classes are the numbers 0 to {count - 1}; "
            f"these go from {labels.min()} to {labels.max()}."
        )


def _balanced(labels: np.ndarray, count: int) -> np.ndarray:
    """Return the positions, in rising order, of `count` records with the classes as even as they can be."""
    import numpy as np

    if labels.ndim != 1 or labels.dtype.kind == "f":
        return np.arange(min(count, len(labels)))
    rank = np.empty(len(labels), int)  # how many of the same class come before
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    return np.sort(np.argsort(rank, kind="stable")[:count])


def _batches(stream: tf.data.Dataset, length: int, batch_size: int, shuffle: int | None) -> tf.data.Dataset:
    import tensorflow as tf

    if not is_count(batch_size):
        raise CourseError(f"batch_size is a whole number from 1 on, not {batch_size!r}.")
    if shuffle is not None:
        if isinstance(shuffle, bool) or not is_count(shuffle, least=0):
            raise CourseError(f"shuffle is a seed such as seed('section 3'), or None; not {shuffle!r}.")
        stream = stream.shuffle(min(length, _SHUFFLE_BUFFER), seed=int(shuffle))
    return stream.batch(int(batch_size)).prefetch(tf.data.AUTOTUNE)


def is_count(value: Any, least: int = 1) -> bool:
    """Tell whether `value` is a whole number (Python's or NumPy's, no Boolean) of at least `least`."""
    import numbers

    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= least
