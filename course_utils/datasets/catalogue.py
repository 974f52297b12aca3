"""Every dataset of TensorFlow Datasets by its own name, and imitations of them for tests."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import queue
import socket
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.datasets.objects import objects_of_classes
from course_utils.datasets.records import Dataset, StreamedSplit, check_size
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import tensorflow as tf

# TensorFlow Datasets leaves most licences out; these are what the authors state.
_LICENSES = {
    "mnist": "CC BY-SA 3.0",
    "fashion_mnist": "MIT",
    "cifar10": "not stated by its authors",
    "tf_flowers": "CC BY 2.0 (each photograph, by its own author)",
    "oxford_iiit_pet": "CC BY-SA 4.0",
    "voc": "terms of use of Flickr",
}

# Masks whose values are no numbers of objects: the feature, and its values that are a class of its own.
_SEGMENTED = {"oxford_iiit_pet": ("segmentation_mask", {1: "pet", 3: "outline"})}
_BACKGROUND = 2  # what imitated masks have elsewhere

_IMITATED_RECORDS = 64
_IMITATED_OBJECTS = 4  # at most, and 0 in some records
_IMITATED_SIZE = (64, 64)
# TensorFlow Datasets retries for minutes when there is no network; this is how long we look for one.
_NETWORK_SECONDS = 5.0
_STORE = "storage.googleapis.com"  # keeps prepared copies of the common datasets


def data_dir() -> Path | None:
    """Return the folder of stored data: ``TFDS_DATA_DIR``, else a checkout's, else None for the default."""
    named = os.environ.get("TFDS_DATA_DIR")
    if named:
        return Path(named).expanduser()
    root = Path(__file__).resolve().parents[2]
    return root / "data" / "tfds" if (root / "data" / "README.md").is_file() else None


def known_names(name: str) -> list[str]:
    """Return the names that TensorFlow Datasets offers; `name` is only for the message without it."""
    return _library(name).list_builders(with_community_datasets=False)


def prepare(name: str) -> str:
    """Download and store a dataset; return one sentence that says what is there."""
    builder = _prepared(name)
    return f"{_title(builder)}: {_sizes(builder)}, in {builder.data_dir}."


def read(name: str, *, size: tuple[int, int] | None = None) -> Dataset:
    """Open a dataset, and download it first if need be.

    Parameters
    ----------
    name
        A name of TensorFlow Datasets, with version or configuration if wanted.
    size
        Height and width that images are resized to; needed where their sizes differ.

    Returns
    -------
    Dataset
        With splits that are read from disk when they are used. Where records have ``objects``, as those of
        ``voc``, boxes (n, m, 4) and labels (n, m) with the largest number of objects as m, difficult ones
        included.
        For ``oxford_iiit_pet`` masks too, in which the pet is an object of class 0 and its outline, which
        nobody decided on, one of class 1; the boxes are their extents.

    Raises
    ------
    CourseError
        If the dataset consists neither of images with objects nor of images or numbers with one label each,
        if its images need a size, or if it is neither here nor reachable.
    """
    check_size(size)
    builder = _prepared(name)
    train, test, remark = _split_names(builder)
    provenance = f"{_title(builder)}: {_sizes(builder)}{remark}."
    counts = tuple(builder.info.splits[part].num_examples for part in (train, test))
    return _opened(name, builder, splits=(train, test), counts=counts, size=size, provenance=provenance)


def imitation(name: str, *, size: tuple[int, int] | None = None) -> Dataset:
    """Return random records in the form of a dataset, without network; `size` as in :func:`read`."""
    check_size(size)
    library = _library(name)

    def as_dataset(builder: Any, split: str, **_: Any) -> tf.data.Dataset:
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices(_random_records(builder, split)).map(_cut)

    with (
        _quiet(),
        tempfile.TemporaryDirectory() as empty,
        library.testing.mock_data(as_dataset_fn=as_dataset, policy=library.testing.MockPolicy.USE_CODE),
    ):
        builder = _builder(name, Path(empty))
        provenance = (
            f"Random records in the form of {_title(builder)}, made by tfds.testing.mock_data for profile "
            "smoke: not the real data."
        )
        counts = (_IMITATED_RECORDS, _IMITATED_RECORDS)
        return _opened(
            name, builder, splits=("train", "test"), counts=counts, size=size, provenance=provenance
        )


