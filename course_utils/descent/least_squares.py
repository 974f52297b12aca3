"""Levenberg–Marquardt: least squares by damped Gauss–Newton steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_utils.descent.checks import check_choice, check_number
from course_utils.descent.evaluation import Evaluation
from course_utils.descent.recorder import SearchError, Step
from course_utils.errors import CourseError

SCHEDULES = ("gain", "tenfold")
# By then the damping has grown so much that no step changes any weight.
REJECTIONS = 40


def levenberg_marquardt(
    evaluate: Evaluation, point: np.ndarray, *, damping: float = 1e-3, schedule: str = "gain"
) -> Iterator[Step]:
    """Solve (JᵀJ + μ I) p = −Jᵀr and take p if it lowers the loss, the mean of r²; else raise μ.

    With the schedule ``"gain"`` μ begins as `damping` times the largest diagonal element of JᵀJ and follows
    the ratio of actual to predicted decrease (Nielsen 1999; Madsen, Nielsen and Tingleff 2004, algorithm
    3.16); with ``"tenfold"`` it begins as `damping`, is divided by 10 after a step and multiplied by 10 after
    a rejection (Hagan and Menhaj 1994). Each step costs one Jacobian, each trial one loss.
    ``trace["damping"]`` is the μ of each step taken, ``trace["rejected"]`` how many trials it had refused.
    """
    check_number(damping, "damping", 0.0, open_ends=True)
    check_choice(schedule, "schedule", SCHEDULES)
    if not getattr(evaluate.problem, "has_residuals", False):
        raise CourseError(_no_residuals(evaluate.problem))
    residuals = evaluate.residuals(point)
    jacobian = evaluate.jacobian(point)
    count, growth = len(residuals), 2.0
    slope, normal = jacobian.T @ residuals, jacobian.T @ jacobian
    current = damping * float(normal.diagonal().max()) if schedule == "gain" else float(damping)
    yield Step(point, float(residuals @ residuals) / count, 2 / count * slope)
    while True:
        rejected = 0
        step = _damped_step(normal, slope, current)
        trial = evaluate.residuals(point + step)
        # Infinite or NaN residuals are no decrease either.
        while not (fallen := float(residuals @ residuals - trial @ trial)) > 0:
            rejected += 1
            if rejected == REJECTIONS:
                raise SearchError("no damping makes a step that lowers the loss: as low as rounding allows")
            current *= growth if schedule == "gain" else 10.0
            growth *= 2
            step = _damped_step(normal, slope, current)
            trial = evaluate.residuals(point + step)
        used, predicted = current, float(step @ (current * step - slope))
        if schedule == "gain":
            current *= max(1 / 3, 1 - (2 * fallen / predicted - 1) ** 3)
            growth = 2.0
        else:
            current /= 10
        point, residuals = point + step, trial
        jacobian = evaluate.jacobian(point)
        slope, normal = jacobian.T @ residuals, jacobian.T @ jacobian
        noted = {"damping": used, "rejected": rejected}
        yield Step(point, float(residuals @ residuals) / count, 2 / count * slope, noted)


def _damped_step(normal: np.ndarray, slope: np.ndarray, damping: float) -> np.ndarray:
    """Return the step (n,), of NaN where the damping is too small for a solution."""
    try:
        return np.linalg.solve(normal + damping * np.eye(len(slope)), -slope)
    except np.linalg.LinAlgError:
        return np.full_like(slope, np.nan)


def _no_residuals(problem: object) -> str:
    reason = getattr(problem, "_without_residuals", lambda: "it is a surface of losses")()
    return (
        f"levenberg-marquardt needs residuals, whose mean square is the loss, but {reason}; "
        "problems that have them: a ModelProblem with loss 'mse', a FunctionProblem with residuals="
    )
