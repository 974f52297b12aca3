"""Methods that learn the curvature from gradients: DFP, BFGS and L-BFGS."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from course_utils.descent.checks import check_matrix, check_whole
from course_utils.descent.evaluation import Evaluation
from course_utils.descent.line_search import Line
from course_utils.descent.line_search import line_search as searcher
from course_utils.descent.recorder import Step

#: More weights would make the inverse Hessian larger than 0.8 GB.
INVERSE_LIMIT = 10_000
# A pair whose sᵀy is not clearly positive would make the inverse indefinite: it is left out.
SMALLEST_COSINE = 1e-12


def dfp_update(inverse: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return Davidon, Fletcher and Powell's new inverse Hessian (Nocedal and Wright 2006, equation 6.15).

    B − B y yᵀ B / (yᵀ B y) + s sᵀ / (yᵀ s), which maps the change y to the step s (the secant condition).

    Parameters
    ----------
    inverse : numpy.ndarray, shape (n, n)
        The inverse Hessian B so far.
    step, change : numpy.ndarray, shape (n,)
        The step s between two points, and the change y of the gradient between them.
    """
    mapped = inverse @ change
    return inverse - np.outer(mapped, mapped) / (change @ mapped) + np.outer(step, step) / (change @ step)


def bfgs_update(inverse: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return Broyden, Fletcher, Goldfarb and Shanno's new inverse Hessian (equation 6.17).

    (I − ρ s yᵀ) B (I − ρ y sᵀ) + ρ s sᵀ with ρ = 1 / yᵀs, multiplied out so that it takes n², not n³,
    operations. Parameters as in :func:`dfp_update`.
    """
    rho = 1 / (change @ step)
    mapped = inverse @ change
    both = np.outer(mapped, step)
    return inverse - rho * (both + both.T) + (rho**2 * (change @ mapped) + rho) * np.outer(step, step)


def dfp(
    evaluate: Evaluation,
    point: np.ndarray,
    *,
    line_search: str = "wolfe",
    scaled: bool = False,
    keep: bool = False,
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> Iterator[Step]:
    """Davidon, Fletcher and Powell's method; options as in :func:`bfgs`."""
    search = searcher(line_search, decrease=decrease, curvature=curvature)
    yield from _with_inverse(dfp_update, evaluate, point, search, scaled=scaled, keep=keep)


def bfgs(
    evaluate: Evaluation,
    point: np.ndarray,
    *,
    line_search: str = "wolfe",
    scaled: bool = False,
    keep: bool = False,
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> Iterator[Step]:
    """Broyden, Fletcher, Goldfarb and Shanno's method (Nocedal and Wright 2006, algorithm 6.1).

    The inverse Hessian begins as the identity, with `scaled` as sᵀy / yᵀy times the identity after the first
    step (equation 6.20). ``trace["inverse_hessian"]`` is the last one; with `keep`
    ``trace["inverse_hessians"]`` (steps + 1, n, n) are all.
    """
    search = searcher(line_search, decrease=decrease, curvature=curvature)
    yield from _with_inverse(bfgs_update, evaluate, point, search, scaled=scaled, keep=keep)


def _with_inverse(
    update: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    evaluate: Evaluation,
    point: np.ndarray,
    search: Callable,
    *,
    scaled: bool,
    keep: bool,
) -> Iterator[Step]:
    check_matrix(len(point), INVERSE_LIMIT, "the inverse Hessian", "use lbfgs, cg or newton-cg")

    def reached(trace: dict[str, float]) -> Step:
        kept = {"inverse_hessians": inverse} if keep else {}
        return Step(point, loss, gradient, trace | kept, {"inverse_hessian": inverse})

    inverse = np.eye(len(point))
    loss, gradient = evaluate.loss_and_gradient(point)
    yield reached({})
    first = True
    while True:
        line = Line(evaluate, point, loss, gradient, -inverse @ gradient)
        found = search(line, _first_length(gradient) if first else 1.0)
        step, change = found.point - point, found.gradient - gradient
        if _useful(step, change):
            if first and scaled:
                inverse = inverse * (step @ change) / (change @ change)
            inverse = update(inverse, step, change)
        first = False
        point, loss, gradient = found.point, found.loss, found.gradient
        yield reached({"step_length": found.length, "secant": step @ change})


def lbfgs(
    evaluate: Evaluation,
    point: np.ndarray,
    *,
    memory: int = 10,
    line_search: str = "wolfe",
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> Iterator[Step]:
    """BFGS from the last `memory` pairs of steps and changes, without a matrix (algorithms 7.4 and 7.5)."""
    search = searcher(line_search, decrease=decrease, curvature=curvature)
    pairs: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=check_whole(memory, "memory"))
    loss, gradient = evaluate.loss_and_gradient(point)
    yield Step(point, loss, gradient)
    while True:
        line = Line(evaluate, point, loss, gradient, -two_loops(gradient, pairs))
        found = search(line, 1.0 if pairs else _first_length(gradient))
        step, change = found.point - point, found.gradient - gradient
        if _useful(step, change):
            pairs.append((step, change))
        point, loss, gradient = found.point, found.loss, found.gradient
        yield Step(point, loss, gradient, {"step_length": found.length, "secant": step @ change})


def two_loops(gradient: np.ndarray, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return B ∇L (n,) for the B that the pairs (s, y), oldest first, would give BFGS (algorithm 7.4).

    BFGS would start from sᵀy / yᵀy · I of the newest pair, from I without pairs.
    """
    result = gradient
    shares = []
    for step, change in reversed(pairs):
        shares.append(step @ result / (change @ step))
        result = result - shares[-1] * change
    if pairs:
        step, change = pairs[-1]
        result = result * (step @ change) / (change @ change)
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        result = result + (share - change @ result / (change @ step)) * step
    return result


def _first_length(gradient: np.ndarray) -> float:
    """Return a first length with which the identity as inverse Hessian leads no further than 1."""
    return min(1.0, 1 / float(np.linalg.norm(gradient)))


def _useful(step: np.ndarray, change: np.ndarray) -> bool:
    return bool(step @ change > SMALLEST_COSINE * np.linalg.norm(step) * np.linalg.norm(change))