def _opened(
    name: str,
    builder: Any,
    *,
    splits: tuple[str, str],
    counts: tuple[int, int],
    size: tuple[int, int] | None,
    provenance: str,
) -> Dataset:
    """Describe the splits of a builder as streams of pairs of an input and its targets."""
    input_key, target_key = _keys(name, builder)
    feature = builder.info.features[target_key]
    shape = _input_shape(name, builder.info.features[input_key], size)
    parts: tuple[str, ...] = ("labels",)
    if target_key == "objects":
        classes, parts = tuple(feature["label"].names), ("labels", "boxes")
        targets = _objects(_most_objects(builder, splits))
    elif builder.name in _SEGMENTED:
        values = _SEGMENTED[builder.name][1]
        classes, parts = tuple(values.values()), ("labels", "boxes", "masks")
        targets = _masked(list(values), shape[:2])
    else:
        classes = tuple(getattr(feature, "names", ()))
        targets = _label(is_class=bool(classes))
    train, test = (
        StreamedSplit(
            _stream(builder, split, (input_key, target_key), size, targets), count, shape, len(classes), parts
        )
        for split, count in zip(splits, counts, strict=True)
    )
    return Dataset(name, train, test, classes, provenance, _license(builder))


def _stream(
    builder: Any, split: str, keys: tuple[str, str], size: tuple[int, int] | None, targets: Callable[..., Any]
) -> Callable[[], tf.data.Dataset]:
    """Return a function that gives the pairs (input, targets) of a split, always in the same order."""
    import tensorflow as tf

    with _quiet():
        records = builder.as_dataset(split=split, shuffle_files=False)

    def pair(record: dict[str, Any]) -> tuple[tf.Tensor, Any]:
        inputs = record[keys[0]]
        is_bytes = inputs.dtype == tf.uint8
        inputs = tf.cast(inputs, tf.float32)
        if size is not None:
            inputs = tf.image.resize(inputs, size, antialias=True)
        if is_bytes:
            inputs = tf.clip_by_value(inputs / 255, 0, 1)
        return inputs, targets(record[keys[1]])

    return lambda: records.map(pair, num_parallel_calls=tf.data.AUTOTUNE)


def _label(*, is_class: bool) -> Callable[..., Any]:
    import tensorflow as tf

    return lambda label: tf.cast(label, tf.int32 if is_class else tf.float32)


