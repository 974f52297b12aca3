"""Surfaces given by a formula: those of the lectures and the known ones that optimizers are compared on.

Each function returns a new Surface with its domain, minima, start and source. Where a drawing is well known,
the domain and the start are its own, so that a reader can lay the two side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from course_utils.surfaces.surface import Surface


def quadratic(
    eigenvalues: tuple[float, float] = (1.0, 10.0),
    rotation: float = 0.0,
    *,
    minimum: tuple[float, float] = (0.0, 0.0),
    reach: float = 2.0,
) -> Surface:
    """Make the quadratic ½ (w − m)ᵀ H (w − m), whose Hessian H has these eigenvalues.

    Parameters
    ----------
    eigenvalues : (float, float)
        Curvatures along the two eigenvectors; one of each sign makes a saddle.
    rotation : float
        Angle in radians from the first axis to the first eigenvector.
    minimum : (float, float)
        The critical point m.
    reach : float
        Half the width of the domain.

    Returns
    -------
    Surface
    """
    first, second = (float(value) for value in eigenvalues)
    cosine, sine = math.cos(rotation), math.sin(rotation)
    x_middle, y_middle = (float(value) for value in minimum)

    def function(points: Any) -> Any:
        x, y = points[:, 0] - x_middle, points[:, 1] - y_middle
        return (first * (cosine * x + sine * y) ** 2 + second * (cosine * y - sine * x) ** 2) / 2

    return Surface(
        function,
        domain=((x_middle - reach, x_middle + reach), (y_middle - reach, y_middle + reach)),
        name=f"quadratic with eigenvalues {first:g} and {second:g}",
        minima=((x_middle, y_middle),) if min(first, second) > 0 else (),
        start=(x_middle - 0.9 * reach, y_middle + 0.7 * reach),
        source="second-order Taylor polynomial around a critical point",
    )


def d2l_quadratic() -> Surface:
    """Make 0.1 x² + 2 y², on which d2l compares step sizes 0.4 (slow along x) and 0.6 (diverges along y)."""

    def function(points: Any) -> Any:
        return 0.1 * points[:, 0] ** 2 + 2 * points[:, 1] ** 2

    return Surface(
        function,
        domain=((-5.5, 1.5), (-3.0, 3.0)),
        name="quadratic of d2l",
        minima=((0.0, 0.0),),
        start=(-5.0, -2.0),
        source="A. Zhang et al., Dive into Deep Learning (2023), section 12.6",
    )


def saddle(start: tuple[float, float] = (1.5, 0.3)) -> Surface:
    """Make x² − y², which has a saddle at the origin and no lower bound.

    Parameters
    ----------
    start : (float, float)
        Where a descent begins; the nearer to the ridge y = 0, the longer it stays at the saddle.

    Returns
    -------
    Surface
    """
    return Surface(
        lambda points: points[:, 0] ** 2 - points[:, 1] ** 2,
        domain=((-2.0, 2.0), (-2.0, 2.0)),
        name="saddle",
        start=start,
        source="the simplest polynomial with a saddle",
    )


def radford_saddle() -> Surface:
    """Make the saddle x² − y² with a start a thousandth off its ridge, so that symmetry has to be broken.

    Radford's animation came without a formula: this has what it shows, descent caught on the ridge for long.
    """
    made = saddle(start=(1.5, 0.001))
    return Surface(
        made.function,
        domain=made.domain,
        name="Radford's saddle",
        start=made.start,
        source="after A. Radford's animation (2014), which came without a formula: this one is the course's",
    )


def inflection(start: tuple[float, float] = (1.0, 1.0)) -> Surface:
    """Make x⁴/4 + x³/3 + 1/12 + y²/2: flat at x = 0, where its slope along x is x² (x + 1), lowest at x = −1.

    A descent from x > 0 meets the inflection, one from −1 < x < 0 does not.

    Parameters
    ----------
    start : (float, float)
        Where a descent begins, on the one or the other side.

    Returns
    -------
    Surface
    """

    def function(points: Any) -> Any:
        x, y = points[:, 0], points[:, 1]
        return x**4 / 4 + x**3 / 3 + 1 / 12 + y**2 / 2

    return Surface(
        function,
        domain=((-1.8, 1.4), (-1.4, 1.4)),
        name="inflection",
        minima=((-1.0, 0.0),),
        start=start,
        source="the course's: the simplest polynomial with an inflection and a minimum of 0",
    )


def plateau(start: tuple[float, float] = (-2.5, 1.5)) -> Surface:
    """Make 1 − exp(−(x² + y²)/2): a well in a plain whose slope falls faster than exponentially outwards.

    Parameters
    ----------
    start : (float, float)
        Where a descent begins; the farther out, the longer it takes.

    Returns
    -------
    Surface
    """

    def function(points: Any) -> Any:
        import keras

        return 1 - keras.ops.exp(-(points[:, 0] ** 2 + points[:, 1] ** 2) / 2)

    return Surface(
        function,
        domain=((-4.0, 4.0), (-4.0, 4.0)),
        name="plateau",
        minima=((0.0, 0.0),),
        start=start,
        source="the course's: a Gaussian upside down",
    )


def rosenbrock(a: float = 1.0, b: float = 100.0) -> Surface:
    """Make Rosenbrock's curved valley (a − x)² + b (y − x²)².

    Parameters
    ----------
    a : float
        The minimum lies at (a, a²).
    b : float
        Steepness of the walls.

    Returns
    -------
    Surface

    Raises
    ------
    ValueError
        If b is not positive: there would be no valley.
    """
    if not b > 0:
        raise ValueError(f"Rosenbrock's b must be positive, not {b!r}: without walls there is no valley")
    a, b = float(a), float(b)

    def function(points: Any) -> Any:
        x, y = points[:, 0], points[:, 1]
        return (a - x) ** 2 + b * (y - x**2) ** 2

    reach = max(2.0, 1.5 * abs(a))
    return Surface(
        function,
        domain=((-reach, reach), (-1.0, max(3.0, 1.5 * a**2))),
        name="Rosenbrock's valley",
        minima=((a, a**2),),
        start=(-2.0, 2.0),
        source="H. Rosenbrock (1960), doi:10.1093/comjnl/3.3.175; domain and start of pytorch-optimizer",
    )


def beale() -> Surface:
    """Make Beale's function (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)².

    It spans five decades: draw it with ``log=True``.
    """

    def function(points: Any) -> Any:
        x, y = points[:, 0], points[:, 1]
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

    return Surface(
        function,
        domain=((-4.5, 4.5), (-4.5, 4.5)),
        name="Beale's function",
        minima=((3.0, 0.5),),
        start=(3.0, 4.0),
        source="E. Beale (1958); J. Moré et al. (1981), doi:10.1145/355934.355936, problem 5; "
        "domain and start of L. Tiao's animation (2016)",
    )


def himmelblau() -> Surface:
    """Make Himmelblau's function (x² + y − 11)² + (x + y² − 7)² with its four equal minima."""

    def function(points: Any) -> Any:
        x, y = points[:, 0], points[:, 1]
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    return Surface(
        function,
        domain=((-5.0, 5.0), (-5.0, 5.0)),
        name="Himmelblau's function",
        minima=(
            (3.0, 2.0),
            (-2.805118086953, 3.131312518250),
            (-3.779310253378, -3.283185991286),
            (3.584428340330, -1.848126526964),
        ),
        start=(0.0, 0.0),
        source="D. Himmelblau, Applied Nonlinear Programming (1972)",
    )


