"""What is checked before a descent begins."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.errors import CourseError


def dimension_of(problem: Any) -> int:
    """Return the number of weights; a surface, which does not say, has two."""
    return int(getattr(problem, "dimension", 2))


def dtype_of(problem: Any, default: str) -> str:
    """Return the float type in which a problem wants its points, or `default` if it takes any."""
    return getattr(problem, "dtype", None) or default


def check_problem(problem: Any) -> None:
    """Raise a CourseError unless `problem` is a surface or a problem."""
    if not callable(problem) or not hasattr(problem, "loss_and_gradient"):
        raise CourseError(
            f"what to descend is a Surface, a ModelProblem or a FunctionProblem, not {type(problem).__name__}"
        )


def check_start(problem: Any, start: Any) -> np.ndarray:
    """Return the start, by default the problem's own, as float64 (n,), or say what is wrong with it."""
    dimension = dimension_of(problem)
    kind = "a pair of numbers (x, y)" if dimension == 2 else f"a vector of {dimension} numbers"
    place = problem.start if start is None else start
    if place is None:
        raise CourseError(f"this problem has no start of its own: give a start, {kind}")
    try:
        place = np.array([float(value) for value in place])
    except (TypeError, ValueError) as error:
        raise CourseError(f"a start is {kind}, not {start!r}") from error
    if len(place) != dimension:
        raise CourseError(f"a start is {kind}, not {len(place)} of them")
    if not np.isfinite(place).all():
        shown = f"{tuple(place.tolist())}" if dimension == 2 else f"component {np.argmin(np.isfinite(place))}"
        raise CourseError(f"the start must be finite, not {shown}")
    if hasattr(problem, "contains") and not problem.contains(place):
        raise CourseError(
            f"the start {tuple(place.tolist())} lies outside the surface's domain {problem.domain}"
        )
    return place


def check_whole(value: Any, name: str) -> int:
    """Return `value` as an int of at least 1, or say that `name` is not one."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise CourseError(f"{name} must be a whole number of at least 1, not {value!r}")
    return int(value)


def check_number(
    value: Any, name: str, low: float = 0.0, high: float = np.inf, *, open_ends: bool = False
) -> float:
    """Return `value` as a finite float from low to high, or say that `name` is not one.

    Both bounds are allowed values unless `open_ends`.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    inside = low < number < high if open_ends else low <= number <= high
    if isinstance(value, bool | str) or not np.isfinite(number) or not inside:
        words = "between" if open_ends else "from"
        limits = (
            f"{words} {low:g} {'and' if open_ends else 'to'} {high:g}"
            if np.isfinite(high)
            else (f"above {low:g}" if open_ends else f"of at least {low:g}")
        )
        raise CourseError(f"{name} must be a number {limits}, not {value!r}")
    return number


def check_choice(value: Any, name: str, choices: tuple[Any, ...]) -> None:
    """Say what `name` can be unless `value` is one of the choices."""
    if not any(value is choice or value == choice for choice in choices):
        raise CourseError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")


def check_matrix(dimension: int, limit: int, what: str, instead: str) -> None:
    """Refuse n × n matrices that would not fit into memory or patience."""
    if dimension > limit:
        raise CourseError(
            f"{what} of {dimension} weights has {dimension}² = {dimension**2:,} elements "
            f"({8e-9 * dimension**2:.1f} GB); up to {limit} weights are accepted: {instead}"
        )
