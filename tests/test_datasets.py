"""Behaviour of course_utils.datasets: one call, one record type, and a plain sentence for each mistake."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_utils import datasets
from course_utils.datasets import Dataset, Split, load
from course_utils.errors import CourseError

TOYS = ("moons", "circles", "spirals", "xor", "blobs", "ring", "checkerboard")
ROOT = Path(__file__).resolve().parents[1]

# The first labels of three splits and two points of each generated set, as every version must give them.
DIGITS_TEST = [9, 8, 5, 2, 7, 3, 9, 6, 3, 5, 3, 3]
IRIS_TEST = [1, 2, 2, 1, 0, 1, 0, 0, 2, 2, 0, 0]
CANCER_TRAIN = [1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1]
TOY_POINTS = {
    "moons": [0.037598, 0.492499, -0.1655, 0.292467],
    "circles": [0.515432, 0.074029, 0.403419, 0.05339],
    "spirals": [-0.037936, -0.111477, -0.005914, -0.201402],
    "xor": [1.1956, 1.142062, 1.030465, 0.953669],
    "blobs": [1.326, 0.23677, 1.050775, -0.077218],
    "ring": [-1.283814, 1.508922, 1.558472, -1.300668],
    "checkerboard": [-0.688191, -0.311268, 0.574624, 0.164029],
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    """Run in profile quick, with an empty folder for TensorFlow Datasets."""
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))


@pytest.fixture
def smoke(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")


@pytest.fixture
def no_network(monkeypatch):
    """Let every attempt to connect fail, as on a machine without network."""

    def refuse(*_, **__):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def shapes_builder():
    """Register a dataset of 12 images of different sizes that is generated without network."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow_datasets as tfds

    class CourseShapes(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        breaks = False

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(None, None, 1)),
                "label": tfds.features.ClassLabel(names=["dark", "light"]),
            }
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, dl_manager):
            del dl_manager
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for index in range(12):
                if self.breaks and index == 8:
                    raise OSError("the disk is full")
                side = 4 + index
                image = np.full((side, side, 1), 255 * (index % 2), np.uint8)
                yield index, {"image": image, "label": index % 2}

    yield CourseShapes
    CourseShapes.breaks = False


# Real data that come with scikit-learn.


@pytest.mark.parametrize(
    ("name", "sizes", "shape", "count"),
    [
        ("digits", (1297, 500), (8, 8, 1), 10),
        ("iris", (100, 50), (4,), 3),
        ("breast_cancer", (399, 170), (30,), 2),
        ("photographs", (1, 1), (427, 640, 3), 2),
    ],
)
def test_sizes_types_and_provenance(name, sizes, shape, count):
    data = load(name)
    assert (len(data.train), len(data.test)) == sizes
    assert data.shape == data.train.inputs.shape[1:] == shape
    assert data.train.inputs.dtype == data.test.inputs.dtype == np.float32
    assert data.train.labels.dtype == np.int32
    assert len(data.classes) == count
    assert "scikit-learn" in data.provenance
    assert data.license.startswith("CC BY")
    assert str(sizes[0]) in repr(data)
    assert data.provenance in repr(data)


@pytest.mark.parametrize("name", ["digits", "photographs"])
def test_images_fill_the_unit_interval(name):
    images = load(name).train.inputs
    assert (images.min(), images.max()) == (0, 1)


def test_digits_are_the_stored_ones_each_once():
    from sklearn.datasets import load_digits

    data, stored = load("digits"), load_digits()

    def sorted_rows(images, labels):
        rows = np.column_stack([np.reshape(images, (len(labels), -1)), labels])
        return rows[np.lexsort(rows.T)]

    ours = sorted_rows(
        np.concatenate([data.train.inputs, data.test.inputs]) * 16,
        np.concatenate([data.train.labels, data.test.labels]),
    )
    np.testing.assert_array_equal(ours, sorted_rows(stored.images, stored.target))