def rastrigin() -> Surface:
    """Make Rastrigin's function 20 + x² − 10 cos 2πx + y² − 10 cos 2πy.

    It has a local minimum near every pair of whole numbers; the global one, at the origin, is listed.
    """

    def function(points: Any) -> Any:
        import keras

        x, y = points[:, 0], points[:, 1]
        waves = keras.ops.cos(2 * math.pi * x) + keras.ops.cos(2 * math.pi * y)
        return 20 + x**2 + y**2 - 10 * waves

    return Surface(
        function,
        domain=((-4.5, 4.5), (-4.5, 4.5)),
        name="Rastrigin's function",
        minima=((0.0, 0.0),),
        start=(-2.0, 3.5),
        source="L. Rastrigin, Systems of extremal control (1974); domain and start of pytorch-optimizer",
    )


def long_valley(start: tuple[float, float] = (0.05, 0.8)) -> Surface:
    """Make (x² − 4)²/64 + 4 y²: a valley 32 times steeper across than along, with a low pass at the origin.

    The curvature across is 8, along it at the pass −1/4: descent swings across the valley while its way along
    it, to either side, is almost flat. The minima are (±2, 0).

    Parameters
    ----------
    start : (float, float)
        Where a descent begins, by default on the wall near the pass.

    Returns
    -------
    Surface
    """

    def function(points: Any) -> Any:
        x, y = points[:, 0], points[:, 1]
        return (x**2 - 4) ** 2 / 64 + 4 * y**2

    return Surface(
        function,
        domain=((-3.0, 3.0), (-1.0, 1.0)),
        name="long valley",
        minima=((-2.0, 0.0), (2.0, 0.0)),
        start=start,
        source="after A. Radford's animation (2014), which came without a formula: this one is the course's",
    )


def styblinski_tang() -> Surface:
    """Make Styblinski and Tang's function ½ Σ (w⁴ − 16 w² + 5 w).

    Its lowest loss is −78.332; three local minima, where one or both weights are 2.7468, are not listed.
    """

    def function(points: Any) -> Any:
        import keras

        return keras.ops.sum(points**4 - 16 * points**2 + 5 * points, axis=1) / 2

    return Surface(
        function,
        domain=((-5.0, 5.0), (-5.0, 5.0)),
        name="Styblinski and Tang's function",
        minima=((-2.903534027771, -2.903534027771),),
        start=(4.5, 1.0),
        source="M. Styblinski, T. Tang (1990), doi:10.1016/0893-6080(90)90029-K",
    )


def distill_momentum() -> Surface:
    """Make (1 − x)² + 20 (3y − x²)², the opening example of Distill's article on momentum.

    There the step is 0.003 and the momentum 0.74 at first.
    """

    def function(points: Any) -> Any:
        x, y = points[:, 0], points[:, 1]
        return (1 - x) ** 2 + 20 * (3 * y - x**2) ** 2

    return Surface(
        function,
        domain=((-2.0, 2.0), (-0.3, 1.1)),
        name="Distill's valley",
        minima=((1.0, 1 / 3),),
        start=(-1.21, 0.853),
        source="G. Goh, Why momentum really works (2017), doi:10.23915/distill.00006",
    )


#: Every surface with its usual settings: ``CATALOGUE["beale"]()``.
CATALOGUE: dict[str, Callable[[], Surface]] = {
    make.__name__: make
    for make in (
        quadratic,
        d2l_quadratic,
        saddle,
        radford_saddle,
        inflection,
        plateau,
        long_valley,
        rosenbrock,
        beale,
        himmelblau,
        rastrigin,
        styblinski_tang,
        distill_momentum,
    )
}
