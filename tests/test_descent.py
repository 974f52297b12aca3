"""Descent: paths against the same steps by hand."""

import math

import numpy as np
import pytest

from course_utils import CourseError
from course_utils.descent import FunctionProblem, ModelProblem, Path, descend
from course_utils.surfaces import Surface, quadratic


def sgd(rate, **options):
    import keras

    return keras.optimizers.SGD(rate, **options)


def test_descent_takes_the_steps_of_the_formula():
    surface = quadratic((1.0, 10.0), 0.3)
    path = descend(surface, sgd(0.1), (1.0, -0.5), 20, label="plain", dtype="float64")
    point = np.array([1.0, -0.5])
    for index in range(21):
        np.testing.assert_allclose(path.points[index], point, rtol=1e-6)
        assert path.losses[index] == pytest.approx(float(surface(path.points[index])))
        point = point - 0.1 * surface.gradient(point)
    assert path.evaluations == {"loss": 21, "gradient": 20, "hessian": 0}
    assert (path.label, len(path), path.diverged) == ("plain", 20, False)
    assert path.points.dtype == "float64"


def test_momentum_takes_the_steps_of_the_formula():
    surface = quadratic((1.0, 10.0))
    path = descend(surface, sgd(0.02, momentum=0.9), (1.0, 1.0), 30, dtype="float64")
    point, velocity = np.array([1.0, 1.0]), np.zeros(2)
    for _ in range(30):
        velocity = 0.9 * velocity - 0.02 * surface.gradient(point)
        point = point + velocity
    np.testing.assert_allclose(path.end, point, rtol=1e-5)


def test_adam_on_six_weights_takes_the_steps_of_the_formula():
    import keras
    import tensorflow as tf

    curvatures = np.arange(1.0, 7.0)
    problem = FunctionProblem(lambda weights: tf.reduce_sum(curvatures * weights**2) / 2, 6, np.ones(6))
    path = descend(problem, keras.optimizers.Adam(0.05, epsilon=1e-3), steps=30)
    point, first, second = np.ones(6), np.zeros(6), np.zeros(6)
    for step in range(1, 31):
        gradient = curvatures * point
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        # Keras corrects the step, not the moments, so that its ε weighs differently in early steps.
        rate = 0.05 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        point = point - rate * first / (np.sqrt(second) + 1e-3)
        np.testing.assert_allclose(path.points[step], point, atol=2e-5)
    assert path.points.dtype == "float64"
    assert path.points.shape == (31, 6)
    assert path.message == "all 30 steps taken"
    np.testing.assert_array_equal(path.work["loss"], np.arange(1, 32))
    np.testing.assert_array_equal(path.work["gradient"], np.arange(31))
    assert path.work["hessian"].shape == (31,)
    assert path.work["hessian"].max() == path.evaluations["jacobian"] == 0


def test_a_model_descends_as_by_hand_and_stays_as_it_is():
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1)])
    inputs = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    labels = inputs[:, :1] * inputs[:, 1:]
    before = [variable.numpy() for variable in model.variables]
    path = descend(ModelProblem(model, inputs, labels, "mse"), sgd(0.1, momentum=0.9), steps=5)
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    optimizer = sgd(0.1, momentum=0.9)
    for step in range(5):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(inputs) - labels) ** 2)
        assert path.losses[step] == pytest.approx(float(loss), rel=1e-5)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    weights = np.concatenate([variable.numpy().ravel() for variable in model.trainable_variables])
    np.testing.assert_allclose(path.end, weights, atol=1e-5)
    assert path.points.dtype == "float32"


def test_an_optimizer_serves_again_from_a_fresh_state():
    import keras

    optimizer = keras.optimizers.Adam(0.1)
    surface = quadratic()
    first = descend(surface, optimizer, (1.0, 1.0), 10)
    second = descend(surface, optimizer, (1.0, 1.0), 10)
    np.testing.assert_array_equal(first.points, second.points)
    assert first.label == "Adam"
    assert int(optimizer.iterations) == 0


def test_a_schedule_of_the_rate_is_followed():
    import keras

    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.1, 0.0])
    path = descend(quadratic((1.0, 1.0)), sgd(schedule), (1.0, 0.0), 6)
    np.testing.assert_allclose(path.points[:, 0], [1, 0.9, 0.81, *[0.729] * 4], rtol=1e-6)


def test_names_and_the_surfaces_own_start_are_accepted():
    surface = quadratic()
    path = descend(surface, "rmsprop", steps=3)
    np.testing.assert_allclose(path.start, surface.start, rtol=1e-6)
    assert path.losses[-1] < path.losses[0]


def test_a_path_that_diverges_is_kept_as_it_is():
    path = descend(quadratic((1.0, 10.0)), sgd(3.0), (1.0, 1.0), 200)
    assert path.diverged
    assert np.isfinite(path.points[5]).all()
    assert np.abs(path.points[5]).max() > 1e5
    assert not np.isfinite(path.end).all()
    assert path.points.shape == (201, 2)
    finite = np.isfinite(path.losses) & np.isfinite(path.points).all(axis=1)
    assert path.message == f"all 200 steps taken, the loss or the point not finite after {finite.sum()}"


@pytest.mark.parametrize(("rate", "diverges"), [(0.99, False), (1.01, True)])
def test_the_step_size_bound_of_a_quadratic(rate, diverges):
    path = descend(quadratic((1.0, 10.0)), sgd(rate * 2 / 10), (1.0, 1.0), 300, dtype="float64")
    assert (path.losses[-1] > path.losses[0]) == diverges


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": (9.0, 0.0)}, r"\(9.0, 0.0\) lies outside the surface's domain"),
        ({"start": (math.nan, 0.0)}, "the start must be finite"),
        ({"start": (0.0, 0.0, 0.0)}, "not 3 of them"),
        ({"start": "here"}, "a pair of numbers"),
        ({"optimizer": "adamm"}, "Keras knows no optimizer named 'adamm'"),
        ({"optimizer": 0.1}, "must be a Keras optimizer or its name, not float"),
        ({"steps": 0}, "steps must be a whole number of at least 1, not 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
    ],
)
def test_wrong_arguments_are_named_before_work_starts(options, message):
    with pytest.raises(CourseError, match=message):
        descend(**({"surface": quadratic(), "optimizer": "sgd", "start": (1.0, 1.0), "steps": 3} | options))


def test_surfaces_without_gradient_or_start_are_named():
    import tensorflow as tf

    square = ((-1.0, 1.0), (-1.0, 1.0))
    flat = Surface(lambda points: tf.zeros(tf.shape(points)[:1]), square)
    with pytest.raises(CourseError, match="has no gradient"):
        descend(flat, "sgd", (0.0, 0.0), 2)
    numpy = Surface(lambda points: np.square(points).sum(axis=1), square)
    with pytest.raises(CourseError, match="has no gradient: its function uses NumPy"):
        descend(numpy, "sgd", (0.0, 0.0), 2)
    with pytest.raises(CourseError, match="no start of its own"):
        descend(Surface(lambda points: points[:, 0], square), "sgd", steps=2)


def test_a_path_is_frozen():
    path = Path(np.zeros((2, 2)), np.zeros(2))
    with pytest.raises(AttributeError):
        path.label = "other"
