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
        Array (n,): class numbers, kept as int32, or real targets, kept as float32. With several objects in
        a record (n, m): the class of each, −1 in the rows beyond a record's objects.
    boxes
        Array (n, 4) or (n, m, 4), kept as float32, where the data have boxes: (ymin, xmin, ymax, xmax) in
        fractions of the image, 0 in the rows beyond a record's objects.
    masks
        Array (n, height, width) where the data have masks: 0 is background, k the object of row k − 1.

    Raises
    ------
    CourseError
        If the lengths differ, if a value is not a number, if one is not finite, or if there is not one box
        for each label.
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
        if self.boxes is not None:
            boxes = _numbers(self.boxes, "boxes").astype(np.float32, copy=False)
            if labels.ndim == 2 and boxes.shape != (*labels.shape, 4):
                raise CourseError(
                    f"A split needs one box for each label: got boxes of shape {boxes.shape} for labels of "
                    f"shape {labels.shape}."
                )
            object.__setattr__(self, "boxes", boxes)

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"Split of {len(self)} records of shape {_times(self.shape)}"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one record's input."""
        return self.inputs.shape[1:]

    def check_classes(self, count: int) -> None:
        """Raise a :class:`CourseError` unless labels are class numbers below `count` (−1: no object)."""
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
        Gives a ``tf.data.Dataset`` of single pairs (input, label); where there are boxes or masks, of pairs
        (input, dictionary of labels and of those).
    length
        Number of records.
    shape
        Shape of one input.
    classes
        Number of classes, 0 for real targets.
    parts
        Which parts the records have beside inputs: labels, and boxes or masks.
    """

    def __init__(
        self,
        stream: Callable[[], tf.data.Dataset],
        length: int,
        shape: tuple[int, ...],
        classes: int,
        parts: tuple[str, ...] = ("labels",),
    ) -> None:
        values = {"_open": stream, "_length": length, "_shape": shape, "_classes": classes, "_parts": parts}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return self._length

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one record's input."""
        return self._shape

    @cached_property
    def inputs(self) -> np.ndarray:
        """All inputs, float32 (n, …)."""
        return self._arrays["inputs"]

    @cached_property
    def labels(self) -> np.ndarray:
        """All labels, (n,) or (n, m)."""
        return self._arrays["labels"]

    @cached_property
    def boxes(self) -> np.ndarray | None:
        """All boxes, (n, m, 4), where there are any."""
        return self._arrays["boxes"] if "boxes" in self._parts else None

    @cached_property
    def masks(self) -> np.ndarray | None:
        """All masks, (n, height, width), where there are any."""
        return self._arrays["masks"] if "masks" in self._parts else None

    def check_classes(self, count: int) -> None:
        """Do nothing yet: the labels are checked when they are read."""

    def limited(self, count: int) -> StreamedSplit:
        """Return the first `count` records, still on disk."""
        count = min(count, len(self))
        return StreamedSplit(lambda: self._open().take(count), count, self._shape, self._classes, self._parts)

    def _stream(self) -> tf.data.Dataset:
        return self._open()

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        import numpy as np

        # One allocation, filled batch by batch: the data are never held twice.
        arrays: dict[str, np.ndarray] = {}
        end = 0
        for inputs, targets in self._open().batch(_READ_BATCH).prefetch(1).as_numpy_iterator():
            batch = {"inputs": inputs, **(targets if isinstance(targets, dict) else {"labels": targets})}
            arrays = arrays or {
                part: np.empty((self._length, *values.shape[1:]), values.dtype)
                for part, values in batch.items()
            }
            start, end = end, end + len(inputs)
            for part, values in batch.items():
                arrays[part][start:end] = values
        if end != self._length:
            raise CourseError(f"The stored data are damaged: {end} records instead of {self._length}.")
        if self._classes:
            _check_classes(arrays["labels"], self._classes)
        return arrays


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


def class_masks(split: Split) -> np.ndarray:
    """Return the classes of a split's pixels.

    Parameters
    ----------
    split
        A part of a dataset with masks.

    Returns
    -------
    np.ndarray
        (n, height, width), int32: 0 for background, else one more than the class of the object that the
        pixel belongs to.

    Raises
    ------
    CourseError
        If the split has no masks.
    """
    import numpy as np

    if split.masks is None or split.labels.ndim != 2:
        raise CourseError("These records have no masks of objects; scenes and oxford_iiit_pet have.")
    # Row 0 of the table is the background, so that a mask's numbers index it directly.
    table = np.pad(split.labels + 1, ((0, 0), (1, 0)))
    pixels = split.masks.reshape(len(split), -1)
    return np.take_along_axis(table, pixels.astype(np.intp), axis=1).reshape(split.masks.shape)


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
    if labels.ndim == 2:
        labels = labels[labels != -1]
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


def check_size(size: Any) -> None:
    """Raise a :class:`CourseError` unless `size` is None or a pair (height, width) of whole numbers."""
    if size is None:
        return
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(map(is_count, size)):
        raise CourseError(f"size is a pair (height, width) of whole numbers from 1 on, not {size!r}.")
