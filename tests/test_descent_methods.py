"""Methods: what theory says of them on quadratics, and the same ends as SciPy's."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize

from course_utils import CourseError
from course_utils.descent import FunctionProblem, ModelProblem, minimise
from course_utils.descent.evaluation import KINDS, Evaluation
from course_utils.descent.quasi_newton import bfgs_update, dfp_update, two_loops
from course_utils.surfaces import Surface


def quadratic(eigenvalues, seed=0):
    """Return the problem ½ wᵀ H w − bᵀ w, and its H and b."""
    numbers = np.random.default_rng(seed)
    size = len(eigenvalues)
    axes = np.linalg.qr(numbers.normal(size=(size, size)))[0]
    matrix, vector = axes @ np.diag(eigenvalues) @ axes.T, numbers.normal(size=size)

    def function(weights):
        return tf.tensordot(weights, tf.linalg.matvec(matrix, weights) / 2 - vector, 1)

    return FunctionProblem(function, size, numbers.normal(size=size)), matrix, vector


QUADRATICS = {size: quadratic(np.linspace(1, 3 * size, size), size) for size in range(2, 7)}
#: ½ Σ λ w² with three distinct eigenvalues among six.
CURVATURES = np.array([1.0, 1.0, 4.0, 4.0, 4.0, 9.0])
THREE = FunctionProblem(lambda weights: tf.reduce_sum(CURVATURES * weights**2) / 2, 6, np.arange(1.0, 7.0))
ROSENBROCK = Surface(
    lambda points: (1 - points[:, 0]) ** 2 + 100 * (points[:, 1] - points[:, 0] ** 2) ** 2,
    ((-2, 2), (-1, 3)),
    start=(-1.2, 1.0),
)
BEALE = Surface(
    lambda points: sum(
        (value - points[:, 0] * (1 - points[:, 1] ** power)) ** 2
        for power, value in ((1, 1.5), (2, 2.25), (3, 2.625))
    ),
    ((-4.5, 4.5), (-4.5, 4.5)),
    start=(1.0, 1.5),
)
#: Curved differently along both axes, with a saddle at 0 and minima at (±1, 0).
SADDLE = FunctionProblem(lambda weights: weights[0] ** 4 / 4 - weights[0] ** 2 / 2 + weights[1] ** 2, 2)


@pytest.fixture(scope="module")
def fit():
    """Return one neuron on noisy data as a problem: five weights, and a least loss that is not 0."""
    keras.utils.set_random_seed(1)
    numbers = np.random.default_rng(1)
    inputs = numbers.uniform(-1, 1, (20, 2))
    labels = np.tanh(inputs @ [[1.5], [-1.0]] + 0.5) + 0.1 * numbers.normal(size=(20, 1))
    layers = [keras.layers.Dense(1, "tanh", dtype="float64"), keras.layers.Dense(1, dtype="float64")]
    model = keras.Sequential([keras.layers.Input((2,), dtype="float64"), *layers])
    return ModelProblem(model, inputs, labels, "mse")


@pytest.mark.parametrize("size", [2, 5])
def test_newton_solves_a_quadratic_in_one_step(size):
    problem, matrix, vector = QUADRATICS[size]
    path = minimise(problem, "newton", tolerance=1e-9)
    assert (len(path), path.converged) == (1, True)
    np.testing.assert_allclose(path.end, np.linalg.solve(matrix, vector), atol=1e-12)
    assert path.evaluations == {"loss": 2, "gradient": 2, "hessian": 1, "jacobian": 0, "hessian_vector": 0}
    assert path.message == "the gradient is within the tolerance after 1 step"
    assert path.trace["gradient_norm"][0] == pytest.approx(np.abs(problem.gradient(path.start)).max())


def test_damping_shortens_newtons_step():
    problem, matrix, vector = QUADRATICS[3]
    path = minimise(problem, "newton", steps=2, damping=5.0)
    point = path.start
    for reached in path.points[1:]:
        point = point + np.linalg.solve(matrix + 5 * np.eye(3), vector - matrix @ point)
        np.testing.assert_allclose(reached, point, rtol=1e-10)


def test_newton_goes_to_a_saddle_and_newton_cg_to_a_minimum():
    start = (0.3, 0.5)
    assert np.abs(minimise(SADDLE, "newton", start, tolerance=1e-10).end).max() < 1e-10
    path = minimise(SADDLE, "newton-cg", start, tolerance=1e-10)
    np.testing.assert_allclose(path.end, [1, 0], atol=1e-10)
    assert (np.diff(path.losses) <= 0).all()
    stuck = minimise(SADDLE, "newton", (0.3, 0.0), line_search="wolfe")
    assert len(stuck) == 0
    assert "does not lead downhill (the Hessian has negative eigenvalues)" in stuck.message
    flat = minimise(FunctionProblem(lambda weights: weights[0], 2), "newton", (1.0, 1.0))
    assert (len(flat), flat.converged) == (0, False)
    assert flat.message == "the Hessian is singular: there is no Newton step; give damping"


@pytest.mark.parametrize("search", ["exact", "armijo", "wolfe"])
def test_newton_with_a_line_search_takes_whole_steps_near_the_minimum(search):
    path = minimise(ROSENBROCK, "newton", steps=60, tolerance=1e-9, line_search=search)
    assert path.converged
    np.testing.assert_allclose(path.end, 1, atol=1e-8)
    assert (np.diff(path.losses) < 0).all()
    if search != "exact":
        assert path.trace["step_length"].min() < 1
        assert path.trace["step_length"][-1] == 1


def test_newton_cg_solves_only_as_well_as_it_must():
    problem, matrix, vector = QUADRATICS[6]
    path = minimise(problem, "newton-cg", steps=4, line_search="exact")
    for index, products in enumerate(path.trace["inner_steps"]):
        gradient = matrix @ path.points[index] - vector
        size = np.linalg.norm(gradient)
        direction = np.diff(path.points, axis=0)[index] / path.trace["step_length"][index]
        assert np.linalg.norm(matrix @ direction + gradient) <= min(0.5, np.sqrt(size)) * size * (1 + 1e-9)
        # One inner step less would not do.
        basis = np.stack(
            [np.linalg.matrix_power(matrix, k) @ gradient for k in range(products - 1)] or [0 * gradient]
        )
        best = basis.T @ np.linalg.lstsq(basis @ matrix @ basis.T, -basis @ gradient, rcond=None)[0]
        assert np.linalg.norm(matrix @ best + gradient) > min(0.5, np.sqrt(size)) * size
    assert minimise(problem, "newton-cg", steps=1, inner_steps=1).evaluations["hessian_vector"] == 1


@pytest.mark.parametrize("method", ["dfp", "bfgs"])
@pytest.mark.parametrize("size", QUADRATICS)
def test_the_inverse_hessian_is_found_in_n_exact_steps(method, size):
    problem, matrix, vector = QUADRATICS[size]
    path = minimise(problem, method, steps=size, line_search="exact", keep=True)
    assert len(path) == size
    np.testing.assert_allclose(path.trace["inverse_hessian"], np.linalg.inv(matrix), atol=1e-9)
    np.testing.assert_allclose(path.end, np.linalg.solve(matrix, vector), atol=1e-9)
    inverses = path.trace["inverse_hessians"]
    assert inverses.shape == (size + 1, size, size)
    np.testing.assert_array_equal(inverses[0], np.eye(size))
    np.testing.assert_array_equal(inverses[-1], path.trace["inverse_hessian"])
    for step, inverse, before, secant in zip(
        np.diff(path.points, axis=0), inverses[1:], inverses, path.trace["secant"], strict=False
    ):
        np.testing.assert_allclose(inverse @ matrix @ step, step, atol=1e-9)
        assert np.linalg.eigvalsh(inverse).min() > 0
        update = {"dfp": dfp_update, "bfgs": bfgs_update}[method]
        np.testing.assert_allclose(inverse, update(before, step, matrix @ step), atol=1e-9)
        assert secant == pytest.approx(step @ matrix @ step)


def test_the_updates_are_the_formulas():
    numbers = np.random.default_rng(4)
    root, step, change = numbers.normal(size=(3, 3)), numbers.normal(size=3), numbers.normal(size=3)
    inverse, change = root @ root.T, change * np.sign(change @ step)
    rho, unit = 1 / (change @ step), np.eye(3)
    bfgs = (unit - rho * np.outer(step, change)) @ inverse @ (unit - rho * np.outer(change, step))
    np.testing.assert_allclose(bfgs_update(inverse, step, change), bfgs + rho * np.outer(step, step))
    # DFP is BFGS of the Hessian, with step and change exchanged.
    dual = np.linalg.inv(bfgs_update(np.linalg.inv(inverse), change, step))
    np.testing.assert_allclose(dfp_update(inverse, step, change), dual, rtol=1e-8)


def test_two_loops_give_what_bfgs_would_from_the_same_pairs():
    numbers = np.random.default_rng(5)
    pairs = [(step, 2 * step + 0.3 * numbers.normal(size=4)) for step in numbers.normal(size=(3, 4))]
    newest, change = pairs[-1]
    inverse = np.eye(4) * (newest @ change) / (change @ change)
    for pair in pairs:
        inverse = bfgs_update(inverse, *pair)
    gradient = numbers.normal(size=4)
    np.testing.assert_allclose(two_loops(gradient, pairs), inverse @ gradient)
    np.testing.assert_array_equal(two_loops(gradient, []), gradient)


def test_memory_is_the_number_of_pairs():
    paths = [minimise(ROSENBROCK, "lbfgs", steps=12, memory=memory) for memory in (1, 11, 12)]
    np.testing.assert_array_equal(paths[1].points, paths[2].points)
    np.testing.assert_array_equal(paths[0].points[:3], paths[1].points[:3])
    assert np.abs(paths[0].points[3] - paths[1].points[3]).max() > 1e-6
    five = minimise(ROSENBROCK, "lbfgs", steps=12, memory=5)
    equal = (five.points == paths[2].points).all(axis=1)
    assert equal[:7].all()
    assert not equal[7]


def test_a_scaled_start_of_the_inverse_hessian():
    problem, matrix, _ = QUADRATICS[4]
    path = minimise(problem, "bfgs", steps=2, scaled=True, keep=True)
    step = path.points[1] - path.points[0]
    change = matrix @ step
    scale = (step @ change) / (change @ change)
    expected = [bfgs_update(scale * np.eye(4), step, change)]
    step = path.points[2] - path.points[1]
    expected.append(bfgs_update(expected[0], step, matrix @ step))
    np.testing.assert_allclose(path.trace["inverse_hessians"][1:], expected, atol=1e-10)
    plain = minimise(problem, "bfgs", steps=1)
    expected = bfgs_update(np.eye(4), plain.end - plain.start, matrix @ (plain.end - plain.start))
    np.testing.assert_allclose(plain.trace["inverse_hessian"], expected, atol=1e-10)


def test_a_pair_that_would_make_the_inverse_indefinite_is_left_out():
    hill = FunctionProblem(lambda weights: tf.cos(weights[0]), 1)
    path = minimise(hill, "bfgs", (0.1,), steps=1, line_search="armijo")
    assert path.trace["secant"][0] < 0
    assert path.trace["inverse_hessian"] == [[1.0]]
    assert minimise(hill, "lbfgs", (0.1,), steps=3, line_search="armijo").losses[-1] < path.losses[-1]


@pytest.mark.parametrize("beta", ["fletcher-reeves", "polak-ribiere"])
def test_conjugate_gradients_end_after_as_many_steps_as_there_are_eigenvalues(beta):
    for problem, count in ((THREE, 3), (QUADRATICS[5][0], 5)):
        path = minimise(problem, "cg", steps=20, tolerance=1e-9, beta=beta, line_search="exact")
        assert (len(path), path.converged) == (count, True)
        assert path.trace["gradient_norm"][-2] > 1e-3


@pytest.mark.parametrize("beta", ["fletcher-reeves", "polak-ribiere"])
@pytest.mark.parametrize("restart", [True, False])
def test_the_directions_are_those_of_the_formula(beta, restart):
    path = minimise(ROSENBROCK, "cg", steps=15, beta=beta, restart=restart)
    gradients = ROSENBROCK.gradient(path.points)
    directions = np.diff(path.points, axis=0) / path.trace["step_length"][:, np.newaxis]
    np.testing.assert_allclose(directions[0], -gradients[0], rtol=1e-9)
    assert path.trace["beta"][0] == 0
    for index in range(1, 15):
        old, new = gradients[index - 1 : index + 1]
        expected = new @ (new - old if beta == "polak-ribiere" else new) / (old @ old)
        if restart:
            expected = max(expected, 0)
        candidate = -new + expected * directions[index - 1]
        if candidate @ new >= 0:
            expected, candidate = 0, -new
        assert path.trace["beta"][index] == pytest.approx(expected, rel=1e-6, abs=1e-9)
        np.testing.assert_allclose(directions[index], candidate, rtol=1e-5, atol=1e-7)


def test_steepest_descent_is_as_slow_as_theory_says():
    condition = 10.0
    problem = FunctionProblem(lambda weights: (weights[0] ** 2 + condition * weights[1] ** 2) / 2, 2)
    path = minimise(problem, "steepest", (condition, 1.0), steps=8)
    share = ((condition - 1) / (condition + 1)) ** 2
    np.testing.assert_allclose(path.losses[1:] / path.losses[:-1], share, rtol=1e-9)
    np.testing.assert_allclose(path.trace["step_length"], 2 / (1 + condition), rtol=1e-9)
    assert path.evaluations == {"loss": 9, "gradient": 9, "hessian": 0, "jacobian": 0, "hessian_vector": 8}


@pytest.mark.parametrize("method", ["bfgs", "dfp", "lbfgs", "cg", "newton-cg", "steepest"])
@pytest.mark.parametrize("curvature", [0.9, 0.1])
def test_accepted_steps_fulfil_the_strong_wolfe_conditions(method, curvature):
    path = minimise(ROSENBROCK, method, steps=25, line_search="wolfe", curvature=curvature)
    lengths, gradients = path.trace["step_length"], ROSENBROCK.gradient(path.points)
    directions = np.diff(path.points, axis=0) / lengths[:, np.newaxis]
    before = np.sum(gradients[:-1] * directions, axis=1)
    after = np.sum(gradients[1:] * directions, axis=1)
    assert len(path) == 25
    assert (before < 0).all()
    assert (np.diff(path.losses) <= 1e-4 * lengths * before).all()
    assert (np.abs(after) <= curvature * np.abs(before) * (1 + 1e-6)).all()


ENDS = [("bfgs", "BFGS"), ("dfp", "BFGS"), ("lbfgs", "L-BFGS-B"), ("cg", "CG"), ("newton-cg", "Newton-CG")]


@pytest.mark.parametrize(("method", "name"), ENDS)
@pytest.mark.parametrize("surface", [ROSENBROCK, BEALE], ids=["Rosenbrock", "Beale"])
def test_searches_end_where_scipys_end(method, name, surface):
    path = minimise(surface, method, steps=300, tolerance=1e-9)
    assert path.converged
    function = Evaluation(surface).loss_and_gradient
    result = optimize.minimize(function, surface.start, jac=True, method=name, tol=1e-10)
    np.testing.assert_allclose(path.end, result.x, atol=1e-6)
    # Not many more gradients than SciPy's well-kept code takes.
    assert path.evaluations["gradient"] <= 1.5 * max(result.njev, result.nfev) + 10


@pytest.mark.parametrize(("method", "name"), ENDS)
def test_searches_on_a_model_end_where_scipys_end(fit, method, name):
    start = np.array([1.0, -0.5, 0.1, 0.5, 0.2])
    ours = minimise(fit, method, start, steps=1500, tolerance=1e-7)
    theirs = minimise(fit, f"scipy:{name}", start, steps=500, tolerance=1e-7)
    assert ours.converged
    assert ours.losses[-1] == pytest.approx(theirs.losses[-1], rel=1e-9)
    np.testing.assert_allclose(ours.end, theirs.end, atol=1e-4)


@pytest.mark.parametrize("schedule", ["gain", "tenfold"])
def test_levenberg_marquardt_ends_where_scipys_least_squares_end(fit, schedule):
    path = minimise(fit, "levenberg-marquardt", steps=100, tolerance=1e-11, schedule=schedule)
    result = optimize.least_squares(
        fit.residuals,
        fit.start,
        fit.jacobian,
        method="lm",
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
    )
    assert path.losses[-1] == pytest.approx(2 * result.cost / 20, rel=1e-9)
    np.testing.assert_allclose(path.end, result.x, rtol=1e-4)
    assert path.evaluations["jacobian"] == len(path) + 1
    assert path.evaluations["loss"] >= len(path) + 1 + path.trace["rejected"].sum()
    assert path.evaluations["gradient"] == 0


RESIDUALS = FunctionProblem(
    None,
    2,
    (-1.2, 1.0),
    residuals=lambda weights: tf.stack([1 - weights[0], 10 * (weights[1] - weights[0] ** 2)]),
)


def test_the_damping_follows_the_gain():
    path = minimise(RESIDUALS, "levenberg-marquardt", steps=15, damping=1e-2)
    jacobian, residuals = RESIDUALS.jacobian(path.start), RESIDUALS.residuals(path.start)
    expected = 1e-2 * np.diag(jacobian.T @ jacobian).max()
    assert path.losses[0] == pytest.approx(np.mean(residuals**2))
    assert path.trace["rejected"].max() > 0
    for index, (damping, rejected) in enumerate(
        zip(path.trace["damping"], path.trace["rejected"], strict=True)
    ):
        expected *= 2.0 ** (rejected * (rejected + 1) / 2)
        assert damping == pytest.approx(expected, rel=1e-6)
        jacobian, residuals = RESIDUALS.jacobian(path.points[index]), RESIDUALS.residuals(path.points[index])
        slope = jacobian.T @ residuals
        assert path.trace["gradient_norm"][index] == pytest.approx(np.abs(slope).max())
        step = np.linalg.solve(jacobian.T @ jacobian + damping * np.eye(2), -slope)
        np.testing.assert_allclose(path.points[index + 1], path.points[index] + step, rtol=1e-7)
        linear = residuals + jacobian @ step
        # The model's decrease, with the damping term ½ μ |p|² in it as in algorithm 3.16.
        predicted = residuals @ residuals - linear @ linear - damping * step @ step + damping * step @ step
        gain = (path.losses[index] - path.losses[index + 1]) * len(residuals) / predicted
        expected = damping * max(1 / 3, 1 - (2 * gain - 1) ** 3)


def test_the_tenfold_damping_rises_and_falls_by_ten():
    path = minimise(RESIDUALS, "levenberg-marquardt", steps=15, schedule="tenfold", damping=1e-4)
    damping, rejected = path.trace["damping"], path.trace["rejected"]
    assert rejected.max() > 0
    assert damping[0] == pytest.approx(1e-4 * 10.0 ** rejected[0])
    np.testing.assert_allclose(damping[1:], damping[:-1] * 10.0 ** (rejected[1:] - 1))


@pytest.mark.parametrize("method", ["Nelder-Mead", "Powell", "TNC", "SLSQP", "trust-ncg", "trust-exact"])
def test_scipys_methods_leave_a_path_too(method):
    path = minimise(ROSENBROCK, f"scipy:{method}", steps=200, tolerance=1e-10)
    np.testing.assert_allclose(path.end, 1, atol=1e-2)
    np.testing.assert_allclose(path.losses, ROSENBROCK(path.points), rtol=1e-9, atol=1e-25)
    assert path.label == f"scipy:{method}"
    assert (path.evaluations["hessian"] > 0) == (method == "trust-exact")
    assert (path.evaluations["hessian_vector"] > 0) == (method == "trust-ncg")
    assert (path.evaluations["gradient"] > 0) == (method not in ("Nelder-Mead", "Powell"))
    assert np.array_equal(path.start, ROSENBROCK.start)


def test_scipys_path_is_scipys():
    expected = [np.array(ROSENBROCK.start)]
    result = optimize.minimize(
        Evaluation(ROSENBROCK).loss_and_gradient,
        ROSENBROCK.start,
        jac=True,
        method="BFGS",
        callback=lambda point: expected.append(point.copy()),
        options={"gtol": 1e-6},
    )
    path = minimise(ROSENBROCK, "SciPy:bfgs", steps=200, tolerance=1e-6)
    np.testing.assert_allclose(path.points, expected, rtol=1e-6)
    assert path.evaluations["gradient"] == path.evaluations["loss"] == result.njev
    short = minimise(ROSENBROCK, "scipy:BFGS", steps=5)
    np.testing.assert_array_equal(short.points, path.points[:6])
    assert short.message == "all 5 steps taken"
    simplex = minimise(ROSENBROCK, "scipy:Nelder-Mead", steps=500, tolerance=1e-8)
    assert (simplex.converged, simplex.message) == (True, "Optimization terminated successfully.")


def counting():
    """Return a problem, and how often its function ran forwards and backwards."""
    made = {"forwards": 0, "backwards": 0}

    def noted(name, function, weights):
        def run(values):
            made[name] += 1
            return function(values)

        return tf.numpy_function(run, [weights], tf.float64)

    @tf.custom_gradient
    def counted(weights):
        def gradient(upstream):
            slope = noted("backwards", lambda w: np.array([4 * w[0] ** 3, 2 * w[1]]), weights)
            return upstream * tf.ensure_shape(slope, (2,))

        return tf.ensure_shape(noted("forwards", lambda w: w[0] ** 4 + w[1] ** 2, weights), ()), gradient

    return FunctionProblem(counted, 2, (1.0, 2.0)), made


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("bfgs", {}),
        ("lbfgs", {}),
        ("cg", {"curvature": 0.01}),
        ("bfgs", {"line_search": "armijo"}),
        ("steepest", {"line_search": "armijo"}),
        ("scipy:BFGS", {}),
        ("scipy:L-BFGS-B", {}),
        ("scipy:Nelder-Mead", {}),
        ("scipy:Powell", {}),
    ],
)
def test_the_evaluations_are_those_that_were_made(method, options):
    problem, made = counting()
    path = minimise(problem, method, steps=80, tolerance=1e-3, **options)
    assert path.converged
    assert path.evaluations["gradient"] == made["backwards"]
    # Armijo's search computes the accepted point's gradient in a pass of its own.
    extra = len(path) if "armijo" in options.values() else 0
    assert path.evaluations["loss"] + extra == made["forwards"]


@pytest.mark.parametrize("method", ["newton", "newton-cg", "steepest", "levenberg-marquardt"])
def test_calls_of_every_kind_are_counted(monkeypatch, method):
    problem = FunctionProblem(
        None, 2, (1.0, 2.0), residuals=lambda w: tf.stack([w[0] ** 2, w[1], w[0] * w[1]])
    )
    made = dict.fromkeys(KINDS, 0)
    functions = Evaluation(problem).functions

    def spy(name, *kinds):
        plain = getattr(functions, name)

        def noted(*arguments):
            for kind in kinds:
                made[kind] += 1
            return plain(*arguments)

        monkeypatch.setattr(functions, name, noted)

    for name in ("loss", "hessian", "hessian_vector", "jacobian"):
        spy(name, name)
    spy("loss_and_gradient", "loss", "gradient")
    path = minimise(problem, method, steps=6)
    if method == "levenberg-marquardt":
        assert path.evaluations["loss"] == 1 + 6 + path.trace["rejected"].sum()
        made["loss"] = path.evaluations["loss"]
    assert path.evaluations == made
    assert made[{"newton": "hessian", "levenberg-marquardt": "jacobian"}.get(method, "hessian_vector")] >= 6
    for kind in KINDS:
        assert len(path.work[kind]) == 7
        assert (np.diff(path.work[kind]) >= 0).all()
        assert path.work[kind][-1] == path.evaluations[kind]
    assert path.work["loss"][0] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "bfsg"}, "no method 'bfsg': use a Keras optimizer .* steepest, newton, .*scipy:BFGS"),
        ({"method": "scipy:bfsg"}, "no method 'scipy:bfsg'"),
        ({"method": 3}, "must be a Keras optimizer or its name, not int"),
        (
            {"memory": 3},
            "bfgs has no option 'memory'; it takes line_search, scaled, keep, decrease, curvature",
        ),
        ({"method": "lbfgs", "memory": 0}, "memory must be a whole number of at least 1, not 0"),
        ({"method": "scipy:BFGS", "memory": 3}, "scipy:BFGS does not take this option. .*memory"),
        ({"line_search": "best"}, "line_search must be one of 'exact', 'armijo', 'wolfe', not 'best'"),
        ({"method": "newton", "line_search": "best"}, "line_search must be one of"),
        ({"method": "newton", "damping": -1.0}, "damping must be a number of at least 0, not -1.0"),
        ({"method": "newton-cg", "inner_steps": 0}, "inner_steps must be a whole number"),
        ({"method": "cg", "beta": "hestenes"}, "beta must be one of 'fletcher-reeves', 'polak-ribiere'"),
        ({"decrease": 0.95}, "curvature must be a number between 0.95 and 1, not 0.9"),
        ({"curvature": 1.0}, "curvature must be a number between 0.0001 and 1, not 1.0"),
        ({"decrease": 0}, "decrease must be a number between 0 and 1, not 0"),
        ({"method": "levenberg-marquardt"}, "levenberg-marquardt needs residuals, .* but it is a surface"),
        ({"problem": THREE, "method": "levenberg-marquardt"}, "its loss is not given as a mean of squares"),
        ({"problem": RESIDUALS, "method": "levenberg-marquardt", "damping": 0}, "damping .* above 0, not 0"),
        (
            {"problem": RESIDUALS, "method": "levenberg-marquardt", "schedule": "slow"},
            "schedule must be one of",
        ),
        ({"problem": np.sin}, "what to descend is a Surface, a ModelProblem or a FunctionProblem, not ufunc"),
        ({"problem": SADDLE}, r"no start of its own: give a start, a pair of numbers \(x, y\)"),
        ({"problem": THREE, "start": (1.0, 2.0)}, "a start is a vector of 6 numbers, not 2 of them"),
        ({"problem": THREE, "start": [1, 2, 3, 4, np.inf, 6]}, "start must be finite, not component 4"),
        ({"start": (5.0, 0.0)}, r"the start \(5.0, 0.0\) lies outside the surface's domain"),
        ({"start": "ab"}, r"a start is a pair of numbers \(x, y\), not 'ab'"),
        ({"steps": 0}, "steps must be a whole number of at least 1, not 0"),
        ({"steps": True}, "steps must be a whole number of at least 1, not True"),
        ({"tolerance": -1e-3}, "tolerance must be a number of at least 0, not -0.001"),
        ({"tolerance": "small"}, "tolerance must be a number of at least 0, not 'small'"),
        ({"method": keras.optimizers.SGD(), "tolerance": 1e-3}, "give it without tolerance and options"),
        ({"method": keras.optimizers.SGD(), "memory": 1}, "give it without tolerance and options"),
    ],
)
def test_wrong_arguments_are_named_before_work_starts(change, message):
    with pytest.raises(CourseError, match=message):
        minimise(**({"problem": ROSENBROCK, "method": "bfgs"} | change))


def test_a_keras_optimizer_serves_as_a_method():
    path = minimise(THREE, keras.optimizers.SGD(0.1), steps=10, label="plain")
    np.testing.assert_allclose(path.end, THREE.start * (1 - 0.1 * CURVATURES) ** 10, rtol=1e-5)
    assert (path.label, path.points.dtype, len(path)) == ("plain", "float64", 10)
    assert minimise(ROSENBROCK, keras.optimizers.SGD(1e-4), steps=1).points.dtype == "float64"


LOGARITHM = FunctionProblem(lambda weights: tf.reduce_sum(weights - tf.math.log(weights)), 1)


def test_a_loss_that_is_no_number_ends_the_search_and_is_kept():
    path = minimise(LOGARITHM, "newton", (3.0,))
    np.testing.assert_allclose(path.points, [[3.0], [-3.0]])
    assert np.isnan(path.losses[1])
    assert path.message == "the loss or the point is not finite after 1 step"
    assert (path.diverged, path.converged) == (True, False)
    path = minimise(LOGARITHM, "bfgs", (-3.0,))
    assert (len(path), path.diverged) == (0, True)
    assert path.message == "the loss or the point is not finite after 0 steps"
    path = minimise(LOGARITHM, "scipy:trust-ncg", (-3.0,))
    assert path.message == "the loss or the point is not finite after 0 steps"


@pytest.mark.parametrize("search", ["exact", "armijo", "wolfe"])
def test_trials_that_are_no_numbers_only_shorten_the_step(search):
    path = minimise(LOGARITHM, "newton", (3.0,), line_search=search, tolerance=1e-9)
    assert path.converged
    np.testing.assert_allclose(path.end, 1)
    assert np.isfinite(path.losses).all()


def test_an_interruption_keeps_the_steps_so_far(monkeypatch, capsys):
    whole, plain = minimise(ROSENBROCK, "bfgs", steps=20), Evaluation.loss_and_gradient

    def interrupted(self, point):
        if self.counts["loss"] == whole.work["loss"][7]:
            raise KeyboardInterrupt
        return plain(self, point)

    monkeypatch.setattr(Evaluation, "loss_and_gradient", interrupted)
    for method in ("bfgs", "scipy:CG"):
        path = minimise(ROSENBROCK, method, steps=20)
        assert path.message == f"interrupted after {len(path)} steps"
        assert f"interrupted after {len(path)} steps; the path so far is kept." in capsys.readouterr().out
        if method == "bfgs":
            np.testing.assert_array_equal(path.points, whole.points[:8])
    monkeypatch.setattr(Evaluation, "loss_and_gradient", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        minimise(ROSENBROCK, "bfgs")


def test_long_searches_show_their_progress(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    minimise(THREE, "steepest", steps=200, tolerance=1e-9, label="slow way")
    assert "slow way" in capsys.readouterr().err
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    minimise(THREE, "steepest", steps=200, tolerance=1e-9)
    assert capsys.readouterr().err == ""


def test_a_search_that_can_go_no_further_says_so():
    path = minimise(ROSENBROCK, "bfgs", steps=500)
    assert "as low as rounding allows" in path.message or path.converged
    assert path.losses[-1] < 1e-18
    slope = FunctionProblem(lambda weights: weights[0] - weights[1], 2, (0.0, 0.0))
    for search in ("exact", "wolfe"):
        path = minimise(slope, "steepest", line_search=search)
        assert (len(path), path.message) == (0, "the loss falls without end along the direction")
