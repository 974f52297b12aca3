"""How far to go along a direction: Armijo's rule, the strong Wolfe conditions, the minimum itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course_utils.descent.checks import check_choice, check_number
from course_utils.descent.evaluation import Evaluation
from course_utils.descent.recorder import SearchError

LINE_SEARCHES = ("exact", "armijo", "wolfe")
# Steps are doubled or divided this often at most: 2⁶⁰ is beyond any useful step.
TRIALS = 60


@dataclass(frozen=True)
class Line:
    """A ray from a point, and what is known at its beginning.

    Parameters
    ----------
    evaluate : Evaluation
        Computes loss and derivatives.
    point, direction, gradient : numpy.ndarray, shape (n,)
        Where the ray begins, where it leads, and the gradient at its beginning.
    loss : float
        The loss at its beginning.
    """

    evaluate: Evaluation
    point: np.ndarray
    loss: float
    gradient: np.ndarray
    direction: np.ndarray

    @property
    def slope(self) -> float:
        """The derivative of the loss along the ray at its beginning."""
        return float(self.gradient @ self.direction)

    @property
    def slack(self) -> float:
        """What rounding alone may add to the loss."""
        return self.evaluate.epsilon * abs(self.loss)

    def at(self, length: float) -> Trial:
        """Evaluate loss and gradient at a step of this length."""
        point = self.point + length * self.direction
        loss, gradient = self.evaluate.loss_and_gradient(point)
        return Trial(length, point, loss, gradient, float(gradient @ self.direction))


@dataclass(frozen=True)
class Trial:
    """A step along a line: its length, the point (n,) reached, loss, gradient (n,) and slope there."""

    length: float
    point: np.ndarray
    loss: float
    gradient: np.ndarray
    slope: float

    @property
    def finite(self) -> bool:
        """Whether loss and slope are numbers; trials that are not are taken for too long."""
        return math.isfinite(self.loss) and math.isfinite(self.slope)


#: Takes a line and a first length to try; gives the accepted step.
Search = Callable[[Line, float], Trial]


def line_search(name: str, *, decrease: float = 1e-4, curvature: float = 0.9) -> Search:
    """Return a line search by name.

    Parameters
    ----------
    name : str
        ``"exact"``, ``"armijo"`` or ``"wolfe"``.
    decrease : float
        c₁: the share of the decrease promised by the slope that must come true (not used by exact).
    curvature : float
        c₂: the share of the slope that may be left (used by wolfe alone); above `decrease`, below 1.

    Raises
    ------
    CourseError
        If the name is unknown or the constants are not 0 < c₁ < c₂ < 1.
    """
    check_choice(name, "line_search", LINE_SEARCHES)
    c1 = check_number(decrease, "decrease", 0.0, 1.0, open_ends=True)
    c2 = check_number(curvature, "curvature", c1, 1.0, open_ends=True)
    if name == "exact":
        return exact
    if name == "armijo":
        return lambda line, first: armijo(line, first, c1)
    return lambda line, first: wolfe(line, first, c1, c2)


def armijo(line: Line, first: float, decrease: float = 1e-4) -> Trial:
    """Halve the step until the loss falls enough (Nocedal and Wright 2006, algorithm 3.1).

    Returns
    -------
    Trial
        Its loss is at most φ(0) + c₁ α φ′(0). Trials cost one loss each, the accepted one a gradient too.
    """
    _check_descends(line)
    length = first
    for _ in range(TRIALS):
        point = line.point + length * line.direction
        loss = line.evaluate.loss(point)
        if loss <= line.loss + decrease * length * line.slope + line.slack:
            gradient = line.evaluate.gradient(point)
            return Trial(length, point, loss, gradient, float(gradient @ line.direction))
        length /= 2
    raise SearchError("no step along the direction lowers the loss: it is as low as rounding allows")


def wolfe(line: Line, first: float, decrease: float = 1e-4, curvature: float = 0.9) -> Trial:
    """Find a step that fulfils the strong Wolfe conditions (Nocedal and Wright 2006, algorithm 3.5).

    Returns
    -------
    Trial
        φ(α) ≤ φ(0) + c₁ α φ′(0) and |φ′(α)| ≤ c₂ |φ′(0)|, the first up to rounding. Each trial costs one loss
        and one gradient.
    """
    _check_descends(line)
    low = Trial(0.0, line.point, line.loss, line.gradient, line.slope)
    length = first
    for _ in range(TRIALS):
        trial = line.at(length)
        if _too_high(line, trial, low, decrease):
            return _zoom(line, low, trial, decrease, curvature)
        if abs(trial.slope) <= -curvature * line.slope:
            return trial
        if trial.slope >= 0:
            return _zoom(line, trial, low, decrease, curvature)
        low, length = trial, 2 * length
    raise SearchError("the loss falls without end along the direction")


def _zoom(line: Line, low: Trial, high: Trial, decrease: float, curvature: float) -> Trial:
    """Narrow the bracket between two steps (algorithm 3.6); `low` has the lower loss."""
    for _ in range(TRIALS):
        trial = line.at(_between(low, high))
        if _too_high(line, trial, low, decrease):
            high = trial
            continue
        if abs(trial.slope) <= -curvature * line.slope:
            return trial
        if trial.slope * (high.length - low.length) >= 0:
            high = low
        low = trial
    raise SearchError("no step fulfils the Wolfe conditions: the loss is as low as rounding allows")


def _too_high(line: Line, trial: Trial, low: Trial, decrease: float) -> bool:
    enough = line.loss + decrease * trial.length * line.slope
    return not trial.finite or trial.loss > min(enough, low.loss) + line.slack


def _between(low: Trial, high: Trial) -> float:
    """Return where the cubic through both ends is lowest (equation 3.59), a tenth away from each end."""
    width = high.length - low.length
    middle = low.length + width / 2
    if not high.finite:
        return middle
    first = low.slope + high.slope - 3 * (low.loss - high.loss) / (low.length - high.length)
    inside = first**2 - low.slope * high.slope
    if inside < 0:
        return middle
    second = math.copysign(math.sqrt(inside), width)
    below = high.slope - low.slope + 2 * second
    if below == 0:
        return middle
    share = 1 - (high.slope + second - first) / below
    return low.length + min(max(share, 0.1), 0.9) * width


def exact(line: Line, first: float) -> Trial:
    """Go to the first minimum along the direction: Newton's method for φ′(α) = 0, kept inside a bracket.

    On a quadratic the first trial is −gᵀp / pᵀHp, the minimum itself. Each trial costs a loss and a gradient,
    and a product of the Hessian with the direction at the point before.

    Returns
    -------
    Trial
        Its slope is 0 up to rounding.
    """
    _check_descends(line)
    flat = line.evaluate.epsilon**0.625 * -line.slope  # 1.6e-10 of the slope in float64, 5e-5 in float32
    low = Trial(0.0, line.point, line.loss, line.gradient, line.slope)
    high: Trial | None = None
    here, length = low, first
    for _ in range(2 * TRIALS):
        bend = float(line.direction @ line.evaluate.hessian_vector(here.point, line.direction))
        newton = here.length - here.slope / bend if bend > 0 else math.nan
        if high is None:
            # Far from the minimum Newton's step can be huge: no more than ten times the length so far.
            limit = 10 * low.length if low.length else math.inf
            length = newton if low.length < newton <= limit else max(2 * low.length, first)
        else:
            ends = sorted((low.length, high.length))
            length = newton if ends[0] < newton < ends[1] else sum(ends) / 2
        trial = line.at(length)
        if trial.finite and abs(trial.slope) <= flat and trial.loss <= line.loss + line.slack:
            return trial
        if not trial.finite or trial.loss > low.loss + line.slack or trial.slope > 0:
            high = trial
        else:
            low = trial
        here = trial if trial.finite else low
        if high is not None and abs(high.length - low.length) <= 4 * line.evaluate.epsilon * high.length:
            break
        if high is None and low.length > first * 2.0**TRIALS:
            raise SearchError("the loss falls without end along the direction")
    if low.length > 0:
        return low
    raise SearchError("no step along the direction lowers the loss: it is as low as rounding allows")


def next_length(last: Trial | None, line: Line, before: float) -> float:
    """Guess a first step for methods whose directions have no scale of their own.

    Parameters
    ----------
    last : Trial or None
        The step before; without one the first step has length 1 in weight space.
    line : Line
        Where to go now.
    before : float
        The slope at which the last search began: the new step promises the same decrease
        (Nocedal and Wright 2006, section 3.5).
    """
    if last is None:
        return 1 / float(np.linalg.norm(line.direction))
    return last.length * before / line.slope


def _check_descends(line: Line) -> None:
    if not line.slope < 0:
        raise SearchError("the direction does not lead downhill")
