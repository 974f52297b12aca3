"""Planes through the weights of a Keras model: a Surface for every plot and every optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from course_utils.descent import Path
from course_utils.errors import CourseError
from course_utils.planes.directions import Directions, fit, flat, weights
from course_utils.planes.evaluation import Evaluator
from course_utils.surfaces import Surface

# Two directions whose angle has a smaller sine are called parallel.
_PARALLEL = 1e-5


@dataclass(frozen=True)
class ProjectedPath(Path):
    """A training path laid onto a plane.

    ``points`` are its coordinates in the plane and ``losses`` those of the weights themselves, so a path
    drawn over the surface floats above or below it by what the projection loses.

    Parameters
    ----------
    in_plane : numpy.ndarray, shape (steps + 1,)
        The losses at the coordinates, on the surface.
    distances : numpy.ndarray, shape (steps + 1,)
        From each set of weights to the plane.
    """

    in_plane: np.ndarray | None = None
    distances: np.ndarray | None = None


class Plane(Surface):
    """The loss of a model at weights origin + α d₁ + β d₂.

    The plane keeps the weights, running statistics and data it is made with, and never changes the model. The
    model is in inference mode: dropout is off, batch normalisation uses its running statistics.

    Parameters
    ----------
    model : keras.Model
        Built, with one output.
    inputs, labels : array (or structure of arrays), first axis the examples
    loss : keras.losses.Loss, str or callable
        As for ``compile``.
    directions : Directions or pair of weights
        Each like ``model.trainable_variables`` or a flat vector.
    origin : weights, optional
        The weights at (0, 0), also as ``model.get_weights()``, then with their own running statistics; those
        of `directions` or else of the model by default.
    reach : float or (float, float), optional
        How far the domain goes from the centre along each axis; 1 where nothing else is known.
    domain : ((low, high), (low, high)) or (low, high), optional
        The part of the plane shown, in place of `reach`; one pair serves both axes.
    axis_names : (str, str), optional
    name : str
    regulariser : bool
        Whether the model's penalties are added; by default the loss is that of the data alone, as for two
        models with different penalties it must be to be compared.
    batch_size : int, optional
        Examples at a time.
    memory_limit : int
        Bytes that may be kept between evaluations.
    shortcut : bool
        Whether work that all points share is done once. The values agree to about 1e-6.

    Raises
    ------
    CourseError
        If the model is not built, directions or origin do not fit it, are NaN or zero, or labels and inputs
        are not of one length.
    """

    def __init__(
        self,
        model: keras.Model,
        inputs: Any,
        labels: Any,
        loss: Any,
        directions: Directions | Sequence[Any],
        *,
        origin: Any = None,
        reach: float | tuple[float, float] | None = None,
        domain: Any = None,
        axis_names: tuple[str, str] | None = None,
        name: str = "",
        regulariser: bool = False,
        batch_size: int | None = None,
        memory_limit: int = 512 * 2**20,
        shortcut: bool = True,
    ) -> None:
        found = directions if isinstance(directions, Directions) else _pair(directions)
        own = weights(model)
        pair = [fit(model, step, f"direction {index}")[0] for index, step in enumerate(found, 1)]
        for index, step in enumerate(pair, 1):
            if not any(map(np.any, step)):
                raise CourseError(f"direction {index} is zero: it spans no plane")
        if origin is None:
            origin = found.origin
        start, statistics = (own, None) if origin is None else fit(model, origin, "the origin")
        if batch_size is not None and (isinstance(batch_size, bool) or batch_size < 1):
            raise ValueError(f"batch_size is a whole number of at least 1, not {batch_size!r}")
        settings = {"regulariser": regulariser, "batch_size": batch_size, "memory_limit": memory_limit}
        evaluator = Evaluator(
            model, inputs, labels, loss, start, pair, statistics=statistics, shortcut=shortcut, **settings
        )
        area = _area(found, reach, domain)
        inside = all(low <= at <= high for at, (low, high) in zip(found.centre, area, strict=True))
        super().__init__(
            self._differentiable,
            area,
            name or f"plane through the weights of {model.name}",
            found.minima,
            tuple(found.centre) if inside else None,
            tuple(axis_names or found.axis_names),
        )
        more = {
            "model": model,
            "origin": start,
            "directions": tuple(pair),
            "_evaluator": evaluator,
            "_data": (inputs, labels, loss, settings),
            "_known": {},
        }
        for key, value in more.items():  # a Surface is frozen
            object.__setattr__(self, key, value)

    def __eq__(self, other: object) -> bool:
        """Planes are equal only to themselves: comparing weights as fields would be ambiguous."""
        return self is other

    __hash__ = object.__hash__

    @property
    def way(self) -> str:
        """How points are evaluated: ``"plain"``, ``"chain"``, ``"affine"`` or ``"stack"``."""
        return self._evaluator.way

    def __call__(self, points: Any) -> Any:
        """Return the losses (...) of points (..., 2); arrays by the fast way, tensors differentiably."""
        if tf.is_tensor(points) or isinstance(points, keras.Variable | tf.Variable):
            return super().__call__(points)
        array = np.asarray(points)
        if array.dtype.kind != "f":
            array = array.astype(keras.config.floatx())
        if array.ndim == 0 or array.shape[-1] != 2:
            raise ValueError(f"points of a surface have shape (..., 2), not {array.shape}")
        return self._losses_at(array.reshape(-1, 2)).reshape(array.shape[:-1]).astype(array.dtype)

    def grid(
        self, resolution: int | tuple[int, int] = 60, *, dtype: str | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Evaluate the plane on a grid over its domain.

        What has been evaluated is remembered. An interrupt (Ctrl-C, the stop button) loses nothing: the
        points that were not reached are NaN, and the next call goes on from there.

        Parameters
        ----------
        resolution : int or (int, int)
            Points along α and β.
        dtype : str, optional
            Of the result; Keras' float type by default.

        Returns
        -------
        x, y, loss : numpy.ndarray, shapes (n_x,), (n_y,), (n_y, n_x)
            Losses that are NaN or infinite are kept so.
        """
        counts = (resolution, resolution) if isinstance(resolution, int | np.integer) else tuple(resolution)
        if len(counts) != 2 or min(counts) < 2:
            raise ValueError(f"resolution must be at least 2 points along each axis, not {resolution}")
        kind = dtype or keras.config.floatx()
        x, y = (
            np.linspace(*ends, count, dtype=kind) for ends, count in zip(self.domain, counts, strict=True)
        )
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        try:
            losses = self._losses_at(points)
        except KeyboardInterrupt:
            keys = _keys(points)
            losses = np.array([self._known.get(key, np.nan) for key in keys])
            print(
                f"Interrupted after {sum(key in self._known for key in keys)} of {len(keys)} points: "
                "the others are NaN here, and the same call goes on from these."
            )
        return x, y, losses.reshape(len(y), len(x)).astype(kind)

    def project(self, weights_path: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates of weights in the plane, and how far off it they are.

        The nearest point of the plane in the Euclidean sense (least squares), also where the directions are
        not at right angles.

        Parameters
        ----------
        weights_path : sequence of weights, length k

        Returns
        -------
        coordinates, distances : numpy.ndarray, shapes (k, 2) and (k,)

        Raises
        ------
        CourseError
            If the directions are parallel or weights do not fit the model.
        """
        return self._project([fit(self.model, step, _step(i))[0] for i, step in enumerate(weights_path)])

    def path(self, weights_path: Sequence[Any], label: str = "") -> ProjectedPath:
        """Lay a training path onto the plane.

        Parameters
        ----------
        weights_path : sequence of weights, length k
            Such as ``model.get_weights()`` at several times (then each with its own running statistics), or
            as ``model.trainable_variables``.
        label : str
            Name in a legend.

        Returns
        -------
        ProjectedPath
        """
        steps = [fit(self.model, step, _step(index)) for index, step in enumerate(weights_path)]
        coordinates, distances = self._project([values for values, _ in steps])
        inputs, labels, loss, settings = self._data
        evaluator = Evaluator(
            self.model, inputs, labels, loss, self.origin, self.directions, shortcut=False, **settings
        )
        own = self._evaluator.statistics
        at = tf.function(evaluator.at, autograph=False)
        losses = [
            at(
                [tf.constant(value) for value in values],
                own if others is None else [tf.convert_to_tensor(other) for other in others],
            )
            for values, others in steps
        ]
        return ProjectedPath(
            coordinates,
            np.array([loss.numpy() for loss in losses]),
            label,
            {"loss": len(steps), "gradient": 0, "hessian": 0},
            in_plane=self(coordinates),
            distances=distances,
        )

    def _project(self, steps: Sequence[Sequence[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        if not steps:
            raise CourseError("a path needs at least one set of weights")
        basis = np.stack([flat(step) for step in self.directions], axis=1)
        lengths = np.linalg.norm(basis, axis=0)
        # Directions of very different lengths are compared by their angle alone.
        orthogonal, triangle = np.linalg.qr(basis / lengths)
        if abs(triangle[1, 1]) < _PARALLEL:
            raise CourseError("the two directions are parallel: weights have no coordinates along them")
        offsets = np.stack([flat(step) for step in steps]) - flat(self.origin)
        inside = offsets @ orthogonal
        coordinates = np.linalg.solve(triangle, inside.T).T / lengths
        return coordinates, np.linalg.norm(offsets - inside @ orthogonal.T, axis=1)

    def _losses_at(self, points: np.ndarray) -> np.ndarray:
        """Return the losses (n,) of points (n, 2), remembering each."""
        keys = _keys(points)
        places = {key: index for index, key in enumerate(keys) if key not in self._known}
        wanted = points[list(places.values())]
        names = list(places)
        for place, values in self._evaluator.evaluate(wanted) if names else ():
            self._known.update(zip(names[place], values, strict=True))
        return np.array([self._known[key] for key in keys])

    def _differentiable(self, points: Any) -> Any:
        kind = self._evaluator.dtype
        return tf.cast(self._evaluator.function(tf.cast(points, kind)), points.dtype)


def line(
    model: keras.Model,
    inputs: Any,
    labels: Any,
    loss: Any,
    first: Any,
    second: Any,
    count: int = 25,
    *,
    domain: tuple[float, float] = (0.0, 1.0),
    accuracy: bool = False,
    regulariser: bool = False,
) -> tuple[np.ndarray, ...]:
    """Evaluate a model along the straight line between two sets of weights.

    After Goodfellow, Vinyals and Saxe, "Qualitatively characterizing neural network optimization problems"
    (2015): w(α) = (1 − α) w_first + α w_second. Running statistics are those of the first set if it has them,
    else of the model.

    Parameters
    ----------
    model, inputs, labels, loss
        As for :class:`Plane`.
    first, second : weights
        As ``model.trainable_variables`` or ``model.get_weights()``.
    count : int
        How many points, at least 2.
    domain : (float, float)
        The first and the last α.
    accuracy : bool
        Whether to return the share of examples whose largest output is that of their class, too.
    regulariser : bool
        Whether the model's penalties are added to the loss.

    Returns
    -------
    alphas, losses[, accuracies] : numpy.ndarray, shape (count,)
    """
    if count < 2:
        raise ValueError(f"a line needs at least 2 points, not {count}")
    start, statistics = fit(model, first, "the first set of weights")
    end, _ = fit(model, second, "the second set of weights")
    step = [b - a for a, b in zip(start, end, strict=True)]
    alphas = np.linspace(*domain, count)
    results = [alphas]
    for measure in [loss, _hits] if accuracy else [loss]:
        evaluator = Evaluator(
            model,
            inputs,
            labels,
            measure,
            start,
            [step],
            statistics=statistics,
            regulariser=regulariser and measure is loss,
        )
        values = [part for _, part in evaluator.evaluate(alphas[:, np.newaxis])]
        results.append(np.concatenate(values))
    return tuple(results)


def _hits(labels: Any, outputs: Any) -> Any:
    """Return 1 for each example whose largest output is that of its class."""
    if outputs.shape[-1] == 1:
        raise CourseError("accuracy is counted for models with one output for each class")
    classes = tf.argmax(labels, axis=-1) if labels.shape == outputs.shape else tf.reshape(labels, [-1])
    return tf.cast(tf.cast(classes, tf.int64) == tf.argmax(outputs, axis=-1), tf.float32)


def _pair(directions: Any) -> Directions:
    try:
        first, second = directions
    except (TypeError, ValueError) as error:
        raise CourseError("directions are a pair (d1, d2), or what a function of planes returns") from error
    return Directions(first, second)


def _area(found: Directions, reach: Any, domain: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the domain asked for, or that around the centre."""
    if domain is not None and reach is not None:
        raise ValueError("give either reach or domain")
    if domain is not None:
        both = (domain, domain) if np.ndim(domain) == 1 and len(domain) == 2 else domain
        if np.shape(both) != (2, 2):
            raise ValueError(f"a domain is ((low, high), (low, high)) or (low, high), not {domain}")
        return tuple((float(low), float(high)) for low, high in both)
    if reach is None and found.domain is not None:
        return found.domain
    far = np.broadcast_to(np.asarray(1.0 if reach is None else reach, float), (2,))
    if not (far > 0).all():
        raise ValueError(f"reach must be positive, not {reach}")
    return tuple((float(c - r), float(c + r)) for c, r in zip(found.centre, far, strict=True))


def _keys(points: np.ndarray) -> list[bytes]:
    """Return what points are remembered by: what float32 keeps of them, with one zero only."""
    return [point.tobytes() for point in points.astype(np.float32) + np.float32(0)]


def _step(index: int) -> str:
    return f"step {index} of the path"
