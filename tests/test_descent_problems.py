"""Problems: derivatives against finite differences and models left as they are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import CourseError
from course_utils.descent import FunctionProblem, ModelProblem, evaluation, minimise
from course_utils.descent.evaluation import Evaluation

NUMBERS = np.random.default_rng(3)
INPUTS = NUMBERS.uniform(-1, 1, (30, 2))
LABELS = np.sin(3 * INPUTS[:, :1]) * INPUTS[:, 1:]


def differences(function, point, width=1e-5):
    """Central differences, the derivative by each weight along the last axis."""
    steps = width * np.eye(len(point))
    return np.stack([(function(point + one) - function(point - one)) / (2 * width) for one in steps], axis=-1)


def network(*units, activation="tanh", outputs=1, dtype="float64", **options):
    """Return a dense network on two inputs."""
    keras.utils.set_random_seed(5)
    hidden = [keras.layers.Dense(width, activation, dtype=dtype, **options) for width in units]
    layers = [keras.layers.Input((2,), dtype=dtype), *hidden, keras.layers.Dense(outputs, dtype=dtype)]
    return keras.Sequential(layers)


@pytest.fixture(scope="module")
def small():
    return ModelProblem(network(4), INPUTS, LABELS, "mse")


def valley(weights):
    return tf.reduce_sum((weights[1:] - weights[:-1] ** 2) ** 2) + 0.1 * tf.reduce_sum(weights**4)


def state(model):
    return [keras.ops.convert_to_numpy(one) for one in (*model.variables, *model.optimizer.variables)]


def assert_same_bits(before, after):
    for old, new in zip(before, after, strict=True):
        assert old.tobytes() == new.tobytes()


def test_a_function_of_n_weights_has_its_derivatives():
    problem = FunctionProblem(valley, 3, (1.0, 2.0, 3.0))
    point, vector = np.array([0.5, -1.0, 0.3]), np.array([1.0, 2.0, -3.0])
    assert problem(point) == pytest.approx((-1 - 0.25) ** 2 + (0.3 - 1) ** 2 + 0.1 * (0.0625 + 1 + 0.0081))
    np.testing.assert_allclose(problem.gradient(point), differences(problem, point), rtol=1e-7)
    matrix = differences(problem.gradient, point)
    np.testing.assert_allclose(problem.hessian(point), matrix, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(problem.hessian_vector(point, vector), matrix @ vector, rtol=1e-7)


def test_several_points_at_once_are_one_each():
    problem = FunctionProblem(valley, 3)
    points = NUMBERS.normal(size=(2, 4, 3))
    losses = problem(points)
    assert losses.shape == (2, 4)
    assert losses[1, 2] == problem(points[1, 2])
    assert problem.gradient(points).shape == (2, 4, 3)
    np.testing.assert_array_equal(problem.gradient(points)[1, 2], problem.gradient(points[1, 2]))
    tensor_losses, gradients = problem.loss_and_gradient(tf.constant(points.reshape(-1, 3)))
    np.testing.assert_allclose(tensor_losses, losses.ravel())
    np.testing.assert_allclose(gradients, problem.gradient(points).reshape(-1, 3))
    assert problem(tf.constant(points)).shape == (2, 4)


# The 17 weights and the residuals all at once or in blocks, and more of either kind than of the other.
@pytest.mark.parametrize(("examples", "rows"), [(30, 64), (5, 64), (30, 8), (10, 8)])
def test_the_derivatives_of_a_model_equal_differences(monkeypatch, examples, rows):
    monkeypatch.setattr(evaluation, "ROWS", rows)
    inputs = np.random.default_rng(1).uniform(-1, 1, (examples, 2))
    problem = ModelProblem(network(4), inputs, inputs[:, 0] ** 2, "mse")
    point = problem.start
    assert problem.dimension == len(point) == 17
    np.testing.assert_allclose(problem.jacobian(point), differences(problem.residuals, point), atol=1e-8)
    np.testing.assert_allclose(problem.gradient(point), differences(problem, point), atol=1e-8)
    matrix = problem.hessian(point)
    np.testing.assert_allclose(matrix, differences(problem.gradient, point), atol=1e-8)
    vector = np.random.default_rng(2).normal(size=len(point))
    product = problem.hessian_vector(point, vector)
    np.testing.assert_allclose(product, matrix @ vector, atol=1e-10)


def test_the_loss_is_the_mean_of_squared_residuals_without_a_half(small):
    point = small.start
    outputs = keras.ops.convert_to_numpy(small.model(INPUTS))
    np.testing.assert_allclose(small.residuals(point), (outputs - LABELS).ravel(), atol=1e-12)
    assert small(point) == pytest.approx(np.mean((outputs - LABELS) ** 2), rel=1e-12)
    slope = 2 / len(LABELS) * small.jacobian(point).T @ small.residuals(point)
    np.testing.assert_allclose(slope, small.gradient(point), rtol=1e-10)


@pytest.mark.parametrize("loss", [keras.losses.MeanSquaredError(), "mean_squared_error", "MSE"])
def test_every_name_of_the_mean_squared_error_keeps_all_digits(small, loss):
    problem = ModelProblem(small.model, INPUTS, LABELS[:, 0], loss)
    assert problem.has_residuals
    assert problem(small.start) == pytest.approx(small(small.start), rel=1e-13)


def test_a_loss_of_another_reduction_has_no_residuals(small):
    loss = keras.losses.MeanSquaredError(reduction="sum")
    problem = ModelProblem(small.model, INPUTS, LABELS, loss)
    assert not problem.has_residuals
    assert problem(small.start) == pytest.approx(30 * small(small.start))


def test_a_classifier_of_images_with_state_and_penalty_equals_evaluate_and_stays_as_it_is():
    keras.utils.set_random_seed(2)
    image = keras.Input((6, 6, 1))
    hidden = keras.layers.Conv2D(2, 3, kernel_regularizer="l2")(image)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.5)(keras.layers.Activation("tanh")(hidden))
    model = keras.Model(image, keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(hidden)))
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    images, classes = NUMBERS.normal(size=(20, 6, 6, 1)), NUMBERS.integers(0, 3, 20)
    model.fit(images, classes, epochs=2, verbose=0)  # running statistics and moments move
    before = state(model)
    problem = ModelProblem(model, images, classes, "sparse_categorical_crossentropy")
    path = minimise(problem, "lbfgs", steps=5)
    bare = ModelProblem(model, images, classes, "sparse_categorical_crossentropy", regulariser=False)
    width, vector = 1e-2, NUMBERS.normal(size=problem.dimension) / 10
    ahead, behind = (problem.gradient(problem.start + sign * width * vector) for sign in (1, -1))
    product = problem.hessian_vector(problem.start, vector)
    np.testing.assert_allclose(product, (ahead - behind) / (2 * width), atol=2e-3)
    assert np.abs(product).max() > 0.05
    assert_same_bits(before, state(model))

    assert path.losses[-1] < path.losses[0]
    assert path.losses[0] == pytest.approx(model.evaluate(images, classes, verbose=0), rel=1e-5)
    penalty = 0.01 * np.sum(model.layers[1].kernel.numpy() ** 2)
    assert problem(problem.start) - bare(problem.start) == pytest.approx(penalty, rel=1e-3)
    problem.assign(path.end)
    assert model.evaluate(images, classes, verbose=0) == pytest.approx(path.losses[-1], rel=1e-5)
    np.testing.assert_array_equal(problem.start, path.end.astype("float32"))


class Pair(keras.Model):
    """A subclassed model of two inputs whose call knows no `training`."""

    def __init__(self):
        super().__init__()
        self.scale = keras.layers.Dense(1)

    def call(self, inputs):  # noqa: D102
        return self.scale(inputs["first"]) * inputs["second"]


def test_a_subclassed_model_of_two_inputs_follows_the_formula():
    model = Pair()
    inputs = {"first": INPUTS, "second": INPUTS[:, :1]}
    with pytest.raises(CourseError, match="is not built: call it once"):
        ModelProblem(model, inputs, LABELS, "mse")
    model(inputs)
    problem = ModelProblem(model, inputs, LABELS, "mse")
    point = np.array([0.5, -1.0, 0.25])
    expected = (INPUTS @ point[:2] + 0.25) * INPUTS[:, 0] - LABELS[:, 0]
    np.testing.assert_allclose(problem.residuals(point), expected, atol=1e-6)
    kernel, bias = problem.unflatten(point)
    np.testing.assert_array_equal(kernel, [[0.5], [-1.0]])
    np.testing.assert_array_equal(bias, [0.25])


def test_frozen_layers_are_no_weights_and_are_read_anew():
    model = network(4)
    model.layers[0].trainable = False
    problem = ModelProblem(model, INPUTS, LABELS, "mse")
    assert problem.dimension == 5
    first = problem(problem.start)
    model.layers[0].bias.assign([1.0, 2.0, 3.0, 4.0])
    assert problem(problem.start) != first
    assert problem(problem.start) == pytest.approx(np.mean((np.asarray(model(INPUTS)) - LABELS) ** 2))


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_a_model_is_bit_identical_after_an_error(monkeypatch, kind):
    model = network(3)
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(INPUTS, LABELS, verbose=0)
    before, plain = state(model), Evaluation.loss_and_gradient

    def breaks(self, point):
        if self.counts["loss"] == 4:
            raise kind("broken")
        return plain(self, point)

    monkeypatch.setattr(Evaluation, "loss_and_gradient", breaks)
    problem = ModelProblem(model, INPUTS, LABELS, "mse")
    if kind is ValueError:
        with pytest.raises(ValueError, match="broken"):
            minimise(problem, "bfgs")
    else:
        assert minimise(problem, "bfgs").message.startswith("interrupted after")
    assert_same_bits(before, state(model))


def test_a_problem_is_traced_once_for_all_its_searches():
    calls = []

    def noted(weights):
        calls.append(1)
        return tf.reduce_sum(weights**2)

    problem = FunctionProblem(noted, 2, (1.0, 1.0))
    minimise(problem, "bfgs", steps=3)
    once = len(calls)
    minimise(problem, "lbfgs", (2.0, 3.0), steps=3)
    problem.gradient((1.0, 2.0))
    assert once == len(calls) <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "network"}, "needs a Keras model, not str"),
        ({"labels": LABELS[:7]}, r"same number of examples, at least 1: \[7, 30\]"),
        ({"inputs": INPUTS[:0], "labels": LABELS[:0]}, r"at least 1: \[0\]"),
        ({"loss": "mean_cubed"}, "Keras knows no loss 'mean_cubed'"),
        ({"loss": 3.0}, "3.0"),
    ],
)
def test_what_does_not_fit_a_model_problem_is_named(small, change, message):
    usual = {"model": small.model, "inputs": INPUTS, "labels": LABELS, "loss": "mse"}
    with pytest.raises(CourseError, match=message):
        ModelProblem(**(usual | change))


def test_a_model_without_trainable_weights_is_named():
    model = network(3)
    model.trainable = False
    with pytest.raises(CourseError, match="has no trainable weights"):
        ModelProblem(model, INPUTS, LABELS, "mse")


def test_large_matrices_are_refused():
    problem = FunctionProblem(lambda weights: tf.reduce_sum(weights**2), 2001, np.zeros(2001))
    with pytest.raises(CourseError, match=r"the Hessian of 2001 weights has 2001² = 4,004,001 elements"):
        problem.hessian(problem.start)
    with pytest.raises(CourseError, match="up to 2000 weights are accepted"):
        minimise(problem, "newton", np.ones(2001), steps=1)
    wide = FunctionProblem(None, 20_000, residuals=lambda weights: weights[:10_001] * 1.0)
    with pytest.raises(CourseError, match=r"200,020,000 elements; up to 200,000,000"):
        wide.jacobian(np.zeros(20_000))
    with pytest.raises(CourseError, match=r"the inverse Hessian of 20000 weights .*\(3.2 GB\)"):
        minimise(wide, "bfgs", np.ones(20_000), steps=1)


def test_residuals_that_are_missing_are_named(small):
    penalised = network(3, kernel_regularizer="l2")
    with pytest.raises(CourseError, match="a penalty is added to its loss; give regulariser=False"):
        ModelProblem(penalised, INPUTS, LABELS, "mse").residuals(np.zeros(13))
    assert ModelProblem(penalised, INPUTS, LABELS, "mse", regulariser=False).has_residuals
    with pytest.raises(CourseError, match="its loss is not the mean squared error"):
        ModelProblem(small.model, INPUTS, LABELS, "mae").jacobian(small.start)
    with pytest.raises(CourseError, match="not given as a mean of squares"):
        FunctionProblem(valley, 3).residuals(np.zeros(3))
    wrong = ModelProblem(network(3, outputs=2), INPUTS, LABELS, "mse")
    with pytest.raises(CourseError, match=r"labels \(30, 1\) do not fit the model's outputs \(30, 2\)"):
        wrong.residuals(wrong.start)


def test_functions_that_do_not_fit_are_named():
    with pytest.raises(CourseError, match="give either a function of the weights or its residuals"):
        FunctionProblem(None, 2)
    with pytest.raises(CourseError, match="give either a function"):
        FunctionProblem(valley, 2, residuals=valley)
    with pytest.raises(CourseError, match="dimension must be a whole number of at least 1, not 0"):
        FunctionProblem(valley, 0)
    with pytest.raises(CourseError, match="dtype must be one of 'float32', 'float64', not 'float16'"):
        FunctionProblem(valley, 2, dtype="float16")
    with pytest.raises(CourseError, match=r"the loss must be one number, not of shape \(2,\)"):
        minimise(FunctionProblem(lambda weights: weights, 2), "bfgs", (1.0, 1.0))
    with pytest.raises(CourseError, match="has no gradient"):
        minimise(FunctionProblem(lambda weights: tf.constant(1.0), 2), "bfgs", (1.0, 1.0))
    with pytest.raises(CourseError, match="its function uses NumPy"):
        minimise(FunctionProblem(lambda weights: np.sum(np.square(weights)), 2), "bfgs", (1.0, 1.0))
    with pytest.raises(ValueError, match=r"have shape \(..., 3\), not \(2,\)"):
        FunctionProblem(valley, 3).gradient((1.0, 2.0))
    with pytest.raises(ValueError, match=r"one vector of 3 weights is needed, not shape \(1, 3\)"):
        FunctionProblem(valley, 3).hessian(np.zeros((1, 3)))


def test_float32_problems_compute_in_float32():
    problem = FunctionProblem(valley, 2, (1.0, 1.0), dtype="float32")
    assert problem.gradient((1.0, 1.0)).dtype == problem.hessian((1.0, 1.0)).dtype == "float32"
    assert Evaluation(problem).epsilon == np.finfo("float32").eps
    path = minimise(problem, "bfgs", steps=100, tolerance=1e-3)
    assert path.converged
    assert path.points.dtype == "float64"
