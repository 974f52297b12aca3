"""Claims that a notebook makes, measurements that vary, and checks of exercises."""

from __future__ import annotations

import math
import operator
import os
from typing import TYPE_CHECKING, Any

from course_utils.errors import CourseError
from course_utils.runtime import profile

if TYPE_CHECKING:
    from collections.abc import Callable

_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
# Below this a difference is rounding noise, which changes with the processor: its bound is printed instead.
ROUNDING_NOISE = 1e-5


class ClaimError(CourseError, AssertionError):
    """A claim that its measurement does not bear out."""


def claim(text: str, value: Any, relation: str, bound: float, *, unit: str = "", digits: int = 3) -> None:
    """Check a statement about a computed value and print it with its margin.

    Parameters
    ----------
    text
        The statement, such as ``"σ′ never exceeds 1/4"``.
    value
        The computed number (a Python, NumPy or TensorFlow scalar). A truth value is not accepted: a claim
        says which number it rests on.
    relation
        One of ``<``, ``<=``, ``>``, ``>=``, ``==``, ``!=``.
    bound
        The number that `value` is compared with.
    unit
        Printed behind both numbers, such as ``"%"``.
    digits
        Significant digits printed of a value that is not a whole number. A bound of 1e-5 or less stands
        for rounding noise: the value is then not printed.

    Raises
    ------
    ClaimError
        If the relation does not hold or the value is not a number (in the smoke profile it is reported
        and does not stop the notebook).
    TypeError, ValueError
        If the value is no scalar or a truth value, or the relation is unknown.
    """
    if relation not in _RELATIONS:
        raise ValueError(f"a claim's relation is one of {' '.join(_RELATIONS)}, not {relation!r}")
    number, limit = _scalar(value, "value"), _scalar(bound, "bound")
    holds = not math.isnan(number) and _RELATIONS[relation](number, limit)
    printed = (
        _describe(number, relation, limit, unit, digits) if holds else _plain(number, relation, limit, unit)
    )
    print(f"{'✓' if holds else '✗'} {text}: {printed}")
    if not holds and profile() != "smoke":
        raise ClaimError(f"The measurement does not bear this out: {text}: {printed}")


def measured(value: float, unit: str, *, low: float, high: float, text: str = "measured") -> float:
    """Check that a time or a rate lies where it is expected, and print the bounds instead of the value.

    Parameters
    ----------
    value
        The measurement, in `unit`.
    unit
        Such as ``"s"`` or ``"GFLOP/s"``.
    low, high
        The bounds, in `unit`: wide enough for any machine that the course runs on.
    text
        What was measured.

    Returns
    -------
    float
        `value`, so that it can be used further.

    Raises
    ------
    ClaimError
        If the value lies outside (reported only in the smoke profile).
    ValueError
        If the bounds are not in order.
    """
    if not low < high:
        raise ValueError(f"low must be below high, not {low!r} and {high!r}")
    number = _scalar(value, "value")
    inside = low <= number <= high
    where = f"between {low:g} and {high:g} {unit}"
    print(f"✓ {text}: {where}" if inside else f"✗ {text}: {number:.3g} {unit}, expected {where}")
    if not inside and profile() != "smoke":
        raise ClaimError(f"{text}: {number:.3g} {unit} is not {where}.")
    return number


def check(exercise: str, answer: Any, expected: Any, *, hint: str, tolerance: float = 1e-3) -> None:
    """Tell a student whether an answer is right, or give a hint; never a stack trace.

    Parameters
    ----------
    exercise
        Such as ``"exercise 2"``.
    answer
        The student's answer; None while there is none.
    expected
        The right answer, or a function that takes the answer and says whether it is right.
    hint
        What helps somebody who is stuck, without giving the answer away.
    tolerance
        How far a number may be off, relative to the size of the expected one (absolute below 1).

    Raises
    ------
    ClaimError
        Only where ``COURSE_STRICT=1`` (stored outputs, solutions): if the answer is wrong or missing.
    """
    if answer is None:
        verdict = "no answer yet"
    else:
        try:
            right = bool(expected(answer)) if callable(expected) else _agrees(answer, expected, tolerance)
            verdict = "right" if right else "not yet"
        except Exception as error:  # a student's answer may fail in any way; the hint is what helps
            verdict = f"this answer cannot be checked ({type(error).__name__}: {error})"
    if verdict == "right":
        print(f"✓ {exercise}: right")
        return
    print(f"{'…' if answer is None else '✗'} {exercise}: {verdict}. Hint: {hint}")
    if os.environ.get("COURSE_STRICT") == "1" and profile() != "smoke":
        raise ClaimError(f"The solution of {exercise} does not pass: {verdict}.")


def _agrees(answer: Any, expected: Any, tolerance: float) -> bool:
    """Compare texts, collections of texts and numbers of any shape."""
    import numpy as np

    if isinstance(expected, (str, bytes, set, dict)):
        return type(answer) is type(expected) and answer == expected
    given, wanted = np.asarray(answer), np.asarray(expected)
    if given.shape != wanted.shape:
        return False
    if wanted.dtype.kind in "biufc" and given.dtype.kind in "biufc":
        return bool(np.all(np.abs(given - wanted) <= tolerance * np.maximum(1, np.abs(wanted))))
    return bool(np.array_equal(given, wanted))


def _scalar(value: Any, name: str) -> float:
    """Return a Python number from any scalar; refuse truth values and arrays."""
    import numpy as np

    array = np.asarray(value)
    if array.dtype == bool:
        raise TypeError(f"a claim's {name} is a number, not a truth value: say which number it rests on")
    if array.shape != () or array.dtype.kind not in "iuf":
        raise TypeError(f"a claim's {name} is one number, not {type(value).__name__} of shape {array.shape}")
    return array.item()


def _describe(number: float, relation: str, limit: float, unit: str, digits: int) -> str:
    """Write a claim that holds, with its margin in the digits that are shown."""
    end = f" {unit}" if unit else ""
    if relation in ("<", "<=") and 0 < limit <= ROUNDING_NOISE:
        return f"{relation} {limit:g}{end}"
    if relation in ("==", "!="):
        return _plain(number, relation, limit, unit)
    if isinstance(number, int) and isinstance(limit, int):
        return f"{number}{end} {relation} {limit}{end} (margin {abs(number - limit)}{end})"
    size = abs(number)
    if size and not 1e-4 <= size < 1e6:
        shown, margin = f"{number:.{digits - 1}e}", f"{abs(number - limit):.{digits - 1}e}"
    else:
        decimals = digits - 1 - (math.floor(math.log10(size)) if size else 0)
        # A decimal is compared with a tolerance, a whole number is not, unless it is a percentage.
        decimals = max(decimals, 0 if unit == "%" else 1)
        shown, margin = f"{number:.{decimals}f}", f"{abs(number - limit):.{decimals}f}"
    return f"{shown}{end} {relation} {limit:g}{end} (margin {margin}{end})"


def _plain(number: float, relation: str, limit: float, unit: str) -> str:
    end = f" {unit}" if unit else ""
    shown, bound = (str(value) if isinstance(value, int) else f"{value:.6g}" for value in (number, limit))
    return f"{shown}{end} {relation} {bound}{end}"
