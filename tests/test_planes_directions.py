"""Directions: norms of filters on the right axis, components of paths, eigenvectors."""

import keras
import numpy as np
import pytest

from course_utils import CourseError, planes
from course_utils.planes import curvature

L = keras.layers

# Layer, the shape of its input without the batch, and for each kernel the axes that count its filters.
KERNELS = {
    "dense": (L.Dense(3), (4,), {"kernel": (1,)}),
    "convolution": (L.Conv2D(3, 2), (4, 4, 2), {"kernel": (3,)}),
    "transposed": (L.Conv2DTranspose(3, 2), (4, 4, 2), {"kernel": (2,)}),
    "transposed 1-D": (L.Conv1DTranspose(3, 2), (4, 2), {"kernel": (1,)}),
    "depthwise": (L.DepthwiseConv2D(2, depth_multiplier=3), (4, 4, 2), {"kernel": (2, 3)}),
    "separable": (
        L.SeparableConv2D(3, 2, depth_multiplier=2),
        (4, 4, 2),
        {"depthwise_kernel": (2, 3), "pointwise_kernel": (3,)},
    ),
    "lstm": (L.LSTM(3), (4, 2), {"kernel": (1,), "recurrent_kernel": (1,)}),
    "gru": (L.GRU(3), (4, 2), {"kernel": (1,), "recurrent_kernel": (1,)}),
    "embedding": (L.Embedding(6, 3), (4,), {"embeddings": (0,)}),
    "attention": (L.EinsumDense("abc,cde->abde", (4, 3, 2)), (4, 5), {"kernel": (1, 2)}),
    "attention out": (L.EinsumDense("abcd,cde->abe", (4, 5)), (4, 3, 2), {"kernel": (2,)}),
}


@pytest.mark.parametrize("name", KERNELS)
def test_each_filter_has_the_norm_of_the_models_filter(name):
    layer, shape, kernels = KERNELS[name]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), type(layer).from_config(layer.get_config())])
    directions = planes.random_directions(model, 5)
    seen = set()
    for direction in directions:
        for variable, step in zip(model.trainable_variables, direction, strict=True):
            axes = kernels.get(variable.name)
            if axes is None:
                assert not step.any()
                continue
            seen.add(variable.name)
            others = tuple(axis for axis in range(step.ndim) if axis not in axes)
            wanted = np.sqrt(np.sum(variable.numpy().astype(float) ** 2, axis=others))
            found = np.sqrt(np.sum(step.astype(float) ** 2, axis=others))
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
            # Within a filter the numbers are not all of one size.
            assert np.std(np.abs(step / variable.numpy())) > 0.1
    assert seen == set(kernels)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    layers = [L.Dense(4, "tanh"), L.BatchNormalization(), L.Dense(2)]
    return keras.Sequential([keras.Input((3,)), *layers])


def test_biases_and_normalisation_stay_unless_asked_for(model):
    model.layers[0].bias.assign([3.0, 0, 4, 0])
    still = planes.random_directions(model, 1)
    moved = planes.random_directions(model, 1, biases=True)
    for variable, a, b in zip(model.trainable_variables, still.first, moved.first, strict=True):
        if variable.name == "kernel":
            assert a.any()
        else:
            assert not a.any()
            norm = np.linalg.norm(variable.numpy())
            assert np.linalg.norm(b) == pytest.approx(norm, rel=1e-5)
    assert np.linalg.norm(moved.first[1]) == pytest.approx(5)


def test_zero_weights_give_zero_directions_and_never_nan(model):
    kernel = model.layers[0].kernel.numpy()
    kernel[:, 2] = 0
    model.layers[0].kernel.assign(kernel)
    for kind in ("filter", "layer"):
        for direction in planes.random_directions(model, 0, kind, biases=True):
            assert all(np.isfinite(step).all() for step in direction)
        assert not direction[1].any()  # a bias of zeros
    assert not planes.random_directions(model, 0).first[0][:, 2].any()


