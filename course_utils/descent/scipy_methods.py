"""SciPy's minimisers through the same call, recorded by the same rules."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

import numpy as np

from course_utils.descent.evaluation import Evaluation
from course_utils.descent.recorder import Recorder, Step
from course_utils.errors import CourseError

_GRADIENT, _PRODUCT, _HESSIAN = "gradient", "hessian_vector", "hessian"
#: Method → the highest derivative that it is given.
SCIPY_METHODS = {
    "Nelder-Mead": "loss",
    "Powell": "loss",
    "CG": _GRADIENT,
    "BFGS": _GRADIENT,
    "L-BFGS-B": _GRADIENT,
    "TNC": _GRADIENT,
    "SLSQP": _GRADIENT,
    "Newton-CG": _PRODUCT,
    "trust-ncg": _PRODUCT,
    "trust-krylov": _PRODUCT,
    "trust-exact": _HESSIAN,
    "dogleg": _HESSIAN,
}
# Points remembered, so that what SciPy has computed is not computed again to record it.
REMEMBERED = 100
# The recorder ends the search, by the same rule for all that know a gradient (with a tolerance L-BFGS-B would
# also stop when the loss falls slowly): SciPy's own limits must lie beyond.
NO_LIMIT = 10**9


def scipy_search(
    evaluate: Evaluation, point: np.ndarray, recorder: Recorder, method: str, options: dict[str, Any]
) -> str:
    """Run ``scipy.optimize.minimize`` and record the point after each of its iterations.

    Parameters
    ----------
    evaluate : Evaluation
        Loss and derivatives.
    point : numpy.ndarray, shape (n,)
        The start.
    recorder : Recorder
        Takes the points; ends the search.
    method : str
        A key of `SCIPY_METHODS`.
    options : dict
        Passed to SciPy.

    Returns
    -------
    str
        SciPy's own message, if SciPy ended the search.

    Raises
    ------
    CourseError
        If SciPy's method does not know an option.
    """
    from scipy import optimize

    order = SCIPY_METHODS[method]
    known: OrderedDict[bytes, tuple[float, np.ndarray | None]] = OrderedDict()
    best = [np.inf, b""]

    def remember(place: np.ndarray, *, slope: bool) -> tuple[float, np.ndarray | None]:
        key = np.asarray(place, dtype=np.float64).tobytes()
        if key not in known or (slope and known[key][1] is None):
            known[key] = evaluate.loss_and_gradient(place) if slope else (evaluate.loss(place), None)
            if known[key][0] < best[0]:
                best[:] = known[key][0], key
        known.move_to_end(key)
        if best[1] in known:
            known.move_to_end(best[1])  # a simplex keeps its best corner for long
        while len(known) > REMEMBERED:
            known.popitem(last=False)
        return known[key]

    def reached(place: np.ndarray, *_: Any) -> None:
        recorder.add(Step(np.array(place), *remember(place, slope=order != "loss")))

    limit = {"TNC": "maxfun"}.get(method, "maxiter")
    settings = {limit: NO_LIMIT} | ({"maxfun": NO_LIMIT} if method == "L-BFGS-B" else {}) | options
    derivatives: dict[str, Any] = {}
    if order != "loss":
        derivatives["jac"] = lambda place: remember(place, slope=True)[1]
    if order == _PRODUCT:
        derivatives["hessp"] = evaluate.hessian_vector
    if order == _HESSIAN:
        derivatives["hess"] = evaluate.hessian
    reached(point)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.filterwarnings("error", "Unknown solver options", optimize.OptimizeWarning)
        try:
            result = optimize.minimize(
                lambda place: remember(place, slope=order != "loss")[0],
                point,
                method=method,
                tol=recorder.tolerance if order == "loss" else 0.0,
                callback=reached,
                options=settings,
                **derivatives,
            )
        except optimize.OptimizeWarning as warning:
            raise CourseError(f"scipy:{method} does not take this option. {warning}") from warning
    if order == "loss":  # the others have converged when their gradient says so
        recorder.converged = bool(result.success and recorder.tolerance > 0)
    return str(result.message)
