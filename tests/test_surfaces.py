"""Surfaces: values, gradients and Hessians against formulas."""

import math

import numpy as np
import pytest

from course_utils import CourseError
from course_utils.surfaces import Surface, quadratic

SQUARE = ((-2.0, 2.0), (-2.0, 2.0))


def rosenbrock(points):
    x, y = points[:, 0], points[:, 1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def test_gradient_and_hessian_agree_with_the_formulas():
    points = np.random.default_rng(0).uniform(-2, 2, (7, 2))
    surface = Surface(rosenbrock, SQUARE)
    x, y = points.T
    gradient = np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=1)
    hessian = np.stack([2 - 400 * y + 1200 * x**2, -400 * x, -400 * x, 200 + 0 * x], axis=1).reshape(7, 2, 2)
    np.testing.assert_allclose(surface(points), rosenbrock(points), rtol=1e-12)
    np.testing.assert_allclose(surface.gradient(points), gradient, rtol=1e-12)
    np.testing.assert_allclose(surface.hessian(points), hessian, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2,), (3, 2), (2, 3, 2)])
def test_shapes_and_float_types_are_kept(shape, dtype):
    points = np.ones(shape, dtype)
    surface = quadratic()
    for values, extra in (
        (surface(points), ()),
        (surface.gradient(points), (2,)),
        (surface.hessian(points), (2, 2)),
    ):
        assert values.shape == shape[:-1] + extra
        assert values.dtype == dtype


def test_lists_become_keras_floats_and_tensors_stay_tensors():
    import tensorflow as tf

    surface = quadratic()
    assert surface([1, 2]).dtype == "float32"
    assert tf.is_tensor(surface(tf.constant([[1.0, 2.0]])))
    assert surface.gradient(tf.Variable([1.0, 2.0])).shape == (2,)


def test_a_quadratic_has_the_eigenvalues_and_the_rotation_asked_for():
    surface = quadratic((1.0, 10.0), math.pi / 6, minimum=(0.5, -0.5))
    hessian = surface.hessian(np.array([0.3, 0.1]))
    values, vectors = np.linalg.eigh(hessian)
    np.testing.assert_allclose(values, [1, 10], rtol=1e-12)
    assert abs(vectors[:, 0] @ [math.cos(math.pi / 6), math.sin(math.pi / 6)]) == pytest.approx(1)
    np.testing.assert_allclose(surface.gradient(np.array(surface.minima[0])), 0, atol=1e-12)
    assert surface.contains(surface.start)
    assert quadratic((1.0, -1.0)).minima == ()


def test_a_linear_surface_has_a_hessian_of_zeros():
    surface = Surface(lambda points: points[:, 0] * 3, SQUARE)
    np.testing.assert_array_equal(surface.hessian(np.zeros((4, 2))), np.zeros((4, 2, 2)))
    np.testing.assert_array_equal(surface.gradient(np.zeros(2)), [3, 0])


def test_the_grid_has_one_row_per_y():
    surface = Surface(lambda points: points[:, 0] + 10 * points[:, 1], ((0.0, 1.0), (0.0, 2.0)))
    x, y, loss = surface.grid((3, 5), dtype="float64")
    np.testing.assert_allclose(loss, x + 10 * y[:, np.newaxis])
    assert loss.shape == (5, 3)
    assert surface.grid(100)[2].shape == (100, 100)
    with pytest.raises(ValueError, match="at least 2 points"):
        surface.grid(1)


def test_a_cost_made_from_data_is_a_surface():
    import keras

    inputs, targets = np.random.default_rng(1).normal(size=(30, 2)), np.arange(30.0)
    surface = Surface(
        lambda w: keras.ops.mean((keras.ops.matmul(w, inputs.T) - targets) ** 2, axis=1), SQUARE
    )
    at = np.array([0.5, -1.0])
    residual = inputs @ at - targets
    assert surface(at) == pytest.approx((residual**2).mean())
    np.testing.assert_allclose(surface.gradient(at), 2 * residual @ inputs / 30)
    np.testing.assert_allclose(surface.hessian(at), 2 * inputs.T @ inputs / 30)


def test_each_point_stands_for_itself():
    surface = Surface(rosenbrock, SQUARE)
    points = np.random.default_rng(2).uniform(-2, 2, (5, 2))
    np.testing.assert_allclose(surface.gradient(points)[3], surface.gradient(points[3]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": 3}, "needs a function of points"),
        ({"domain": (0, 1)}, "a domain is"),
        ({"domain": ((1, 0), (0, 1))}, "with low < high"),
        ({"domain": ((0, math.inf), (0, 1))}, "with low < high"),
        ({"start": (5.0, 0.0)}, "lies outside the domain"),
    ],
)
def test_a_surface_that_makes_no_sense_is_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Surface(**({"function": rosenbrock, "domain": SQUARE} | options))


def test_points_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"have shape \(\.\.\., 2\)"):
        quadratic()(np.zeros((4, 3)))


def test_functions_that_cannot_be_differentiated_or_mix_points_are_named():
    import tensorflow as tf

    with pytest.raises(CourseError, match="the surface 'flat' has no gradient"):
        Surface(lambda points: tf.zeros(tf.shape(points)[0]), SQUARE, name="flat").gradient([0.0, 0.0])
    with pytest.raises(CourseError, match=r"must map points of shape \(n, 2\)"):
        Surface(tf.reduce_sum, SQUARE)([[0.0, 1.0], [2.0, 3.0]])
