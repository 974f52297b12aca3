"""Steepest descent with a line search, and methods that use the Hessian: Newton and Newton-CG."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_utils.descent.checks import check_number, check_whole
from course_utils.descent.evaluation import Evaluation
from course_utils.descent.line_search import Line, Trial, next_length
from course_utils.descent.line_search import line_search as searcher
from course_utils.descent.recorder import SearchError, Step


def steepest(
    evaluate: Evaluation,
    point: np.ndarray,
    *,
    line_search: str = "exact",
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> Iterator[Step]:
    """Go along −∇L as far as the line search says."""
    search = searcher(line_search, decrease=decrease, curvature=curvature)
    loss, gradient = evaluate.loss_and_gradient(point)
    yield Step(point, loss, gradient)
    last: Trial | None = None
    slope = 0.0
    while True:
        line = Line(evaluate, point, loss, gradient, -gradient)
        last = search(line, next_length(last, line, slope))
        point, loss, gradient, slope = last.point, last.loss, last.gradient, line.slope
        yield Step(point, loss, gradient, {"step_length": last.length})


def newton(
    evaluate: Evaluation,
    point: np.ndarray,
    *,
    line_search: str | None = None,
    damping: float = 0.0,
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> Iterator[Step]:
    """Solve (H + damping · I) p = −∇L and go along p: the whole of it without a line search.

    Without damping and line search this is Newton's method for ∇L = 0, which goes to saddles and maxima as
    readily as to minima.
    """
    check_number(damping, "damping")
    # Both constants are checked even where no search uses them.
    search = searcher(line_search or "wolfe", decrease=decrease, curvature=curvature)
    loss, gradient = evaluate.loss_and_gradient(point)
    yield Step(point, loss, gradient)
    while True:
        hessian = evaluate.hessian(point) + damping * np.eye(len(point))
        try:
            direction = np.linalg.solve(hessian, -gradient)
        except np.linalg.LinAlgError as error:
            raise SearchError("the Hessian is singular: there is no Newton step; give damping") from error
        length = 1.0
        if line_search is None:
            point = point + direction
            loss, gradient = evaluate.loss_and_gradient(point)
        else:
            if gradient @ direction >= 0:
                raise SearchError(
                    "Newton's direction does not lead downhill (the Hessian has negative eigenvalues): "
                    "give more damping, or use newton-cg"
                )
            found = search(Line(evaluate, point, loss, gradient, direction), 1.0)
            length, point, loss, gradient = found.length, found.point, found.loss, found.gradient
        yield Step(point, loss, gradient, {"step_length": length})


def newton_cg(
    evaluate: Evaluation,
    point: np.ndarray,
    *,
    line_search: str = "wolfe",
    inner_steps: int | None = None,
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> Iterator[Step]:
    """Solve H p = −∇L roughly by conjugate gradients, without the matrix, and search along p.

    The inner iteration ends when its residual is below min(½, √‖∇L‖) ‖∇L‖, at a direction of negative
    curvature, or after `inner_steps` (2 n by default): Nocedal and Wright 2006, algorithm 7.1.
    """
    search = searcher(line_search, decrease=decrease, curvature=curvature)
    limit = 2 * len(point) if inner_steps is None else check_whole(inner_steps, "inner_steps")
    loss, gradient = evaluate.loss_and_gradient(point)
    yield Step(point, loss, gradient)
    while True:
        direction, products = _truncated_solution(evaluate, point, gradient, limit)
        found = search(Line(evaluate, point, loss, gradient, direction), 1.0)
        point, loss, gradient = found.point, found.loss, found.gradient
        yield Step(point, loss, gradient, {"step_length": found.length, "inner_steps": products})


def _truncated_solution(
    evaluate: Evaluation, point: np.ndarray, gradient: np.ndarray, limit: int
) -> tuple[np.ndarray, int]:
    """Return a direction and the number of products with the Hessian that it took."""
    size = np.linalg.norm(gradient)
    enough = min(0.5, np.sqrt(size)) * size
    solution, residual = np.zeros_like(gradient), gradient
    direction = -residual
    for count in range(1, limit + 1):
        product = evaluate.hessian_vector(point, direction)
        bend = direction @ product
        if not bend > 0:
            return (direction if count == 1 else solution), count
        length = residual @ residual / bend
        solution = solution + length * direction
        fresh = residual + length * product
        if np.linalg.norm(fresh) <= enough:
            break
        direction = -fresh + (fresh @ fresh) / (residual @ residual) * direction
        residual = fresh
    return solution, count