def test_layer_normalisation_plain_gaussians_and_seeds(model):
    by_layer = planes.random_directions(model, 3, "layer")
    for direction in by_layer:
        for variable, step in zip(model.trainable_variables, direction, strict=True):
            if variable.name == "kernel":
                assert np.linalg.norm(step) == pytest.approx(np.linalg.norm(variable.numpy()), rel=1e-5)
    drawn = planes.random_directions(model, 3, None, biases=True)
    numbers = np.concatenate([np.ravel(step) for direction in drawn for step in direction])
    assert abs(numbers.mean()) < 0.4
    assert 0.7 < numbers.std() < 1.3
    same = planes.random_directions(model, 3, "layer")
    np.testing.assert_array_equal(same.second[0], by_layer.second[0])
    assert (
        np.abs(
            planes.random_directions(model, 4).first[0] - planes.random_directions(model, 3).first[0]
        ).max()
        > 0
    )
    assert np.abs(same.first[0] - same.second[0]).max() > 0
    with pytest.raises(ValueError, match="'filter', 'layer' or None, not 'row'"):
        planes.random_directions(model, 0, "row")


def test_weights_are_a_copy(model):
    copy = planes.weights(model)
    copy[0][:] = 7
    assert not (model.layers[0].kernel.numpy() == 7).any()
    with pytest.raises(CourseError, match="no weights yet"):
        planes.weights(keras.Sequential([L.Dense(2)]))


def test_between_three_models_lie_at_the_corners(model):
    first = model.get_weights()
    second, third = ([array + shift for array in first] for shift in (0.5, -0.25))
    third[0][0, 0] = 9
    found = planes.between(model, first, second, third)
    inputs, labels = np.random.default_rng(0).normal(size=(9, 3)), np.zeros((9, 2))
    plane = planes.Plane(model, inputs, labels, "mse", found)
    np.testing.assert_allclose(plane.project([first, second, third])[0], [[0, 0], [1, 0], [0, 1]], atol=1e-5)
    assert plane.minima == ((0, 0), (1, 0), (0, 1))
    assert plane.domain == ((-0.5, 1.5), (-0.5, 1.5))
    assert plane.axis_names == ("from first to second", "from first to third")


def test_between_two_models_the_other_axis_is_at_right_angles(model):
    first = planes.weights(model)
    second = [array + 0.3 for array in first]
    found = planes.between(model, first, second, seed=2)
    a, b = (np.concatenate([np.ravel(step) for step in direction]) for direction in found)
    np.testing.assert_allclose(a, 0.3, rtol=1e-5)
    assert abs(a @ b) < 1e-5 * np.linalg.norm(a) * np.linalg.norm(b)
    assert np.linalg.norm(b) > 0.5
    assert found.minima == ((0, 0), (1, 0))
    assert found.domain == ((-0.5, 1.5), (-1, 1))
    with pytest.raises(CourseError, match="the same"):
        planes.between(model, first, first)


def test_principal_components_of_a_path(model):
    generator = np.random.default_rng(0)
    origin = planes.weights(model)
    steps = [generator.normal(size=(len(origin), 1)) for _ in range(3)]
    amounts = np.array([[3, 1, 0.1], [2, -1, 0.0], [1, 0.5, -0.1], [0, 0, 0]])
    path = [
        [array + sum(c * s[i] for c, s in zip(row, steps, strict=True)) for i, array in enumerate(origin)]
        for row in amounts
    ]
    found = planes.principal(path)
    matrix = np.stack([np.concatenate([np.ravel(a) for a in arrays]) for arrays in path]).astype(float)
    centred = matrix - matrix.mean(axis=0)
    variance, vectors = np.linalg.eigh(centred.T @ centred)
    np.testing.assert_allclose(found.shares, (variance[::-1] / variance.sum())[:2], rtol=1e-4)
    for direction, vector in zip(found, vectors.T[::-1], strict=False):
        flat = np.concatenate([np.ravel(step) for step in direction])
        assert np.linalg.norm(flat) == pytest.approx(1, rel=1e-5)
        assert abs(flat @ vector) == pytest.approx(1, rel=1e-4)
        assert flat @ (matrix[0] - matrix[-1]) >= 0
    np.testing.assert_array_equal(found.origin[0], path[-1][0])
    assert f"{100 * found.shares[0]:.0f} %" in found.axis_names[0]
    coordinates = (matrix - matrix[-1]) @ np.stack(
        [np.concatenate([np.ravel(s) for s in d]) for d in found]
    ).T
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    for axis, (left, right) in enumerate(found.domain):
        assert left == pytest.approx(low[axis] - 0.15 * (high - low)[axis], rel=1e-3, abs=1e-4)
        assert right == pytest.approx(high[axis] + 0.15 * (high - low)[axis], rel=1e-3, abs=1e-4)
    for spoilt, words in (
        (path[:2], "three or more"),
        ([path[0], path[0], path[3]], "on one line"),
        ([path[0], path[1][:2], path[3]], "same shapes"),
        ([path[0], [a * np.nan for a in path[1]], path[3]], "NaN or infinity"),
    ):
        with pytest.raises(CourseError, match=words):
            planes.principal(spoilt)