def _objects(most: int) -> Callable[..., Any]:
    """Return what fills a record's objects up to `most` rows, with label −1 and box 0."""
    import tensorflow as tf

    def targets(objects: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        missing = most - tf.shape(objects["label"])[0]
        labels = tf.pad(tf.cast(objects["label"], tf.int32), [[0, missing]], constant_values=-1)
        boxes = tf.pad(objects["bbox"], [[0, missing], [0, 0]])
        return {"labels": tf.ensure_shape(labels, (most,)), "boxes": tf.ensure_shape(boxes, (most, 4))}

    return targets


def _most_objects(builder: Any, splits: tuple[str, str]) -> int:
    """Return the largest number of objects of a record, at least 1; no image is decoded."""
    import tensorflow as tf

    skip = {"image": _library(builder.name).decode.SkipDecoding()}
    most = 1
    for split in splits:
        with _quiet():
            records = builder.as_dataset(split=split, shuffle_files=False, decoders=skip)
        counts = records.map(lambda record: tf.shape(record["objects"]["label"])[0])
        most = max(most, *counts.as_numpy_iterator())
    return int(most)


def _masked(values: list[int], size: tuple[int, int]) -> Callable[..., Any]:
    """Return what takes the pixels of each of the values in a mask as one object."""
    import tensorflow as tf

    classes = np.zeros(256, np.int32)
    classes[values] = np.arange(1, len(values) + 1)
    shapes = {"boxes": (len(values), 4), "labels": (len(values),), "masks": size}

    def targets(mask: tf.Tensor) -> dict[str, tf.Tensor]:
        mask = tf.image.resize(mask, size, method="nearest")[..., 0]
        found = tf.numpy_function(
            lambda each: objects_of_classes(classes[each], len(values)),
            [mask],
            (tf.float32, tf.int32, tf.uint8),
        )
        return {part: tf.ensure_shape(value, shapes[part]) for part, value in zip(shapes, found, strict=True)}

    return targets


def _keys(name: str, builder: Any) -> tuple[str, str]:
    """Return the names of the features that are the input and the target."""
    library = _library(name)
    features = builder.info.features
    if builder.name in _SEGMENTED:
        return "image", _SEGMENTED[builder.name][0]
    objects = features["objects"] if "image" in features and "objects" in features else None
    if isinstance(getattr(objects, "feature", None), library.features.FeaturesDict) and all(
        key in objects for key in ("bbox", "label")
    ):
        return "image", "objects"
    keys = builder.info.supervised_keys or ("image", "label")
    if len(keys) == 2 and all(key in features for key in keys):
        inputs, label = (features[key] for key in keys)
        plain = isinstance(inputs, library.features.Image) or type(inputs) is library.features.Tensor
        if plain and label.shape == () and np.dtype(label.np_dtype).kind in "iuf":
            return keys
    raise CourseError(
        f"{name} can not be loaded here: load reads images with objects, and images or numbers with one "
        f"label each, and {name} has the features {', '.join(features)}."
    )


def _input_shape(name: str, feature: Any, size: tuple[int, int] | None) -> tuple[int, ...]:
    shape = feature.shape
    if size is not None:
        if len(shape) != 3:
            raise CourseError(f"{name}: size is for images; the inputs of {name} have the shape {shape}.")
        shape = (*size, shape[-1])
    if None in shape:
        raise CourseError(
            f"The images of {name} differ in size: say which one you want, as in "
            f"load({name!r}, size=(64, 64))."
        )
    return tuple(shape)


def _split_names(builder: Any) -> tuple[str, str, str]:
    """Return what to train on, what to test on, and a remark if the dataset has no test split."""
    splits = builder.info.splits
    if "train" not in splits:
        raise CourseError(f"{builder.name} has no training split; it has {', '.join(splits)}.")
    if "test" in splits and getattr(builder.builder_config, "has_test_annotations", True):
        return "train", "test", ""
    if "validation" in splits:
        return "train", "validation", "; its validation split is the test split here"
    # Fixed, because the order of stored records is: it follows from a hash of each record's key.
    return "train[:80%]", "train[80%:]", "; it has no test split, so the last 20 % are held out"


def _prepared(name: str) -> Any:
    """Return a builder whose data are stored, after downloading them if need be."""
    with _quiet():
        builder = _builder(name, data_dir())
        if not builder.is_prepared():
            _download(name, builder)
    return builder


def _download(name: str, builder: Any) -> None:
    """Download and store; what fails half-way leaves nothing behind that could be read as a dataset."""
    command = f"python -m course_utils.datasets {name}"
    hosts = {urllib.parse.urlsplit(url).hostname for url in builder.url_infos or {}}
    hosts.discard(None)
    if hosts and not _reachable({*hosts, _STORE}):
        raise CourseError(
            f"{name} is not on this machine and there is no network to download it: run `{command}` on a "
            "machine with a network and set TFDS_DATA_DIR to the folder that it fills, or use a dataset "
            "that needs no network, such as digits."
        )
    try:
        # Written to a temporary folder that is renamed when complete, and removed otherwise.
        builder.download_and_prepare()
    except Exception as error:  # a download can fail in any library below
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise CourseError(
            f"{name} could not be downloaded and stored ({type(error).__name__}: {reason.rstrip('.')}); "
            f"nothing incomplete is kept. Try again with `{command}`."
        ) from error


def _reachable(hosts: set[str]) -> bool:
    """Tell whether any of the hosts answers within a few seconds."""
    if urllib.request.getproxies():
        return True  # only the proxy knows
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ask(host: str) -> None:
        try:
            socket.create_connection((host, 443), timeout=_NETWORK_SECONDS).close()
        except OSError:
            answers.put(False)
        else:
            answers.put(True)

    # Looking up a name has no time limit of its own, so the threads are left behind when time is up.
    for host in hosts:
        threading.Thread(target=ask, args=(host,), daemon=True).start()
    end = time.monotonic() + _NETWORK_SECONDS
    for _ in hosts:
        try:
            if answers.get(timeout=max(0.0, end - time.monotonic())):
                return True
        except queue.Empty:
            return False
    return False


def _builder(name: str, folder: Path | None) -> Any:
    library = _library(name)
    try:
        return library.builder(name, data_dir=None if folder is None else str(folder))
    except Exception as error:  # an unknown version or configuration, a broken folder
        reason = str(error).strip().splitlines()[0].split('}": ')[-1].split(" Here are ")[0]
        raise CourseError(f"TensorFlow Datasets can not open {name!r}: {reason}") from error


def _library(name: str) -> Any:
    with _quiet():
        try:
            import tensorflow_datasets
        except ModuleNotFoundError as error:
            raise CourseError(
                f"{name!r} is looked up in TensorFlow Datasets, and {error.name} is not installed: run "
                "`pip install tensorflow-datasets importlib_resources`."
            ) from error
    # In a notebook its bars are widgets, which no redirection of the standard streams would stop.
    if os.environ.get("COURSE_PROGRESS") == "0":
        tensorflow_datasets.disable_progress_bar()
    else:
        tensorflow_datasets.enable_progress_bar()
    return tensorflow_datasets


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's remarks out of a notebook, and its bars where outputs are stored."""
    loggers = [logging.getLogger(each) for each in ("absl", "urllib3", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with contextlib.ExitStack() as stack:
            if os.environ.get("COURSE_PROGRESS") == "0":
                stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
                stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _random_records(builder: Any, split: str) -> dict[str, np.ndarray]:
    """Make valid records of a builder's input and target; other features are left out."""
    generator = np.random.default_rng(zlib.crc32(f"{builder.name} {split}".encode()))
    features = builder.info.features
    input_key, target_key = _keys(builder.name, builder)
    records = {input_key: _random_values(features[input_key], generator)}
    if target_key == "objects":
        shape = (_IMITATED_RECORDS, _IMITATED_OBJECTS)
        names = features["objects"]["label"].num_classes
        objects = {"label": generator.permutation(np.arange(np.prod(shape)) % names).reshape(shape)}
        objects["bbox"] = _random_boxes(shape, generator)
        # How many of them there are: each number from 0 on as often.
        records |= {"objects": objects, "count": np.arange(shape[0]) % (shape[1] + 1)}
    elif builder.name in _SEGMENTED:
        records[target_key] = _random_masks(list(_SEGMENTED[builder.name][1]), generator)
    else:
        records[target_key] = _random_values(features[target_key], generator)
    return records


def _cut(record: dict[str, Any]) -> dict[str, Any]:
    """Leave as many objects as a record has."""
    count = record.pop("count", None)
    if count is not None:
        record["objects"] = {name: values[:count] for name, values in record["objects"].items()}
    return record


def _random_boxes(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Return boxes (*shape, 4) within the image, each side from a tenth to half of the image's."""
    side = generator.uniform(0.1, 0.5, (*shape, 2))
    corner = generator.random((*shape, 2)) * (1 - side)
    return np.concatenate([corner, corner + side], axis=-1).astype(np.float32)


def _random_masks(values: list[int], generator: np.random.Generator) -> np.ndarray:
    """Return masks (n, height, width, 1) of rectangles, the values one within the other."""
    masks = np.full((_IMITATED_RECORDS, *_IMITATED_SIZE, 1), _BACKGROUND, np.uint8)
    corners = _random_boxes((_IMITATED_RECORDS,), generator) * np.tile(_IMITATED_SIZE, 2)
    for mask, (top, left, bottom, right) in zip(masks, np.rint(corners).astype(int), strict=True):
        for inset, value in enumerate(reversed(values)):
            mask[top + inset : bottom - inset, left + inset : right - inset] = value
    return masks


def _random_values(feature: Any, generator: np.random.Generator) -> np.ndarray:
    """Make valid values of one feature; a further kind is a further case here."""
    count = _IMITATED_RECORDS
    if hasattr(feature, "names"):
        return np.arange(count) % feature.num_classes
    shape = tuple(feature.shape)
    if len(shape) == 3:
        shape = (
            *(length or default for length, default in zip(shape, _IMITATED_SIZE, strict=False)),
            shape[2],
        )
    kind = np.dtype(feature.np_dtype)
    if kind == np.uint8:
        return generator.integers(256, size=(count, *shape), dtype=np.uint8)
    return generator.random((count, *shape)).astype(kind)


def _title(builder: Any) -> str:
    return f"{builder.info.full_name} of TensorFlow Datasets"


def _sizes(builder: Any) -> str:
    splits = builder.info.splits
    counts = ", ".join(f"{part} {splits[part].num_examples}" for part in splits)
    return f"{counts} records, {builder.info.dataset_size} stored"


def _license(builder: Any) -> str:
    return _LICENSES.get(builder.name) or "not stated by TensorFlow Datasets"