@pytest.mark.parametrize("name", ["digits", "iris", "breast_cancer"])
def test_split_is_stratified_and_in_mixed_order(name):
    data = load(name)
    train, test = (np.bincount(part.labels, minlength=len(data.classes)) for part in (data.train, data.test))
    share = len(data.test) / (len(data.train) + len(data.test))
    assert np.abs(test - share * (train + test)).max() < 1
    for part in (data.train, data.test):
        # A third of a mixed order has every class in about its own share.
        first = np.bincount(part.labels[: len(part) // 3], minlength=len(data.classes))
        whole = np.bincount(part.labels, minlength=len(data.classes))
        assert np.all(first < 0.6 * whole)
        assert np.all(first > 0.1 * whole)


def test_split_is_the_same_for_every_reader():
    assert load("digits").test.labels[:12].tolist() == DIGITS_TEST
    assert load("iris").test.labels[:12].tolist() == IRIS_TEST
    assert load("breast_cancer").train.labels[:12].tolist() == CANCER_TRAIN


def test_subset_numbers_classes_and_columns_in_the_order_asked_for():
    whole = load("iris")
    part = load("iris", classes=("virginica", "setosa"), features=("petal width (cm)", "sepal length (cm)"))
    assert part.classes == ("virginica", "setosa")
    assert part.features == ("petal width (cm)", "sepal length (cm)")
    expected = whole.test.inputs[whole.test.labels == 2][:, [3, 0]]
    np.testing.assert_array_equal(part.test.inputs[part.test.labels == 0], expected)
    assert len(part.test) == np.isin(whole.test.labels, [0, 2]).sum()


def test_standardise_uses_the_training_records_alone():
    raw, data = load("breast_cancer"), load("breast_cancer", standardise=True)
    np.testing.assert_allclose(data.train.inputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.inputs.std(0), 1, rtol=1e-5)
    expected = (raw.test.inputs - raw.train.inputs.mean(0)) / raw.train.inputs.std(0)
    np.testing.assert_allclose(data.test.inputs, expected, rtol=1e-3, atol=1e-3)
    assert abs(data.test.inputs.mean(0)).max() > 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ("setosa", "rose")}, "has no 'rose'; there are 'setosa', 'versicolor'"),
        ({"features": ()}, "one or more different names"),
        ({"classes": ("setosa", "setosa")}, "one or more different names"),
        ({"standardise": "yes"}, "standardise is True or False, not 'yes'"),
    ],
)
def test_wrong_options_of_a_table_are_named(options, message):
    with pytest.raises(CourseError, match=message):
        load("iris", **options)


# Generated points in the plane.


@pytest.mark.parametrize("name", TOYS)
def test_shape_balance_and_repeatability(name):
    data, again, other = load(name, n=120), load(name, n=120), load(name, n=120, seed=1)
    assert data.train.inputs.shape == data.test.inputs.shape == (120, 2)
    assert np.ptp(np.bincount(data.train.labels)) == 0
    np.testing.assert_array_equal(data.train.inputs, again.train.inputs)
    assert not np.array_equal(data.train.inputs, data.test.inputs)
    assert not np.array_equal(data.train.inputs, other.train.inputs)
    assert "120 points" in data.provenance
    assert "seed 0" in data.provenance


@pytest.mark.parametrize("name", TOYS)
def test_points_are_the_same_with_every_version(name):
    data = load(name)
    found = [*data.train.inputs[3], *data.test.inputs[-1]]
    np.testing.assert_allclose(found, TOY_POINTS[name], atol=1e-5)


def test_moons_lie_on_half_circles():
    points, labels = (data := load("moons", noise=0)).train.inputs, data.train.labels
    upper, lower = points[labels == 0], points[labels == 1]
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(lower - [1, 0.5], axis=1), 1, atol=1e-6)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5


def test_circles_have_their_radii():
    data = load("circles", noise=0)
    radius = np.linalg.norm(data.train.inputs, axis=1)
    np.testing.assert_allclose(radius, np.where(data.train.labels == 0, 1, 0.5), atol=1e-6)


