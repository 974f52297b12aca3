"""Directions in a Keras model's weights: random, between models, along a training path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from course_utils.errors import CourseError
from course_utils.planes.checks import check_model

# One-dimensional weights, and those of other shapes that play their part.
_SMALL = ("bias", "gamma", "beta")

_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)

Weights = list[np.ndarray]


@dataclass(frozen=True)
class Directions:
    """Two directions that span a plane, with what is known about it.

    Attributes
    ----------
    first, second : list of numpy.ndarray
        Shaped like ``model.trainable_variables``.
    origin : list of numpy.ndarray or None
        The weights at (0, 0), also as ``model.get_weights()``; None for those the model has.
    axis_names : (str, str)
    centre : (float, float)
        Coordinates of the point of interest.
    domain : ((float, float), (float, float)) or None
        The part of the plane worth looking at.
    minima : tuple of (float, float)
        Coordinates of the models between which the plane lies.
    shares : numpy.ndarray or None, shape (2,)
        For principal components: the share of the path's variance that each explains.
    eigenvalues : numpy.ndarray or None
        For Hessian directions: all eigenvalues in falling order if the Hessian was computed, else the two.
    """

    first: Weights
    second: Weights
    origin: Weights | None = None
    axis_names: tuple[str, str] = ("α", "β")
    centre: tuple[float, float] = (0.0, 0.0)
    domain: tuple[tuple[float, float], tuple[float, float]] | None = None
    minima: tuple[tuple[float, float], ...] = ()
    shares: np.ndarray | None = None
    eigenvalues: np.ndarray | None = None

    def __iter__(self) -> Iterator[Weights]:
        """Give the two directions."""
        return iter((self.first, self.second))


def weights(model: keras.Model) -> Weights:
    """Return a copy of a model's trainable weights."""
    check_model(model)
    return [keras.ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables]


def fit(model: keras.Model, arrays: Any, what: str) -> tuple[Weights, list[Any] | None]:
    """Return weights shaped like the model's trainable variables, and the other variables if given.

    Parameters
    ----------
    model : keras.Model
    arrays : list of array or array
        As ``model.trainable_variables``, as ``model.get_weights()``, or flat.
    what : str
        What to call them in an error.

    Raises
    ------
    CourseError
        If they have other shapes, or contain NaN or infinity.
    """
    variables = list(model.trainable_variables)
    if isinstance(arrays, np.ndarray) and arrays.ndim == 1 and arrays.dtype != object:
        sizes = [int(np.prod(variable.shape)) for variable in variables]
        if len(arrays) != sum(sizes):
            raise CourseError(
                f"{what} does not fit the model: it has {len(arrays)} numbers, the trainable weights have "
                f"{sum(sizes)}"
            )
        pieces = np.split(arrays, np.cumsum(sizes)[:-1])
        arrays = [piece.reshape(variable.shape) for piece, variable in zip(pieces, variables, strict=True)]
    arrays = [np.asarray(array) for array in arrays]
    full = list(model.weights)
    others = None
    if len(arrays) == len(full) != len(variables):
        _same_shapes(full, arrays, what)
        given = {id(variable): array for variable, array in zip(full, arrays, strict=True)}
        arrays = [given[id(variable)] for variable in variables]
        others = [given.get(id(variable), variable.value) for variable in model.non_trainable_variables]
    elif len(arrays) != len(variables):
        raise CourseError(
            f"{what} does not fit the model: it has {len(arrays)} arrays, the model {len(variables)} "
            "trainable variables"
        )
    _same_shapes(variables, arrays, what)
    for variable, array in zip(variables, arrays, strict=True):
        if not np.isfinite(array).all():
            raise CourseError(f"{what} has NaN or infinity in '{variable.path}'")
    kept = [np.array(array, variable.dtype) for array, variable in zip(arrays, variables, strict=True)]
    return kept, others


def _same_shapes(variables: Sequence[keras.Variable], arrays: Sequence[np.ndarray], what: str) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        if tuple(variable.shape) != array.shape:
            raise CourseError(
                f"{what} does not fit the model: the variable '{variable.path}' has shape "
                f"{tuple(variable.shape)}, its array has {array.shape}"
            )


def flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return weights as one vector of float64."""
    return np.concatenate([np.ravel(array).astype(np.float64) for array in arrays])


def random_directions(
    model: keras.Model, seed: int = 0, normalise: str | None = "filter", *, biases: bool = False
) -> Directions:
    """Draw two Gaussian directions, scaled as the model's weights.

    After Li et al., "Visualizing the Loss Landscape of Neural Nets" (2018), section 4: each filter d of a
    direction becomes d ‖w‖ / ‖d‖, with w the model's filter. A filter is what makes one output: the last axis
    of a Keras kernel, the last but one of a transposed convolution; a depthwise kernel has one for each pair
    of input channel and multiplier, an embedding one for each row, a recurrent kernel one for each unit and
    gate.

    Parameters
    ----------
    model : keras.Model
    seed : int
    normalise : str or None
        ``"filter"``, ``"layer"`` (each variable as a whole), or None for plain Gaussian directions.
    biases : bool
        Whether biases and the weights of normalisation layers vary, each variable scaled as a whole; by
        default they stay.

    Returns
    -------
    Directions

    Raises
    ------
    ValueError
        If `normalise` is unknown.
    """
    if normalise not in ("filter", "layer", None):
        raise ValueError(f"normalise is 'filter', 'layer' or None, not {normalise!r}")
    check_model(model)
    generator = np.random.default_rng(seed)
    owners = _owners(model)
    pair = []
    for _ in range(2):
        direction = []
        for variable in model.trainable_variables:
            step = generator.standard_normal(variable.shape)
            value = keras.ops.convert_to_numpy(variable).astype(np.float64)
            axes = _unit_axes(variable, owners.get(id(variable)))
            if not axes and not biases:
                step = np.zeros_like(step)
            elif normalise is not None:
                kept = axes if normalise == "filter" else ()
                others = tuple(axis for axis in range(step.ndim) if axis not in kept)
                step *= _norm(value, others) / np.maximum(_norm(step, others), np.finfo(float).tiny)
            direction.append(step.astype(variable.dtype))
        pair.append(direction)
    return Directions(*pair)


def _norm(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.sqrt(np.sum(array**2, axis=axes, keepdims=True))


def _owners(model: keras.Model) -> dict[int, keras.Layer]:
    """Return for each variable the innermost layer that has it."""
    found: dict[int, keras.Layer] = {}
    for layer in model._flatten_layers():  # parents come first
        found.update({id(variable): layer for variable in layer.weights})
    return found


def _unit_axes(variable: keras.Variable, owner: keras.Layer | None) -> tuple[int, ...]:
    """Return the axes of a variable that count its filters; none for biases and their like."""
    rank, name = len(variable.shape), variable.name
    if rank < 2 or any(word in name for word in _SMALL):
        return ()
    if isinstance(owner, keras.layers.Embedding):
        return (0,)
    if isinstance(owner, keras.layers.EinsumDense):
        kernel, outputs = owner.equation.split(",")[1].split("->")
        return tuple(axis for axis, letter in enumerate(kernel) if letter in outputs)
    if isinstance(owner, _TRANSPOSED):
        return (rank - 2,)
    depthwise = name == "depthwise_kernel" or isinstance(owner, _DEPTHWISE)
    return (rank - 2, rank - 1) if depthwise else (rank - 1,)


def between(
    model: keras.Model, first: Any, second: Any, third: Any | None = None, *, seed: int = 0
) -> Directions:
    """Span the plane through two or three sets of weights.

    Parameters
    ----------
    model : keras.Model
    first, second, third : list of array
        Weights that lie at (0, 0), (1, 0) and (0, 1). Without a third the second axis is a random
        filter-normalised direction at right angles to the first.
    seed : int
        For that direction.

    Returns
    -------
    Directions
        Its origin is `first`; its minima are the sets of weights.
    """
    check_model(model)
    start, _ = fit(model, first, "the first set of weights")
    ends = [fit(model, second, "the second set of weights")[0]]
    if third is not None:
        ends.append(fit(model, third, "the third set of weights")[0])
    steps = [[b - a for a, b in zip(start, end, strict=True)] for end in ends]
    if third is None:
        along, across = flat(steps[0]), flat(random_directions(model, seed).first)
        if not along.any():
            raise CourseError("the first and the second set of weights are the same: there is no line")
        across -= along * (across @ along) / (along @ along)
        steps.append(fit(model, across, "the second direction")[0])
        minima, low, high = ((0.0, 0.0), (1.0, 0.0)), -1.0, 1.0
        names = ("from first to second", "random direction")
    else:
        minima, low, high = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)), -0.5, 1.5
        names = ("from first to second", "from first to third")
    origin = [np.array(array) for array in first] if not isinstance(first, np.ndarray) else start
    return Directions(
        *steps, origin, names, centre=(0.5, 0.0), domain=((-0.5, 1.5), (low, high)), minima=minima
    )


def principal(path_of_weights: Sequence[Any], model: keras.Model | None = None) -> Directions:
    """Span the plane of the first two principal components of a training path.

    After Li et al. (2018), section 7: the matrix has the rows wₜ − w_end, and its principal components (about
    the mean, as always) are the directions. Each has length 1 and points to the side of the start.

    Parameters
    ----------
    path_of_weights : sequence of lists of array
        The weights at three or more times, the last one the origin of the plane.
    model : keras.Model, optional
        Needed if the weights are those of ``model.get_weights()`` and some of them are not trainable.

    Returns
    -------
    Directions
        With ``shares``, and a domain that contains the projected path with a margin.

    Raises
    ------
    CourseError
        If the path has fewer than three different points, or they lie on one line.
    """
    if len(path_of_weights) < 3:
        raise CourseError(
            f"principal components need three or more sets of weights, not {len(path_of_weights)}"
        )
    if model is not None:
        path = [
            fit(model, step, f"step {index} of the path")[0] for index, step in enumerate(path_of_weights)
        ]
    else:
        path = [[np.asarray(array) for array in step] for step in path_of_weights]
        shapes = [array.shape for array in path[-1]]
        if any([array.shape for array in step] != shapes for step in path):
            raise CourseError("all steps of a path must have arrays of the same shapes")
    matrix = np.stack([flat(step) for step in path])
    if not np.isfinite(matrix).all():
        raise CourseError("the path has NaN or infinity: leave out the steps after it diverged")
    matrix = matrix - matrix[-1]
    _, sizes, components = np.linalg.svd(matrix - matrix.mean(axis=0), full_matrices=False)
    if sizes[1] <= 1e-6 * sizes[0]:
        raise CourseError("the steps of the path lie on one line: they span no plane")
    shares = sizes**2 / np.sum(sizes**2)
    pair = components[:2] * np.where(components[:2] @ matrix[0] < 0, -1, 1)[:, np.newaxis]
    coordinates = matrix @ pair.T
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    margin = 0.15 * (high - low)
    cuts = np.cumsum([array.size for array in path[-1]])[:-1]
    steps = [
        [
            piece.reshape(array.shape).astype(array.dtype)
            for piece, array in zip(np.split(vector, cuts), path[-1], strict=True)
        ]
        for vector in pair
    ]
    return Directions(
        *steps,
        [np.array(array) for array in path_of_weights[-1]],
        tuple(
            f"principal component {index} ({100 * share:.0f} %)" for index, share in enumerate(shares[:2], 1)
        ),
        domain=tuple((float(a), float(b)) for a, b in zip(low - margin, high + margin, strict=True)),
        minima=((0.0, 0.0),),
        shares=shares[:2],
    )


def two_weights(model: keras.Model, first: tuple[str, Any], second: tuple[str, Any]) -> Directions:
    """Vary two chosen weights; the coordinates are the values of these weights themselves.

    Parameters
    ----------
    model : keras.Model
    first, second : (str, index)
        A variable's path or its end, such as ``"dense/kernel"`` or ``"dense"`` (for its kernel), and the
        index in its array.

    Returns
    -------
    Directions
        Centred on the model's own values.

    Raises
    ------
    CourseError
        If the name fits no variable or several, or the index lies outside its array.
    """
    check_model(model)
    origin, pair, names, values = weights(model), [], [], []
    places = [_place(model, name, index) for name, index in (first, second)]
    if places[0] == places[1]:
        raise CourseError("the two weights must be different ones")
    for number, index in places:
        variable = model.trainable_variables[number]
        values.append(float(origin[number][index]))
        origin[number][index] = 0
        step = [np.zeros(array.shape, array.dtype) for array in origin]
        step[number][index] = 1
        pair.append(step)
        names.append(f"{variable.path}[{', '.join(map(str, index))}]")
    return Directions(*pair, origin, tuple(names), centre=tuple(values))


def _place(model: keras.Model, name: str, index: Any) -> tuple[int, tuple[int, ...]]:
    """Return a variable's number and a full index into it."""
    paths = [variable.path for variable in model.trainable_variables]
    for ending in (name, f"{name}/kernel"):
        found = [number for number, path in enumerate(paths) if f"/{path}".endswith(f"/{ending}")]
        if found:
            break
    if len(found) != 1:
        problem = "several trainable variables" if found else "no trainable variable"
        raise CourseError(f"the model has {problem} named '{name}'; it has {', '.join(paths)}")
    shape = tuple(model.trainable_variables[found[0]].shape)
    index = tuple(index) if np.iterable(index) else (index,)
    if len(index) != len(shape) or not all(-size <= at < size for at, size in zip(index, shape, strict=True)):
        raise CourseError(f"the index {index} lies outside '{paths[found[0]]}', whose shape is {shape}")
    return found[0], tuple(int(at) % size for at, size in zip(index, shape, strict=True))
