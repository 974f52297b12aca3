"""Loss surfaces: functions of two weights with gradient and Hessian by automatic differentiation.

``surface`` has the class, ``analytic`` the surfaces on which optimizers are usually compared, each with its
formula, domain, minima, a start and its source. ``CATALOGUE`` names them all.
"""

from course_utils.surfaces.analytic import (
    CATALOGUE,
    beale,
    d2l_quadratic,
    distill_momentum,
    himmelblau,
    inflection,
    long_valley,
    plateau,
    quadratic,
    radford_saddle,
    rastrigin,
    rosenbrock,
    saddle,
    styblinski_tang,
)
from course_utils.surfaces.surface import Surface

__all__ = [
    "CATALOGUE",
    "Surface",
    "beale",
    "d2l_quadratic",
    "distill_momentum",
    "himmelblau",
    "inflection",
    "long_valley",
    "plateau",
    "quadratic",
    "radford_saddle",
    "rastrigin",
    "rosenbrock",
    "saddle",
    "styblinski_tang",
]