@pytest.mark.parametrize("turns", [1, 2.5])
def test_spirals_turn_as_often_as_asked(turns):
    data = load("spirals", turns=turns, noise=0)
    points = data.train.inputs.astype(float)
    radius = np.linalg.norm(points, axis=1)
    angle = np.arctan2(points[:, 1], points[:, 0]) - np.pi * data.train.labels
    turned = turns * radius - angle / (2 * np.pi)  # whole turns on an Archimedean spiral
    np.testing.assert_allclose(turned, np.round(turned), atol=1e-5)
    assert 0.95 < radius.max() <= 1


def test_xor_without_noise_is_the_truth_table():
    data = load("xor", n=4, noise=0)
    assert data.train.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert data.train.labels.tolist() == [0, 1, 1, 0]
    assert data.classes == ("false", "true")


def test_blobs_surround_their_centres():
    data = load("blobs", n=3000, centres=4, noise=0.1)
    means = [data.train.inputs[data.train.labels == label].mean(0) for label in range(4)]
    np.testing.assert_allclose(means, [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=0.02)
    assert data.train.inputs[data.train.labels == 1].std() == pytest.approx(0.5, abs=0.02)


def test_ring_has_its_centres_and_its_width():
    data = load("ring", n=8000, modes=4, radius=3, noise=0.2)
    means = [data.train.inputs[data.train.labels == label].mean(0) for label in range(4)]
    np.testing.assert_allclose(means, [[3, 0], [0, 3], [-3, 0], [0, -3]], atol=0.02)
    assert data.train.inputs[data.train.labels == 2].std(0) == pytest.approx([0.2, 0.2], abs=0.01)
    assert data.classes == ("mode 1", "mode 2", "mode 3", "mode 4")


def test_checkerboard_is_labelled_by_colour():
    data = load("checkerboard", squares=3)
    square = np.floor((data.train.inputs + 1) * 3 / 2).astype(int)
    np.testing.assert_array_equal(square.sum(1) % 2, data.train.labels)
    assert abs(data.train.inputs).max() <= 1
    assert len(np.unique(square, axis=0)) == 9


def test_noise_has_the_standard_deviation_asked_for():
    clean, noisy = load("xor", n=4000, noise=0), load("xor", n=4000, noise=0.3)
    assert (noisy.train.inputs - clean.train.inputs).std() == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("moons", {"n": 1}, "n is a whole number from 2 on"),
        ("blobs", {"n": 2}, "n is a whole number from 3 on"),
        ("xor", {"n": 2.5}, "n is a whole number"),
        ("moons", {"noise": -0.1}, "noise is a standard deviation"),
        ("moons", {"noise": float("nan")}, "noise is a standard deviation"),
        ("moons", {"seed": "one"}, "seed is a whole number"),
        ("spirals", {"turns": 0}, "turns is a positive number"),
        ("blobs", {"centres": 1}, "centres is a whole number from 2 on"),
        ("ring", {"modes": 1}, "modes is a whole number from 2 on"),
        ("ring", {"radius": 0}, "radius is a positive number"),
        ("checkerboard", {"squares": True}, "squares is a whole number from 2 on"),
    ],
)
def test_wrong_options_of_points_are_named(name, options, message):
    with pytest.raises(CourseError, match=message):
        load(name, **options)


# Choosing a dataset and cutting it.


def test_near_names_and_the_list_are_offered():
    with pytest.raises(CourseError, match=r"no dataset 'digit'. Did you mean 'digits'.*breast_cancer"):
        load("digit")


def test_near_names_of_tensorflow_datasets_are_offered():
    with pytest.raises(CourseError, match=r"'fashion_mnist'"):
        load("fashion_mnst")


@pytest.mark.parametrize("name", [None, 3, ""])
def test_a_name_is_a_string(name):
    with pytest.raises(CourseError, match="named by a string such as 'digits'"):
        load(name)


def test_unknown_option_is_named_with_the_known_ones():
    with pytest.raises(
        CourseError, match="spirals has no option 'arms'; it takes n, turns, noise, seed, limit"
    ):
        load("spirals", arms=3)


