"""Planes through weights: the same losses as by setting weights, and a model left as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import CourseError, planes
from course_utils.planes.evaluation import Evaluator
from course_utils.planes.losses import Measure

L = keras.layers
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(23, 5)).astype("float32")
LABELS = RNG.integers(0, 3, 23)
IMAGES = RNG.normal(size=(23, 6, 6, 2)).astype("float32")


def stir(model):
    """Give biases, scales and running statistics values other than their first ones."""
    generator = np.random.default_rng(1)
    for variable in model.weights:
        if variable.dtype == "float32" and len(variable.shape) == 1:
            variable.assign(variable + generator.uniform(0.1, 0.5, variable.shape))
    return model


def network():
    keras.utils.set_random_seed(0)
    return stir(
        keras.Sequential(
            [
                keras.Input((5,)),
                L.Dense(7, "tanh"),
                L.Dropout(0.5),
                L.Dense(4),
                L.Activation("softplus"),
                L.Dense(3),
            ]
        )
    )


@pytest.fixture(scope="module")
def dense():
    """Return one network for all tests that leave it as it is."""
    return network()


def convolutional():
    layers = [L.Rescaling(0.5), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D()]
    return keras.Sequential([keras.Input((6, 6, 2)), *layers, L.Flatten(), L.Dropout(0.3), L.Dense(3)])


def functional():
    first = keras.Input((5,))
    inner = L.BatchNormalization()(L.Dense(6, "relu")(first))
    return keras.Model(first, L.Dense(3)(L.Dropout(0.5)(inner)))


def residual():
    first = keras.Input((5,))
    inner = L.Dense(6, "relu")(first)
    return keras.Model(first, L.Dense(3)(L.Add()([inner, L.Dense(6)(inner)])))


class Own(keras.Model):
    """A model with a call of its own."""

    def __init__(self):
        super().__init__()
        self.hidden, self.drop, self.last = L.Dense(6, "relu"), L.Dropout(0.5), L.Dense(3)

    def call(self, inputs, training=False):
        """Return three outputs."""
        return self.last(self.drop(self.hidden(inputs) * 2, training=training))


def subclassed():
    model = Own()
    model(INPUTS[:2])
    return model


def image_as_rows():
    return keras.Sequential([keras.Input((6, 6, 2)), L.Flatten(), L.Dense(4, "relu"), L.Dense(3)])


MODELS = {
    "affine": (convolutional, IMAGES),
    "functional": (functional, INPUTS),
    "residual": (residual, INPUTS),
    "subclassed": (subclassed, INPUTS),
    "flatten": (image_as_rows, IMAGES),
}
WAYS = {
    "affine": "affine",
    "functional": "affine",
    "residual": "plain",
    "subclassed": "plain",
    "flatten": "stack",
}


def by_setting(model, plane, inputs, points, loss=CROSS_ENTROPY):
    """Return losses by setting the weights of the model one point after another."""
    before, losses = planes.weights(model), []
    for point in points:
        for variable, start, first, second in zip(
            model.trainable_variables, plane.origin, *plane.directions, strict=True
        ):
            variable.assign(start + point[0] * first + point[1] * second)
        losses.append(float(np.mean(loss(LABELS, model(inputs, training=False)))))
    for variable, value in zip(model.trainable_variables, before, strict=True):
        variable.assign(value)
    return losses


POINTS = np.array([[0, 0], [0.7, -0.4], [-1, 0.3], [0.2, 1]], "float32")


@pytest.mark.parametrize("name", MODELS)
def test_losses_are_those_of_the_weights_set_one_by_one(name):
    keras.utils.set_random_seed(3)
    build, inputs = MODELS[name]
    model = stir(build())
    directions = planes.random_directions(model, 1, biases=True)
    plane = planes.Plane(model, inputs, LABELS, CROSS_ENTROPY, directions)
    assert plane.way == WAYS[name]
    wanted = by_setting(model, plane, inputs, POINTS)
    np.testing.assert_allclose(plane(POINTS), wanted, rtol=1e-5)
    np.testing.assert_allclose(plane(tf.constant(POINTS)), wanted, rtol=1e-5)
    np.testing.assert_allclose(plane(tf.constant(POINTS[1:2])), wanted[1:2], rtol=1e-5)
    if plane.way != "plain":
        plain = planes.Plane(model, inputs, LABELS, CROSS_ENTROPY, directions, shortcut=False)
        assert plain.way == "plain"
        np.testing.assert_allclose(plain(POINTS), wanted, rtol=1e-5)


def test_a_stack_of_dense_layers_agrees_and_its_centre_is_the_models_loss(dense):
    model = dense
    model.compile(loss=CROSS_ENTROPY, run_eagerly=True)
    plane = planes.Plane(model, INPUTS, LABELS, CROSS_ENTROPY, planes.random_directions(model, biases=True))
    assert plane.way == "stack"
    np.testing.assert_allclose(plane(POINTS), by_setting(model, plane, INPUTS, POINTS), rtol=1e-5)
    assert float(plane((0, 0))) == pytest.approx(model.evaluate(INPUTS, LABELS, verbose=0), rel=1e-5)
    assert plane.start == (0, 0)
    assert float(plane([0.0, -0.0])) == float(plane([0.0, 0.0]))


@pytest.mark.parametrize(
    ("first", "second", "way"),
    [
        (("dense_1/kernel", (2, 1)), ("dense_1/bias", 3), "stack"),
        (("dense_2", (0, 0)), ("dense_2", (-1, 2)), "stack"),
        (("batch_normalization/gamma", 1), ("dense/kernel", (2, 0)), "chain"),
    ],
)
def test_two_weights_need_only_the_layers_above(dense, first, second, way):
    keras.utils.set_random_seed(0)
    model = stir(functional()) if way == "chain" else dense
    if way == "chain":
        model.layers[1].name, norm = "hidden", model.layers[2]
        names = {v.path: v for v in model.trainable_variables}
        first = (norm.gamma.path, 1)
        second = (
            next(path for path in names if path.endswith("kernel") and names[path].shape[1] == 3),
            (2, 0),
        )
    else:
        ends = {f"dense_{i}": layer for i, layer in enumerate(l for l in model.layers if l.weights)}  # noqa: E741
        first, second = (
            (ends[name.split("/")[0]].path + ("/" + name.split("/")[1] if "/" in name else ""), at)
            for name, at in (first, second)
        )
    found = planes.two_weights(model, first, second)
    plane = planes.Plane(model, INPUTS, LABELS, CROSS_ENTROPY, found, reach=2)
    assert plane.way == way
    assert found.axis_names[0].startswith(first[0])
    assert plane.start == found.centre
    np.testing.assert_allclose(np.mean(plane.domain, axis=1), found.centre, rtol=1e-6)
    np.testing.assert_allclose(np.ptp(plane.domain, axis=1), 4)
    own = float(CROSS_ENTROPY(LABELS, model(INPUTS)))
    points = np.array([found.centre, *POINTS], "float32")
    losses = plane(points)
    assert losses[0] == pytest.approx(own, rel=1e-5)
    np.testing.assert_allclose(losses, by_setting(model, plane, INPUTS, points), rtol=1e-5)
    moved = [float(a[tuple(np.argwhere(a)[0])]) for d in found for a in d if a.any()]
    assert moved == [1.0, 1.0]


LOSSES = {
    "mse": ("mse", RNG.normal(size=(23, 3)).astype("float32")),
    "sum": (keras.losses.MeanSquaredError(reduction="sum"), RNG.normal(size=(23, 3)).astype("float32")),
    "summed classes": (keras.losses.SparseCategoricalCrossentropy(True, reduction="sum"), LABELS[:, None]),
    "dice": (keras.losses.Dice(), np.eye(3, dtype="float32")[LABELS]),
    "root": (lambda y, z: tf.sqrt(tf.reduce_mean((y - z) ** 2)), np.ones((23, 3), "float32")),
    "one-hot": (keras.losses.CategoricalCrossentropy(from_logits=True), np.eye(3)[LABELS]),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shortcut", [True, False])
def test_losses_of_every_kind_over_pieces_of_the_data(dense, name, shortcut):
    model, (loss, labels) = dense, LOSSES[name]
    directions = planes.random_directions(model, 2)
    plane = planes.Plane(model, INPUTS, labels, loss, directions, batch_size=7, shortcut=shortcut)
    wanted = keras.ops.mean((keras.losses.get(loss))(tf.cast(labels, "float32"), model(INPUTS)))
    assert float(plane((0, 0))) == pytest.approx(float(wanted), rel=1e-5)


def test_pieces_of_data_and_points_change_nothing(dense, monkeypatch):
    directions = planes.random_directions(dense, 2)
    whole = planes.Plane(dense, INPUTS, LABELS, CROSS_ENTROPY, directions).grid((9, 5))[2]
    assert whole.shape == (5, 9)
    for settings in ({"batch_size": 6}, {"batch_size": 6, "memory_limit": 0}):
        plane = planes.Plane(dense, INPUTS, LABELS, CROSS_ENTROPY, directions, **settings)
        np.testing.assert_allclose(plane.grid((9, 5))[2], whole, rtol=1e-5)
    assert plane.way == "plain"  # nothing may be kept
    monkeypatch.setattr("course_utils.planes.evaluation.WORKING_SET", 23 * 7 * 4)
    pieces = planes.Plane(dense, INPUTS, LABELS, CROSS_ENTROPY, directions)
    np.testing.assert_allclose(pieces.grid((9, 5))[2], whole, rtol=1e-5)
    # One array of the affine layer fills so many bytes: 3 products × 23 examples × 7 units × 4.
    for limit, way in ((3 * 23 * 7 * 4, "stack"), (3 * 23 * 7 * 4 - 1, "plain")):
        plane = planes.Plane(dense, INPUTS, LABELS, CROSS_ENTROPY, directions, memory_limit=limit)
        assert plane.way == way


def test_the_grid_has_x_along_its_columns_and_is_remembered(dense, monkeypatch):
    plane = planes.Plane(
        dense, INPUTS, LABELS, CROSS_ENTROPY, planes.random_directions(dense), domain=((0, 1), (-1, 0))
    )
    x, y, loss = plane.grid((4, 3), dtype="float64")
    assert loss.dtype == "float64"
    np.testing.assert_allclose(x, np.linspace(0, 1, 4))
    np.testing.assert_allclose(y, [-1, -0.5, 0])
    np.testing.assert_allclose(loss[0, 3], by_setting(dense, plane, INPUTS, [(1, -1)])[0], rtol=1e-5)
    monkeypatch.setattr(Evaluator, "_prepare", None)
    np.testing.assert_array_equal(plane.grid((4, 3), dtype="float64")[2], loss)


@pytest.mark.parametrize("way", [True, False])
def test_gradient_and_hessian_agree_with_differences(dense, way):
    plane = planes.Plane(dense, INPUTS, LABELS, CROSS_ENTROPY, planes.random_directions(dense), shortcut=way)
    points, step = POINTS[1:3], 1e-2
    ends = np.concatenate([points + sign * step * e for e in np.eye(2, dtype="f") for sign in (1, -1)])

    def differences(values):
        """Return the derivatives along both axes from values at the ends."""
        x_after, x_before, y_after, y_before = np.split(values, 4)
        return np.stack([x_after - x_before, y_after - y_before], axis=-1) / (2 * step)

    gradient = plane.gradient(points)
    np.testing.assert_allclose(gradient, differences(plane(ends)), atol=3e-3)
    many = plane.gradient(np.concatenate([ends, points]))  # too many to be taken one by one
    np.testing.assert_allclose(many[8:], gradient, rtol=1e-4)
    np.testing.assert_allclose(plane.hessian(points), differences(many[:8]), atol=1e-2)


def test_plots_and_optimizers_take_a_plane(dense):
    from course_utils import plot
    from course_utils.descent import descend

    plane = planes.Plane(dense, INPUTS, LABELS, CROSS_ENTROPY, planes.random_directions(dense))
    path = descend(plane, keras.optimizers.SGD(0.1), (0.9, -0.8), 3)
    assert path.losses[-1] < path.losses[0]
    axes = plot.contours(plane, path, resolution=5)
    assert axes.get_xlabel() == "α"
    plot.surface(plane, path, resolution=5)


def state(model):
    return [np.array(variable.value) for variable in [*model.variables, *model.optimizer.variables]]


@pytest.fixture(scope="module")
def trained():
    model = stir(convolutional())
    model.compile("adam", CROSS_ENTROPY, run_eagerly=True)
    model.train_on_batch(IMAGES, LABELS)
    return model


@pytest.mark.parametrize("failure", [None, ValueError, KeyboardInterrupt])
def test_the_model_is_bit_identical_afterwards(trained, failure, monkeypatch, capsys):
    model = trained
    before = state(model)
    drop = next(layer for layer in model.layers if isinstance(layer, L.Dropout))
    seed = np.array(drop.seed_generator.state)
    plane = planes.Plane(model, IMAGES, LABELS, CROSS_ENTROPY, planes.random_directions(model))
    calls = []
    whole = Evaluator._loop

    def failing(self):
        def loop(*arguments):
            calls.append(1)
            if failure is not None and len(calls) == 2:
                raise failure
            return whole(self)(*arguments)

        return loop

    monkeypatch.setattr(Evaluator, "_loop", failing)
    if failure is ValueError:
        with pytest.raises(ValueError):  # noqa: PT011
            plane.grid(5)
    else:
        loss = plane.grid(5)[2]
        if failure is KeyboardInterrupt:
            assert "Interrupted after 16 of 25 points" in capsys.readouterr().out
            assert np.isnan(loss).ravel().tolist() == [False] * 16 + [True] * 9
            again = plane.grid(5)[2]
            assert len(calls) == 3
            assert np.isfinite(again).all()
            np.testing.assert_array_equal(again.ravel()[:16], loss.ravel()[:16])
    if failure is None:
        plane.gradient(POINTS)
        plane.path([model.get_weights()])
    for variable, value in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(variable, value)
    np.testing.assert_array_equal(drop.seed_generator.state, seed)


def test_nan_and_infinity_stay_what_they_are():
    inner = [keras.Input((1,)), L.Dense(2, use_bias=False), L.Activation(tf.math.log)]
    model = keras.Sequential([*inner, L.Dense(1, kernel_initializer="ones")])
    model.layers[0].kernel.assign([[1.0, 1.0]])
    steps = [[[[1.0, 0.0]], [[0.0], [0.0]], [0.0]], [[[0.0, 1.0]], [[0.0], [0.0]], [0.0]]]
    for shortcut in (True, False):
        plane = planes.Plane(
            model, np.ones((3, 1)), np.zeros((3, 1)), "mse", steps, domain=(-2, 0), shortcut=shortcut
        )
        loss = plane.grid(3)[2]
        expected = [[np.nan] * 3, [np.nan, np.inf, np.inf], [np.nan, np.inf, 0]]
        np.testing.assert_array_equal(loss, expected)


def test_penalties_count_only_when_asked_for():
    penalty = keras.regularizers.L2(0.1)
    layers = [L.Dense(4, kernel_regularizer=penalty, activity_regularizer=keras.regularizers.L1(0.01))]
    model = keras.Sequential([keras.Input((5,)), *layers, L.Dense(3)])
    model.compile(loss=CROSS_ENTROPY, run_eagerly=True)
    directions = planes.random_directions(model)
    wanted = model.evaluate(INPUTS, LABELS, batch_size=23, verbose=0)
    bare = float(CROSS_ENTROPY(LABELS, model(INPUTS)))
    for settings, value in (
        ({}, bare),
        ({"regulariser": True}, wanted),
        ({"regulariser": True, "batch_size": 23}, wanted),
    ):
        plane = planes.Plane(model, INPUTS, LABELS, CROSS_ENTROPY, directions, **settings)
        assert float(plane((0, 0))) == pytest.approx(value, rel=1e-5)
    summed = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    plane = planes.Plane(model, INPUTS, LABELS, summed, directions, regulariser=True)
    assert float(plane((0, 0))) == pytest.approx(23 * bare + wanted - bare, rel=1e-5)


def test_projection_is_the_nearest_point_also_at_odd_angles(dense):
    d1, d2 = planes.random_directions(dense, 4)
    d2 = [3 * (a + 0.5 * b) for a, b in zip(d1, d2, strict=True)]
    plane = planes.Plane(dense, INPUTS, LABELS, CROSS_ENTROPY, (d1, d2))
    origin, off = planes.weights(dense), np.random.default_rng(0)
    path = [[o + 0.3 * a - 0.2 * b for o, a, b in zip(origin, d1, d2, strict=True)]]
    path.append([a + off.normal(size=a.shape) for a in path[0]])
    coordinates, distances = plane.project(path)
    np.testing.assert_allclose(coordinates[0], [0.3, -0.2], atol=1e-5)
    assert distances[0] < 1e-5
    vectors = [
        np.concatenate([np.ravel(a) for a in arrays]).astype(float) for arrays in (origin, d1, d2, path[1])
    ]
    basis = np.stack(vectors[1:3], axis=1)
    best, rest, *_ = np.linalg.lstsq(basis, vectors[3] - vectors[0])
    np.testing.assert_allclose(coordinates[1], best, rtol=1e-4)
    assert distances[1] == pytest.approx(np.sqrt(rest[0]), rel=1e-5)
    flat = plane.project([vectors[3]])
    np.testing.assert_allclose(flat[0][0], best, rtol=1e-4)


def test_a_path_has_its_true_height_and_that_of_its_shadow():
    model = stir(functional())
    model.compile(keras.optimizers.SGD(0.5), CROSS_ENTROPY, run_eagerly=True)
    path, heights = [model.get_weights()], []
    for _ in range(3):
        model.train_on_batch(INPUTS, LABELS)
        path.append(model.get_weights())
    for values in path:
        model.set_weights(values)
        heights.append(float(CROSS_ENTROPY(LABELS, model(INPUTS))))
    found = planes.principal(path, model)
    plane = planes.Plane(model, INPUTS, LABELS, CROSS_ENTROPY, found)
    laid = plane.path(path, "training")
    np.testing.assert_allclose(laid.losses, heights, rtol=1e-5)
    np.testing.assert_allclose(laid.in_plane, plane(laid.points), rtol=1e-6)
    assert laid.label == "training"
    assert laid.distances[-1] < 1e-6
    assert laid.distances[1] > 1e-3
    assert abs(laid.in_plane[1] - laid.losses[1]) > 1e-5
    assert all(plane.contains(point) for point in laid.points)
    assert laid.evaluations["loss"] == 4


def test_a_line_between_two_sets_of_weights():
    dense = network()
    first = planes.weights(dense)
    second = [array + 0.1 for array in first]
    alphas, losses, accuracies = planes.line(
        dense, INPUTS, LABELS, CROSS_ENTROPY, first, second, 4, domain=(-0.5, 1), accuracy=True
    )
    np.testing.assert_allclose(alphas, [-0.5, 0, 0.5, 1])
    for alpha, loss, accuracy in zip(alphas, losses, accuracies, strict=True):
        for variable, a, b in zip(dense.trainable_variables, first, second, strict=True):
            variable.assign((1 - alpha) * a + alpha * b)
        outputs = dense(INPUTS)
        assert loss == pytest.approx(float(CROSS_ENTROPY(LABELS, outputs)), rel=1e-5)
        assert accuracy == pytest.approx(np.mean(np.argmax(outputs, -1) == LABELS))
    assert len(planes.line(dense, INPUTS, LABELS, CROSS_ENTROPY, first, second, 2)) == 2
    hot = planes.line(dense, INPUTS, np.eye(3)[LABELS], "mse", second, first, 2, accuracy=True)[2]
    assert hot[0] == pytest.approx(accuracies[-1])
    with pytest.raises(ValueError, match="at least 2 points"):
        planes.line(dense, INPUTS, LABELS, CROSS_ENTROPY, first, second, 1)


def test_a_plane_says_what_is_wrong_with_it(dense):
    good = planes.random_directions(dense)
    zero = [np.zeros_like(array) for array in good.first]
    bad = [np.array(array) for array in good.first]
    bad[0] = bad[0].T
    spoilt = [np.array(array) for array in good.first]
    spoilt[2][1, 1] = np.nan

    def plane(directions=good, inputs=INPUTS, labels=LABELS, loss=CROSS_ENTROPY, model=dense, **settings):
        return planes.Plane(model, inputs, labels, loss, directions, **settings)

    with pytest.raises(
        CourseError, match=r"direction 1 .*kernel' has shape \(5, 7\), its array has \(7, 5\)"
    ):
        plane((bad, good.second))
    with pytest.raises(CourseError, match=r"direction 2 has NaN or infinity in '.*kernel'"):
        plane((good.first, spoilt))
    with pytest.raises(CourseError, match="direction 2 is zero"):
        plane((good.first, zero))
    with pytest.raises(CourseError, match=r"direction 1 .* 5 arrays, the model 6"):
        plane((good.first[1:], zero))
    with pytest.raises(CourseError, match=r"direction 1 .* 3 numbers"):
        plane((np.ones(3), zero))
    with pytest.raises(CourseError, match="a pair"):
        plane(7)
    with pytest.raises(CourseError, match="the origin does not fit"):
        plane(origin=good.first[:2])
    with pytest.raises(CourseError, match="23 inputs, 22 labels"):
        plane(labels=LABELS[1:])
    with pytest.raises(CourseError, match="at least one example"):
        plane(inputs=INPUTS[:0], labels=LABELS[:0])
    with pytest.raises(CourseError, match="has no weights yet"):
        plane(model=keras.Sequential([L.Dense(2)]))
    with pytest.raises(CourseError, match="not function"):
        plane(model=test_a_plane_says_what_is_wrong_with_it)
    with pytest.raises(CourseError, match="no loss named 'nonsense'"):
        plane(loss="nonsense")
    with pytest.raises(CourseError, match="parallel"):
        plane((good.first, [2 * array for array in good.first])).project([planes.weights(dense)])
    with pytest.raises(CourseError, match="step 0 of the path does not fit"):
        plane().project([[1.0]])
    with pytest.raises(CourseError, match="at least one set"):
        plane().project([])
    for settings, words in (
        ({"domain": (1, 0)}, "low < high"),
        ({"domain": (0, 1, 2)}, "a domain is"),
        ({"reach": 0}, "reach must be positive"),
        ({"reach": 1, "domain": (0, 1)}, "either reach or domain"),
        ({"batch_size": 0}, "batch_size"),
    ):
        with pytest.raises(ValueError, match=words):
            plane(**settings)
    with pytest.raises(ValueError, match="at least 2 points"):
        plane().grid(1)
    with pytest.raises(ValueError, match="points of a surface"):
        plane()([1.0, 2.0, 3.0])
    assert plane(reach=(1, 2)).domain == ((-1, 1), (-2, 2))
    assert plane(domain=(0, 1)).domain == ((0, 1), (0, 1))
    assert plane(domain=(0.5, 1)).start is None
    one = keras.Sequential([keras.Input((5,)), L.Dense(1)])
    start = planes.weights(one)
    with pytest.raises(CourseError, match="one output for each class"):
        planes.line(one, INPUTS, LABELS, "mse", start, [a + 1 for a in start], accuracy=True)


def test_only_losses_of_keras_are_taken_apart():
    assert Measure("mse").by_row
    assert not Measure(lambda y, z: z).by_row


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [(3, "softmax", "sparse_categorical_crossentropy"), (1, "sigmoid", "binary_crossentropy")],
)
def test_every_way_takes_the_cross_entropy_from_the_scores_as_keras_does(units, activation, loss):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), L.Dense(4, "relu"), L.Dense(units, activation)])
    labels = (LABELS % 2)[:, np.newaxis] if units == 1 else LABELS
    far = np.array([[40.0, -30.0]], "float32")  # where clipped probabilities would bound the loss by 16
    directions = planes.random_directions(model)
    fast, plain = (
        planes.Plane(model, INPUTS, labels, loss, directions, shortcut=way) for way in (True, False)
    )
    assert (fast.way, plain.way) == ("stack", "plain")
    assert plain(far)[0] > 20
    np.testing.assert_allclose(fast(far), plain(far), rtol=1e-5)


def test_a_model_of_float64_keeps_its_digits():
    model = keras.Sequential([keras.Input((5,)), L.Dense(1, use_bias=False, dtype="float64")])
    loss = keras.losses.MeanSquaredError(dtype="float64")
    wanted = 2 * INPUTS.T.astype(float) @ INPUTS / len(INPUTS)
    found = planes.hessian(model, INPUTS, LABELS[:, np.newaxis], loss)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert np.abs(found - wanted).max() < 1e-12