def test_two_weights_are_named_by_path(model):
    paths = [variable.path for variable in model.trainable_variables]
    with pytest.raises(CourseError, match="no trainable variable named 'nothing'"):
        planes.two_weights(model, ("nothing", 0), (paths[1], 0))
    with pytest.raises(CourseError, match="several trainable variables named 'kernel'"):
        planes.two_weights(model, ("kernel", (0, 0)), (paths[1], 0))
    for index in ((0,), (3, 0), (0, -5)):
        with pytest.raises(CourseError, match=r"lies outside .* shape is \(3, 4\)"):
            planes.two_weights(model, (paths[0], index), (paths[1], 0))
    with pytest.raises(CourseError, match="different"):
        planes.two_weights(model, (paths[0], (0, 3)), (paths[0], (0, -1)))


def test_hessian_of_a_linear_model_is_known(monkeypatch):
    generator = np.random.default_rng(0)
    inputs, labels = generator.normal(size=(20, 4)) * [1, 2, 3, 0.5], generator.normal(size=(20, 1))
    model = keras.Sequential(
        [keras.Input((4,)), L.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.5))]
    )
    wanted = 2 * inputs.T @ inputs / 20
    np.testing.assert_allclose(planes.hessian(model, inputs, labels, "mse"), wanted, rtol=1e-4, atol=1e-4)
    with_penalty = planes.hessian(model, inputs, labels, "mse", regulariser=True)
    np.testing.assert_allclose(with_penalty, wanted + np.eye(4), rtol=1e-4, atol=1e-4)
    values, vectors = np.linalg.eigh(wanted)
    product = curvature._hessian_product(model, inputs, labels, "mse", regulariser=False)
    monkeypatch.setattr(curvature, "_hessian_product", lambda *_, **__: product)  # traced once for all
    for which, chosen in (("largest", (3, 2)), ("smallest", (0, 1)), ("ends", (3, 0))):
        for exact in (None, False):
            found = planes.hessian_directions(model, inputs, labels, "mse", which=which, exact=exact)
            for direction, index in zip(found, chosen, strict=True):
                vector = direction[0][:, 0]
                assert abs(vector @ vectors[:, index]) == pytest.approx(1, rel=1e-3)
                assert vector[np.argmax(np.abs(vector))] > 0
            shown = values[::-1] if exact is None else values[list(chosen)]
            np.testing.assert_allclose(found.eigenvalues, shown, rtol=1e-3)
            assert f"λ = {values[chosen[1]]:.3g}" in found.axis_names[1] or exact is False
    with pytest.raises(ValueError, match="'largest', 'smallest' or 'ends'"):
        planes.hessian_directions(model, inputs, labels, "mse", which="best")


def test_curvature_along_eigenvectors_is_the_eigenvalue(model):
    generator = np.random.default_rng(0)
    inputs, labels = generator.normal(size=(20, 3)), generator.normal(size=(20, 2))
    found = planes.hessian_directions(model, inputs, labels, "mse", which="ends")
    plane = planes.Plane(model, inputs, labels, "mse", found)
    matrix = plane.hessian([0.0, 0.0])
    np.testing.assert_allclose(np.diag(matrix), found.eigenvalues[[0, -1]], rtol=1e-3, atol=1e-4)
    assert abs(matrix[0, 1]) < 1e-3
    assert len(found.eigenvalues) == model.count_params() - 8  # without the running statistics