@pytest.mark.parametrize("limit", [0, -1, 2.5, "ten", True, (1, 2, 3), (0, None)])
def test_bad_limit(limit):
    with pytest.raises(CourseError, match="limit is a whole number from 1 on, or a pair"):
        load("digits", limit=limit)


def test_limit_keeps_the_classes_even_and_the_order():
    whole, part = load("digits"), load("digits", limit=100)
    assert len(part.train) == len(part.test) == 100
    assert np.bincount(part.train.labels).tolist() == [10] * 10
    first_eights = whole.train.inputs[whole.train.labels == 8][:10]
    np.testing.assert_array_equal(part.train.inputs[part.train.labels == 8], first_eights)


def test_limits_for_training_and_test_differ():
    part = load("digits", limit=(30, None))
    assert (len(part.train), len(part.test)) == (30, 500)
    assert len(load("iris", limit=1000).train) == 100


@pytest.mark.usefixtures("smoke")
def test_smoke_cuts_to_64():
    for name in datasets.names():
        data = load(name)
        assert len(data.train) <= 64, name
        assert len(data.test) <= 64, name
    assert np.bincount(load("digits").train.labels).min() == 6
    assert len(load("digits", limit=20).train) == 20


def test_every_name_is_described_in_the_readme():
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert [name for name in datasets.names() if f"`{name}`" not in text] == []


# What a split and a dataset accept.


def test_labels_keep_their_kind():
    assert Split(np.zeros((3, 2)), [0, 1, 2]).labels.dtype == np.int32
    assert Split(np.zeros((3, 2)), [0.5, 1, 2]).labels.dtype == np.float32
    assert Split(np.zeros((3, 2), np.uint8), [True, False, True]).inputs.dtype == np.float32


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"inputs": np.zeros((3, 2)), "labels": [0, 1]},
            r"as many labels as inputs: got .* \(2,\) for 3",
        ),
        ({"inputs": np.zeros((3, 2)), "labels": 0}, "as many labels as inputs"),
        (
            {"inputs": np.zeros((3, 2)), "labels": [0, 1, 0], "boxes": np.zeros((2, 1, 4))},
            "as many boxes",
        ),
        ({"inputs": np.zeros((3, 2)), "labels": [0, 1, 0], "masks": np.zeros((4, 2))}, "as many masks"),
        ({"inputs": np.zeros(3), "labels": [0, 1, 0]}, r"shape \(records, …\), not \(3,\)"),
        ({"inputs": [[1, np.nan], [np.inf, 0]], "labels": [0, 1]}, "2 here are NaN or infinite"),
        ({"inputs": np.zeros((2, 2)), "labels": [0, np.nan]}, "labels of a split are finite"),
        ({"inputs": [["a"], ["b"]], "labels": [0, 1]}, "inputs of a split are numbers"),
        ({"inputs": [[1, 2], [3]], "labels": [0, 1]}, "differ in length"),
    ],
)
def test_wrong_arrays_are_refused(parts, message):
    with pytest.raises(CourseError, match=message):
        Split(**parts)


def _dataset(labels, classes=("a", "b"), test_shape=(2, 2), features=()):
    train, test = Split(np.zeros((2, 2)), labels), Split(np.zeros(test_shape), [0, 1])
    return Dataset("made up", train, test, classes, "Made up.", "none", features)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [0, 2]}, "2 classes are the numbers 0 to 1; these go from 0 to 2"),
        ({"labels": [-1, 1]}, "these go from -1 to 1"),
        ({"labels": [0.0, 1.0]}, "whole numbers"),
        ({"labels": [0, 1], "test_shape": (2, 3)}, "they must agree"),
        ({"labels": [0, 1], "features": ("one",)}, "1 feature names"),
    ],
)
def test_parts_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(CourseError, match=message):
        _dataset(**arguments)


def test_targets_of_a_regression_need_no_classes():
    data = _dataset([7.5, -1], classes=())
    assert "real targets" in repr(data)
    assert data.train.limited(1).labels.tolist() == [7.5]


