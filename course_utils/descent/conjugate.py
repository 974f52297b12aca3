"""Nonlinear conjugate gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_utils.descent.checks import check_choice
from course_utils.descent.evaluation import Evaluation
from course_utils.descent.line_search import Line, Trial, next_length
from course_utils.descent.line_search import line_search as searcher
from course_utils.descent.recorder import Step

BETAS = ("fletcher-reeves", "polak-ribiere")


def cg(
    evaluate: Evaluation,
    point: np.ndarray,
    *,
    beta: str = "polak-ribiere",
    restart: bool = True,
    line_search: str = "wolfe",
    decrease: float = 1e-4,
    curvature: float = 0.1,
) -> Iterator[Step]:
    """Go along p = −∇L + β p, each direction conjugate to those before on a quadratic.

    β is g′ᵀg′ / gᵀg (Fletcher–Reeves) or g′ᵀ(g′ − g) / gᵀg (Polak–Ribière), for the old gradient g and the
    new one g′; with `restart` a negative β counts as 0 (Nocedal and Wright 2006, equations 5.41, 5.44 and
    5.45). A direction that does not lead downhill is replaced by −∇L. ``trace["beta"]`` holds the β that led
    to each step, 0 for steepest descent.
    """
    check_choice(beta, "beta", BETAS)
    search = searcher(line_search, decrease=decrease, curvature=curvature)
    loss, gradient = evaluate.loss_and_gradient(point)
    yield Step(point, loss, gradient)
    direction, weight = -gradient, 0.0
    last: Trial | None = None
    slope = 0.0
    while True:
        line = Line(evaluate, point, loss, gradient, direction)
        last = search(line, next_length(last, line, slope))
        slope, used = line.slope, weight
        change = last.gradient - gradient if beta == "polak-ribiere" else last.gradient
        weight = float(last.gradient @ change / (gradient @ gradient))
        if restart:
            weight = max(weight, 0.0)
        point, loss, gradient = last.point, last.loss, last.gradient
        direction = -gradient + weight * direction
        if not gradient @ direction < 0:
            direction, weight = -gradient, 0.0
        yield Step(point, loss, gradient, {"step_length": last.length, "beta": used})
