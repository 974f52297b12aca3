"""The surfaces given by a formula: values worked out by hand, minima, starts."""

import math

import numpy as np
import pytest

from course_utils import surfaces

# A point that is no minimum and the loss there, worked out by hand.
BY_HAND = {
    "quadratic": ((1.0, 2.0), 0.5 + 20),
    "d2l_quadratic": ((-5.0, -2.0), 2.5 + 8),
    "saddle": ((3.0, 2.0), 9 - 4),
    "radford_saddle": ((1.0, 2.0), 1 - 4),
    "inflection": ((2.0, 3.0), 4 + 8 / 3 + 1 / 12 + 4.5),
    "plateau": ((1.0, 1.0), 1 - 1 / math.e),
    "long_valley": ((1.0, 2.0), 9 / 64 + 16),
    "rosenbrock": ((2.0, 3.0), 1 + 100),
    "beale": ((1.0, 2.0), 2.5**2 + 5.25**2 + 9.625**2),
    "himmelblau": ((1.0, 2.0), 64 + 4),
    "rastrigin": ((0.5, 1.0), 20 + 0.25 + 1 + 10 - 10),
    "styblinski_tang": ((1.0, 2.0), ((1 - 16 + 5) + (16 - 64 + 10)) / 2),
    "distill_momentum": ((2.0, 1.0), 1 + 20),
}
LOWEST = dict.fromkeys(BY_HAND, 0.0) | {"styblinski_tang": -78.3323314075}
WITHOUT_MINIMUM = {"saddle", "radford_saddle"}


def test_the_catalogue_lists_every_function():
    made = set(surfaces.__all__) - {"CATALOGUE", "Surface"}
    assert set(surfaces.CATALOGUE) == made == set(BY_HAND)


@pytest.mark.parametrize("name", surfaces.CATALOGUE)
def test_values_are_those_of_the_formula(name):
    point, loss = BY_HAND[name]
    assert surfaces.CATALOGUE[name]()(np.array(point)) == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("name", sorted(set(BY_HAND) - WITHOUT_MINIMUM))
def test_minima_are_flat_lowest_and_curved_upwards(name):
    surface = surfaces.CATALOGUE[name]()
    minima = np.array(surface.minima)
    assert len(minima) == {"himmelblau": 4, "long_valley": 2}.get(name, 1)
    assert len(np.unique(minima.round(6), axis=0)) == len(minima)
    np.testing.assert_allclose(surface(minima), LOWEST[name], atol=1e-9)
    np.testing.assert_allclose(surface.gradient(minima), 0, atol=1e-9)
    assert np.linalg.eigvalsh(surface.hessian(minima)).min() > 0
    assert surface.grid(101, dtype="float64")[2].min() >= LOWEST[name] - 1e-9
    assert all(surface.contains(point) for point in minima)


@pytest.mark.parametrize("name", sorted(WITHOUT_MINIMUM))
def test_a_saddle_is_flat_and_curved_both_ways(name):
    surface = surfaces.CATALOGUE[name]()
    assert surface.minima == ()
    np.testing.assert_array_equal(surface.gradient(np.zeros(2)), 0)
    np.testing.assert_allclose(surface.hessian(np.zeros(2)), [[2, 0], [0, -2]])


def test_starts_and_domains_are_those_of_the_known_drawings():
    known = {
        "beale": ((3.0, 4.0), ((-4.5, 4.5), (-4.5, 4.5))),
        "rosenbrock": ((-2.0, 2.0), ((-2.0, 2.0), (-1.0, 3.0))),
        "rastrigin": ((-2.0, 3.5), ((-4.5, 4.5), (-4.5, 4.5))),
        "distill_momentum": ((-1.21, 0.853), ((-2.0, 2.0), (-0.3, 1.1))),
    }
    for name, (start, domain) in known.items():
        surface = surfaces.CATALOGUE[name]()
        assert (tuple(surface.start), surface.domain) == (start, domain)
    assert tuple(surfaces.d2l_quadratic().start) == (-5.0, -2.0)
    assert 0 < surfaces.radford_saddle().start[1] <= 0.001 < surfaces.saddle().start[1]


def test_every_surface_has_a_name_a_source_and_a_start_where_the_slope_is_not_zero():
    made = [make() for make in surfaces.CATALOGUE.values()]
    assert len({surface.name for surface in made}) == len(made)
    for surface in made:
        assert surface.source
        assert np.linalg.norm(surface.gradient(np.array(surface.start, float))) > 1e-3
        assert surface.gradient(np.array(surface.start, "float32")).dtype == "float32"


def test_rosenbrock_follows_its_constants():
    surface = surfaces.rosenbrock(a=-3.0, b=2.0)
    assert surface.minima == ((-3.0, 9.0),)
    assert surface(np.array([1.0, 3.0])) == pytest.approx(16 + 8)
    assert surface.contains(surface.minima[0])
    with pytest.raises(ValueError, match="must be positive"):
        surfaces.rosenbrock(b=0)


def test_the_inflection_is_flat_between_two_falling_sides():
    surface = surfaces.inflection(start=(-0.5, 0.0))
    assert surface.start == (-0.5, 0.0)
    slopes = surface.gradient(np.array([[-0.5, 0.0], [0.0, 0.0], [0.5, 0.0], [-1.5, 0.0]]))[:, 0]
    np.testing.assert_allclose(slopes, [0.125, 0, 0.375, -1.125])


def test_the_long_valley_is_steep_across_and_nearly_flat_along():
    np.testing.assert_allclose(surfaces.long_valley().hessian(np.zeros(2)), [[-0.25, 0], [0, 8]])


def test_a_start_can_be_chosen():
    for make in (surfaces.saddle, surfaces.plateau, surfaces.long_valley):
        assert make(start=(0.4, 0.2)).start == (0.4, 0.2)