def test_records_can_not_be_replaced():
    with pytest.raises(AttributeError):
        load("xor").train.inputs = None


def test_batches_in_stored_order():
    data = load("digits", limit=50)
    batches = list(data.train.tf_data(20).as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [20, 20, 10]
    np.testing.assert_array_equal(np.concatenate([images for images, _ in batches]), data.train.inputs)


def test_shuffling_repeats_by_seed_and_changes_by_epoch():
    split = load("digits", limit=50).train

    def epochs(seed):
        stream = split.tf_data(50, shuffle=seed)
        return [next(iter(stream))[1].numpy().tolist() for _ in range(2)]

    first, second = epochs(3)
    assert sorted(first) == sorted(split.labels.tolist())
    assert first != split.labels.tolist()
    assert first != second
    assert epochs(3)[0] == first
    assert epochs(4)[0] != first


def test_boxes_and_masks_travel_along():
    boxes, masks = np.zeros((3, 2, 4)), np.ones((3, 5, 5))
    split = Split(np.zeros((3, 5, 5, 1)), [0, 1, 0], boxes=boxes, masks=masks).limited(2)
    _, targets = next(iter(split.tf_data(2)))
    assert {part: value.shape[0] for part, value in targets.items()} == dict.fromkeys(
        ("labels", "boxes", "masks"), 2
    )


@pytest.mark.parametrize("arguments", [(0,), (2.5,), (True,)])
def test_bad_batch_size(arguments):
    with pytest.raises(CourseError, match="batch_size is a whole number"):
        load("xor").train.tf_data(*arguments)


@pytest.mark.parametrize("seed", [-1, True, "yes"])
def test_bad_shuffle(seed):
    with pytest.raises(CourseError, match="shuffle is a seed"):
        load("xor").train.tf_data(2, shuffle=seed)


# Names of TensorFlow Datasets.


@pytest.mark.usefixtures("smoke", "no_network")
@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [("mnist", (28, 28, 1), 10), ("fashion_mnist", (28, 28, 1), 10), ("cifar10", (32, 32, 3), 10)],
)
def test_imitations_have_the_form_of_the_data(name, shape, count):
    data, again = load(name), load(name)
    for part in (data.train, data.test):
        assert part.inputs.shape == (64, *shape)
        assert part.inputs.dtype == np.float32
        assert 0 <= part.inputs.min() < 0.01
        assert 0.99 < part.inputs.max() <= 1
        assert part.labels.dtype == np.int32
        assert np.bincount(part.labels).min() == 64 // count
    assert len(data.classes) == count
    assert "not the real data" in data.provenance
    np.testing.assert_array_equal(data.train.inputs, again.train.inputs)
    assert not np.array_equal(data.train.inputs, data.test.inputs)


@pytest.mark.usefixtures("smoke", "no_network")
def test_images_of_different_sizes_are_resized():
    data = load("tf_flowers", size=(24, 32), limit=10)
    assert data.shape == (24, 32, 3)
    images, labels = next(iter(data.train.tf_data(8, shuffle=1)))
    assert images.shape == (8, 24, 32, 3)
    # Bytes become shares of full brightness: neither dark nor saturated as a whole.
    assert 0.2 < float(np.mean(images)) < 0.8
    assert labels.dtype == "int32"
    assert len(data.train.labels) == 10
    with pytest.raises(CourseError, match=r"tf_flowers differ in size.*size=\(64, 64\)"):
        load("tf_flowers")


@pytest.mark.usefixtures("smoke", "no_network")
@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mnist", {"size": 28}, r"size is a pair \(height, width\)"),
        ("mnist", {"size": (28, 0)}, r"size is a pair \(height, width\)"),
        ("mnist", {"colour": 1}, "mnist has no option 'colour'; it takes size, limit"),
        ("imdb_reviews", {}, "imdb_reviews has the features text, label"),
        ("wider_face", {}, "wider_face has the features image, .*faces"),
        ("mnist:9.9.9", {}, "can not open 'mnist:9.9.9': .*only: 3.0.1"),
    ],
)
def test_what_can_not_be_read_is_said(name, options, message):
    with pytest.raises(CourseError, match=message):
        load(name, **options)


