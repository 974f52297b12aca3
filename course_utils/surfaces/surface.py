"""A loss over a plane of two weights, with gradient and Hessian by automatic differentiation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from course_utils.errors import CourseError


@dataclass(frozen=True)
class Surface:
    """A loss over a plane of two weights.

    Parameters
    ----------
    function : callable
        Maps points (n, 2) to losses (n,), each point for itself; written in TensorFlow or ``keras.ops``. Not
        called with NumPy arrays but with tensors.
    domain : ((x_low, x_high), (y_low, y_high))
        The part of the plane that is drawn and on which a descent may start.
    name : str
        What the surface shows.
    minima : sequence of (x, y)
        Known minima, marked in drawings.
    start : (x, y), optional
        A good point to start a descent from.
    axis_names : (str, str)
        Names of the two weights.
    source : str
        Where the function, its domain and its start come from.
    """

    function: Callable[[Any], Any]
    domain: tuple[tuple[float, float], tuple[float, float]]
    name: str = ""
    minima: Sequence[Sequence[float]] = ()
    start: Sequence[float] | None = None
    axis_names: tuple[str, str] = ("w₁", "w₂")
    source: str = ""

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(
                f"a surface needs a function of points (n, 2), not {type(self.function).__name__}"
            )
        try:
            (x_low, x_high), (y_low, y_high) = self.domain
            proper = (
                all(map(math.isfinite, (x_low, x_high, y_low, y_high))) and x_low < x_high and y_low < y_high
            )
        except (TypeError, ValueError):
            proper = False
        if not proper:
            raise ValueError(
                f"a domain is ((x_low, x_high), (y_low, y_high)) with low < high, not {self.domain}"
            )
        if self.start is not None and not self.contains(self.start):
            raise ValueError(f"the start {tuple(self.start)} lies outside the domain {self.domain}")

    def contains(self, point: Sequence[float]) -> bool:
        """Return whether a point (2,) lies in the domain, its border included."""
        return all(low <= float(value) <= high for value, (low, high) in zip(point, self.domain, strict=True))

    def __call__(self, points: Any) -> Any:
        """Return the losses (...) of points (..., 2).

        Parameters
        ----------
        points : array or tensor, shape (..., 2)
            float32 and float64 are kept; whole numbers and lists become Keras' float type.

        Returns
        -------
        numpy.ndarray or tf.Tensor, shape (...)
            A tensor for a tensor, else an array.
        """
        flat, shape, wrap = _flat(points)
        return wrap(self._losses(flat), shape)

    def gradient(self, points: Any) -> Any:
        """Return the gradients (..., 2) at points (..., 2).

        Raises
        ------
        CourseError
            If the function's result does not depend on its argument by differentiable operations.
        """
        flat, shape, wrap = _flat(points)
        return wrap(self.loss_and_gradient(flat)[1], (*shape, 2))

    def hessian(self, points: Any) -> Any:
        """Return the matrices of second derivatives (..., 2, 2) at points (..., 2)."""
        import tensorflow as tf

        flat, shape, wrap = _flat(points)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(flat)
            slopes = tf.unstack(self.loss_and_gradient(flat)[1], axis=1)
        rows = [tape.gradient(slope, flat, unconnected_gradients="zero") for slope in slopes]
        return wrap(tf.stack(rows, axis=1), (*shape, 2, 2))

    def loss_and_gradient(self, points: Any) -> tuple[Any, Any]:
        """Return losses (n,) and gradients (n, 2) of a tensor of points (n, 2), both from one pass.

        Each loss depends on its own point only, so the gradient of their sum holds all gradients as rows.
        """
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(points)
            losses = self._losses(points)
        gradients = tape.gradient(losses, points)
        if gradients is None:
            raise CourseError(
                f"{self._title()} has no gradient: its function must lead from the points to the loss by "
                "operations of TensorFlow or keras.ops that can be differentiated"
            )
        return losses, gradients

    def grid(
        self, resolution: int | tuple[int, int] = 60, *, dtype: str | None = None
    ) -> tuple[Any, Any, Any]:
        """Evaluate the surface on a grid over its domain.

        Parameters
        ----------
        resolution : int or (int, int)
            Points along x and y.
        dtype : str, optional
            ``"float32"`` or ``"float64"``; Keras' float type by default.

        Returns
        -------
        x, y, loss : numpy.ndarray, shapes (n_x,), (n_y,), (n_y, n_x)
        """
        import keras
        import numpy as np

        counts = (resolution, resolution) if isinstance(resolution, int) else tuple(resolution)
        if len(counts) != 2 or min(counts) < 2:
            raise ValueError(f"resolution must be at least 2 points along each axis, not {resolution}")
        kind = dtype or keras.config.floatx()
        x, y = (
            np.linspace(*ends, count, dtype=kind) for ends, count in zip(self.domain, counts, strict=True)
        )
        points = np.stack(np.meshgrid(x, y), axis=-1)
        # Some rows at a time: a loss over many data points would otherwise need grid × data numbers at once.
        rows = max(1, 2048 // counts[0])
        return x, y, np.concatenate([self(points[i : i + rows]) for i in range(0, len(points), rows)])

    def _losses(self, points: Any) -> Any:
        """Return losses (n,) of a tensor (n, 2), checking what the function makes of it."""
        import tensorflow as tf

        try:
            losses = tf.convert_to_tensor(self.function(points))
        except NotImplementedError as error:
            raise CourseError(
                f"{self._title()} has no gradient: its function uses NumPy; write it with TensorFlow "
                "or keras.ops"
            ) from error
        if losses.shape.rank != 1 or not losses.shape.is_compatible_with(points.shape[:1]):
            raise CourseError(
                f"{self._title()}: its function must map points of shape (n, 2) to losses of shape (n,), "
                f"but it mapped {tuple(points.shape)} to {tuple(losses.shape)}"
            )
        return losses

    def _title(self) -> str:
        return f"the surface '{self.name}'" if self.name else "the surface"


def _flat(points: Any) -> tuple[Any, tuple[int, ...], Callable[[Any, tuple[int, ...]], Any]]:
    """Return points as a floating tensor (n, 2), their leading shape, and what undoes both."""
    import keras
    import numpy as np
    import tensorflow as tf

    is_tensor = tf.is_tensor(points) or isinstance(points, keras.Variable | tf.Variable)
    if not is_tensor:
        listed = not isinstance(points, np.ndarray | np.generic)
        points = np.asarray(points)
        if listed or points.dtype.kind != "f":
            points = points.astype(keras.config.floatx())
    tensor = tf.convert_to_tensor(points)
    if tensor.shape.rank == 0 or tensor.shape[-1] != 2:
        raise ValueError(f"points of a surface have shape (..., 2), not {tuple(tensor.shape)}")
    shape = tuple(tensor.shape[:-1])

    def wrap(values: Any, full: tuple[int, ...]) -> Any:
        values = tf.reshape(values, full)
        return values if is_tensor else values.numpy()

    return tf.reshape(tensor, (-1, 2)), shape, wrap
