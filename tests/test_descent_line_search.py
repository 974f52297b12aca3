"""Line searches along one weight, where every trial can be worked out by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from course_utils.descent import FunctionProblem
from course_utils.descent.evaluation import Evaluation
from course_utils.descent.line_search import Line, Trial, armijo, exact, line_search, next_length, wolfe
from course_utils.descent.recorder import SearchError

PARABOLA = FunctionProblem(lambda weights: weights[0] ** 2 / 2, 1)
QUARTIC = FunctionProblem(lambda weights: weights[0] ** 4 / 4 - weights[0], 1)
COSINE = FunctionProblem(lambda weights: tf.cos(weights[0]), 1)
FALLING = FunctionProblem(lambda weights: -weights[0], 1)


def line_from(problem, begin, direction):
    evaluate, point = Evaluation(problem), np.array([float(begin)])
    loss, gradient = evaluate.loss_and_gradient(point)
    evaluate.counts.clear()
    return Line(evaluate, point, loss, gradient, np.array([float(direction)]))


# From w = 1 along −1 the loss is ½ (1 − α)², so Armijo's rule holds for α ≤ 2 (1 − c₁).
@pytest.mark.parametrize(
    ("first", "decrease", "length", "trials"),
    [(8.0, 1e-4, 1.0, 4), (1.9, 1e-4, 1.9, 1), (1.0, 0.4, 1.0, 1), (1.0, 0.6, 0.5, 2), (1.0, 0.8, 0.25, 3)],
)
def test_armijo_halves_until_the_loss_falls_enough(first, decrease, length, trials):
    line = line_from(PARABOLA, 1, -1)
    found = armijo(line, first, decrease)
    assert found.length == length
    assert found.loss == pytest.approx((1 - length) ** 2 / 2)
    assert found.slope == pytest.approx(length - 1)
    np.testing.assert_allclose(found.gradient, 1 - length)
    np.testing.assert_allclose(found.point, 1 - length)
    assert line.evaluate.counts == {"loss": trials, "gradient": 1}


# Wolfe's curvature condition is |1 − α| ≤ c₂; the cubic through two points of a parabola is the parabola.
@pytest.mark.parametrize(
    ("first", "curvature", "length", "trials"),
    [
        (1.05, 0.1, 1.05, 1),
        (0.95, 0.1, 0.95, 1),
        (1.5, 0.1, 1.0, 2),
        (5.0, 0.1, 1.0, 2),
        (0.1, 0.1, 1.0, 6),  # 0.1, 0.2, 0.4, 0.8, 1.6 and the cubic's minimum
        (0.1, 0.4, 0.8, 4),
        (1.95, 0.96, 1.95, 1),
        (40.0, 0.1, None, None),
    ],
)
def test_wolfe_expands_and_interpolates(first, curvature, length, trials):
    line = line_from(PARABOLA, 1, -1)
    found = wolfe(line, first, 1e-4, curvature)
    assert found.loss <= 0.5 - 1e-4 * found.length
    assert abs(found.slope) <= curvature
    if length:
        assert found.length == pytest.approx(length)
        assert line.evaluate.counts == {"loss": trials, "gradient": trials}


def test_interpolation_stays_a_tenth_away_from_the_ends():
    line = line_from(PARABOLA, 1, -1)
    assert wolfe(line, 40.0, 1e-4, 0.1).length == pytest.approx(1.0)
    assert line.evaluate.counts["loss"] == 3  # 40, then 4 in place of 1, then 1
    line = line_from(PARABOLA, 1, -1)
    low, high = line.at(0.99), line.at(0.2)
    assert line_search("wolfe", decrease=1e-4, curvature=0.001)(line, 0.99).length == pytest.approx(
        1.0, abs=1e-3
    )
    assert low.loss < high.loss


def test_a_promise_of_much_decrease_shortens_wolfes_step():
    line = line_from(PARABOLA, 1, -1)
    found = wolfe(line, 1.0, 0.7, 0.9)
    assert found.length <= 2 * (1 - 0.7)
    assert abs(found.slope) <= 0.9


@pytest.mark.parametrize("first", [1e-3, 0.3, 2.0, 1e4])
def test_wolfe_holds_on_a_quartic_from_any_first_length(first):
    line = line_from(QUARTIC, -2, 9)
    found = wolfe(line, first, 1e-4, 0.01)
    assert found.loss <= line.loss + 1e-4 * found.length * line.slope
    assert abs(found.slope) <= 0.01 * abs(line.slope)
    assert line.evaluate.counts["loss"] <= 25


# The minimum of w⁴/4 − w lies at 1; the first one of the cosine beyond ½ at π.
@pytest.mark.parametrize("first", [0.01, 1.0, 30.0])
@pytest.mark.parametrize(
    ("problem", "begin", "direction", "minimum"),
    [(QUARTIC, -2, 9, 1.0), (QUARTIC, 3, -1, 1.0), (COSINE, 0.5, 1, math.pi), (COSINE, 0.5, -1, -math.pi)],
)
def test_the_exact_search_finds_a_minimum(problem, begin, direction, minimum, first):
    line = line_from(problem, begin, direction)
    if line.slope > 0:
        with pytest.raises(SearchError, match="does not lead downhill"):
            exact(line, first)
        return
    found = exact(line, first)
    if problem is QUARTIC or first < 2:
        np.testing.assert_allclose(found.point, minimum, atol=1e-7)
    assert abs(found.slope) <= 1e-8 * abs(line.slope)
    assert found.loss < line.loss
    assert line.evaluate.counts["hessian_vector"] == line.evaluate.counts["loss"] <= 40


def test_the_exact_search_needs_one_trial_on_a_quadratic():
    line = line_from(PARABOLA, 7, -3)
    found = exact(line, 1.0)
    assert found.length == pytest.approx(7 / 3)
    assert line.evaluate.counts == {"loss": 1, "gradient": 1, "hessian_vector": 1}


@pytest.mark.parametrize("search", [exact, wolfe])
def test_a_loss_that_falls_without_end_is_said_to(search):
    with pytest.raises(SearchError, match="falls without end"):
        search(line_from(FALLING, 0, 1), 1.0)


@pytest.mark.parametrize("search", [exact, wolfe, armijo])
def test_uphill_and_flat_directions_are_refused(search):
    for direction in (1, 0):
        line = line_from(PARABOLA, 1, direction)
        with pytest.raises(SearchError, match="does not lead downhill"):
            search(line, 1.0)
        assert line.evaluate.counts == {}


def test_armijo_gives_up_where_no_step_helps():
    cliff = FunctionProblem(lambda weights: weights[0] + 10 * tf.sign(-weights[0]), 1)
    with pytest.raises(SearchError, match="as low as rounding allows"):
        armijo(line_from(cliff, 1e-30, -1), 1.0)


def test_names_choose_the_search_with_its_constants():
    line = line_from(PARABOLA, 1, -1)
    assert line_search("armijo", decrease=0.6)(line, 1.0).length == 0.5
    assert line_search("wolfe", curvature=0.4)(line, 0.1).length == pytest.approx(0.8)
    assert line_search("exact")(line, 0.1).length == pytest.approx(1.0)


def test_the_next_length_promises_the_same_decrease():
    line = line_from(PARABOLA, 4, -2)
    assert next_length(None, line, 0.0) == 0.5  # the step has length 1
    last = Trial(0.3, line.point, line.loss, line.gradient, -1.0)
    assert next_length(last, line, -16.0) * line.slope == pytest.approx(0.3 * -16.0)
