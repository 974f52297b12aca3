"""One call for every method: its table, its options, its path."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from course_utils.descent.checks import check_number, check_problem, check_start, check_whole
from course_utils.descent.conjugate import cg
from course_utils.descent.evaluation import Evaluation
from course_utils.descent.first_order import descend
from course_utils.descent.least_squares import levenberg_marquardt
from course_utils.descent.path import Path
from course_utils.descent.quasi_newton import bfgs, dfp, lbfgs
from course_utils.descent.recorder import Recorder, Step
from course_utils.descent.scipy_methods import SCIPY_METHODS, scipy_search
from course_utils.descent.second_order import newton, newton_cg, steepest
from course_utils.errors import CourseError

#: Name → label and the search itself, whose keyword arguments are the method's options.
METHODS: dict[str, tuple[str, Callable[..., Iterator[Step]]]] = {
    "steepest": ("steepest descent", steepest),
    "newton": ("Newton", newton),
    "newton-cg": ("Newton-CG", newton_cg),
    "dfp": ("DFP", dfp),
    "bfgs": ("BFGS", bfgs),
    "lbfgs": ("L-BFGS", lbfgs),
    "cg": ("conjugate gradients", cg),
    "levenberg-marquardt": ("Levenberg–Marquardt", levenberg_marquardt),
}


def minimise(
    problem: Any,
    method: Any,
    start: Sequence[float] | None = None,
    steps: int = 100,
    *,
    tolerance: float = 0.0,
    label: str = "",
    **options: Any,
) -> Path:
    """Search for a minimum by any method.

    The search itself runs in NumPy's float64, the problem's loss and derivatives in compiled functions of the
    problem's float type (float64 for surfaces). It ends after `steps`, when the gradient is within the
    tolerance, when the method finds no further point, when the loss or the point is not finite, or when it is
    interrupted; ``message`` says which, and all points so far are kept. Trials of a line search at which the
    loss is not finite only shorten the step.

    Parameters
    ----------
    problem : Surface, ModelProblem or FunctionProblem
        What to minimise. It is not changed: ``problem.assign(path.end)`` puts the result into a model.
    method : str or keras.optimizers.Optimizer
        ``"steepest"`` (line_search="exact"), ``"newton"`` (line_search=None, damping=0), ``"newton-cg"``
        (inner_steps), ``"dfp"`` and ``"bfgs"`` (scaled=False, keep=False), ``"lbfgs"`` (memory=10), ``"cg"``
        (beta="polak-ribiere" or "fletcher-reeves", restart=True), ``"levenberg-marquardt"`` (damping=1e-3,
        schedule="gain" or "tenfold"), ``"scipy:BFGS"`` and SciPy's other methods with their own options, or
        an optimizer, which goes to :func:`descend`.
    start : sequence of n floats, optional
        Where to begin; the problem's own start by default.
    steps : int
        How many steps are taken at most.
    tolerance : float
        The largest absolute component of the gradient at which the search has converged. Methods of SciPy
        that know no gradient take it as their own ``tol``.
    label : str
        Name of the path; the method's by default.
    **options
        The method's own. All but Levenberg–Marquardt and SciPy's take line_search ("exact", "armijo" or
        "wolfe") and its constants decrease (c₁) and curvature (c₂).

    Returns
    -------
    Path
        With the work done up to each point and the method's trace.

    Raises
    ------
    CourseError
        If the problem, the start, the method or an option does not fit.
    """
    check_problem(problem)
    if not isinstance(method, str):
        return _by_optimizer(problem, method, start, steps, tolerance, label, options)
    name = _known(method)
    if not name.startswith("scipy:"):
        _check_options(name, options)
    steps, tolerance = check_whole(steps, "steps"), check_number(tolerance, "tolerance")
    place = check_start(problem, start)
    evaluate = Evaluation(problem)

    if name.startswith("scipy:"):
        recorder = Recorder(evaluate, steps, tolerance, label or name)
        return recorder.record(
            lambda: scipy_search(evaluate, place, recorder, name.removeprefix("scipy:"), options)
        )
    title, search = METHODS[name]
    recorder = Recorder(evaluate, steps, tolerance, label or title)

    def walk() -> str:
        for step in search(evaluate, place, **options):
            recorder.add(step)
        return ""

    return recorder.record(walk)


def _known(method: str) -> str:
    """Return the method as it stands in the tables, whatever its case, or list the tables."""
    names = [*METHODS, *(f"scipy:{name}" for name in SCIPY_METHODS)]
    for name in names:
        if name.lower() == method.lower():
            return name
    raise CourseError(
        f"there is no method {method!r}: use a Keras optimizer such as keras.optimizers.Adam(0.1), or one of "
        + ", ".join(names)
    )


def _check_options(name: str, options: dict[str, Any]) -> None:
    accepted = [
        parameter.name
        for parameter in inspect.signature(METHODS[name][1]).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    unknown = [option for option in options if option not in accepted]
    if unknown:
        raise CourseError(
            f"{name} has no option {', '.join(map(repr, unknown))}; it takes {', '.join(accepted)}"
        )


def _by_optimizer(
    problem: Any,
    optimizer: Any,
    start: Any,
    steps: int,
    tolerance: float,
    label: str,
    options: dict[str, Any],
) -> Path:
    if options or tolerance != 0:
        raise CourseError(
            "a Keras optimizer takes all its steps, and its settings are its own: give it without tolerance "
            "and options"
        )
    dtype = getattr(problem, "dtype", None) or "float64"
    return descend(problem, optimizer, start, steps, label=label, dtype=dtype)