@pytest.mark.usefixtures("no_network")
def test_no_network_gives_the_command(tmp_path):
    with pytest.raises(CourseError, match=r"`python -m course_utils\.datasets fashion_mnist`") as caught:
        load("fashion_mnist")
    assert "no network" in str(caught.value)
    assert not list((tmp_path / "tfds").rglob("*.tfrecord*"))


def test_missing_library_gives_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(CourseError, match="run `pip install tensorflow-datasets importlib_resources`"):
        load("mnist")


@pytest.mark.usefixtures("no_network")
def test_command_line(capsys):
    from course_utils.datasets.__main__ import main

    assert main(["digits"]) == 0
    assert main(["digits", "fashion_mnist"]) == 1
    output = capsys.readouterr()
    assert output.out.count("digits needs no preparation") == 2
    assert output.err.count("there is no network") == 1


def test_missing_test_split_is_held_out(shapes_builder, capfd):
    del shapes_builder
    data = load("course_shapes", size=(6, 5))
    assert (len(data.train), len(data.test)) == (10, 2)
    assert data.classes == ("dark", "light")
    assert "no test split, so the last 20 % are held out" in data.provenance
    for part in (data.train, data.test):
        assert part.inputs.shape == (len(part), 6, 5, 1)
        np.testing.assert_allclose(part.inputs.mean((1, 2, 3)), part.labels, atol=1e-6)
    assert len(load("course_shapes", size=(6, 5), limit=3).train.inputs) == 3
    output = capfd.readouterr()
    assert output.out == ""
    assert "WARNING" not in output.err


def test_failed_download_keeps_nothing_incomplete_and_harms_nothing(shapes_builder, tmp_path, monkeypatch):
    other = tmp_path / "tfds" / "mine" / "1.0.0" / "notes.txt"
    other.parent.mkdir(parents=True)
    other.write_text("kept")
    monkeypatch.setattr(shapes_builder, "breaks", True)
    with pytest.raises(CourseError, match=r"OSError: the disk is full.*Try again with `python -m"):
        load("course_shapes", size=(6, 5))
    assert other.read_text() == "kept"
    assert not list((tmp_path / "tfds" / "course_shapes").rglob("*record*"))
    monkeypatch.setattr(shapes_builder, "breaks", False)
    assert "train 12" in datasets.prepare("course_shapes")


def test_damaged_labels_are_noticed_when_read():
    from course_utils.datasets.records import StreamedSplit

    def stream():
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices((np.zeros((4, 2), np.float32), [0, 1, 2, -1]))

    with pytest.raises(CourseError, match="these go from -1 to 2"):
        _ = StreamedSplit(stream, 4, (2,), 3).labels
    with pytest.raises(CourseError, match="4 records instead of 5"):
        _ = StreamedSplit(stream, 5, (2,), 3).inputs


@pytest.mark.parametrize("answers", [True, False])
def test_reachable_tells_whether_a_host_answers(answers, monkeypatch):
    from course_utils.datasets import catalogue

    def connect(address, timeout):
        if not answers or address[0] == "down.example":
            raise TimeoutError(timeout)
        return socket.socket()

    monkeypatch.setattr(catalogue.urllib.request, "getproxies", dict)
    monkeypatch.setattr(catalogue.socket, "create_connection", connect)
    assert catalogue._reachable({"down.example", "up.example"}) is answers


def test_folder_of_the_data(monkeypatch):
    from course_utils.datasets.catalogue import data_dir

    monkeypatch.setenv("TFDS_DATA_DIR", "~/elsewhere")
    assert data_dir() == Path.home() / "elsewhere"
    monkeypatch.delenv("TFDS_DATA_DIR")
    assert data_dir() == ROOT / "data" / "tfds"


def test_importing_loads_no_heavy_package():
    code = (
        "import sys, course_utils.datasets; "
        "print({'tensorflow', 'keras', 'sklearn', 'tensorflow_datasets', 'numpy'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "set()"
