"""Descent on a loss surface by any Keras optimizer, the whole path in one compiled loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from course_utils.errors import CourseError

if TYPE_CHECKING:
    import numpy as np

    from course_utils.surfaces import Surface


@dataclass(frozen=True)
class Path:
    """The way of an optimizer over a surface.

    Parameters
    ----------
    points : numpy.ndarray, shape (steps + 1, 2)
        The start and the point after each step. A path that diverges to infinity and NaN is kept as it is.
    losses : numpy.ndarray, shape (steps + 1,)
        The loss at each of these points.
    label : str
        Name in a legend.
    evaluations : dict
        How often loss, gradient and Hessian were computed.
    """

    points: np.ndarray
    losses: np.ndarray
    label: str = ""
    evaluations: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.points) - 1

    @property
    def start(self) -> np.ndarray:
        """The first point (2,)."""
        return self.points[0]

    @property
    def end(self) -> np.ndarray:
        """The last point (2,)."""
        return self.points[-1]

    @property
    def diverged(self) -> bool:
        """Whether the path ended at a point or loss that is infinite or NaN."""
        import numpy as np

        return not (np.isfinite(self.end).all() and np.isfinite(self.losses[-1]))


def descend(
    surface: Surface,
    optimizer: Any,
    start: Sequence[float] | None = None,
    steps: int = 100,
    *,
    label: str = "",
    dtype: str | None = None,
) -> Path:
    """Walk down a surface with a Keras optimizer.

    Parameters
    ----------
    surface : Surface
        What to descend.
    optimizer : keras.optimizers.Optimizer or str
        Any optimizer, or the name of one with its default settings. It is copied: neither its state nor its
        learning rate changes, and it serves again.
    start : (x, y), optional
        Where to begin, inside the domain; the surface's own start by default.
    steps : int
        Number of steps.
    label : str
        Name of the path; the optimizer's by default.
    dtype : str, optional
        ``"float32"`` or ``"float64"``; Keras' float type by default.

    Returns
    -------
    Path
        Losses are those at the recorded points, so there are steps gradients and steps + 1 losses.

    Raises
    ------
    CourseError
        If the start is missing, not finite or outside the domain, the optimizer is unknown, steps is not a
        positive whole number, or the surface has no gradient.
    """
    import keras
    import tensorflow as tf

    place = _start(surface, start)
    if isinstance(steps, bool) or not hasattr(steps, "__index__") or steps < 1:
        raise CourseError(f"steps must be a whole number of at least 1, not {steps!r}")
    steps = int(steps)
    walker = _copy(optimizer)
    position = keras.Variable(place, dtype=dtype or keras.config.floatx(), name="position")
    walker.build([position])

    # A loop written out as a while_loop needs no AutoGraph, whose conversion of Keras' code is slow.
    @tf.function(autograph=False)
    def walk() -> tuple[tf.Tensor, tf.Tensor]:
        def step(count: tf.Tensor, points: tf.TensorArray, losses: tf.TensorArray) -> tuple[Any, ...]:
            here = tf.convert_to_tensor(position.value)
            loss, gradient = surface.loss_and_gradient(here[tf.newaxis])
            walker.apply([gradient[0]], [position])
            return count + 1, points.write(count, here), losses.write(count, loss[0])

        points = tf.TensorArray(position.value.dtype, steps + 1, element_shape=(2,))
        losses = tf.TensorArray(position.value.dtype, steps + 1, element_shape=())
        _, points, losses = tf.while_loop(lambda count, *_: count < steps, step, (0, points, losses))
        here = tf.convert_to_tensor(position.value)
        return points.write(steps, here).stack(), losses.write(steps, surface(here)).stack()

    points, losses = walk()
    return Path(
        points.numpy(),
        losses.numpy(),
        label or type(walker).__name__,
        {"loss": steps + 1, "gradient": steps, "hessian": 0},
    )


def _start(surface: Surface, start: Sequence[float] | None) -> list[float]:
    """Return the start as two floats, or say what is wrong with it."""
    place = surface.start if start is None else start
    if place is None:
        raise CourseError("this surface has no start of its own: give descend a start (x, y)")
    try:
        place = [float(value) for value in place]
    except (TypeError, ValueError) as error:
        raise CourseError(f"a start is a pair of numbers (x, y), not {start!r}") from error
    if len(place) != 2:
        raise CourseError(f"a start is a pair of numbers (x, y), not {len(place)} of them")
    if not all(map(math.isfinite, place)):
        raise CourseError(f"the start must be finite, not {tuple(place)}")
    if not surface.contains(place):
        raise CourseError(f"the start {tuple(place)} lies outside the surface's domain {surface.domain}")
    return place


def _copy(optimizer: Any) -> Any:
    """Return a fresh optimizer with the same settings."""
    import keras

    if isinstance(optimizer, str):
        try:
            return keras.optimizers.get(optimizer)
        except ValueError as error:
            raise CourseError(
                f"Keras knows no optimizer named {optimizer!r}: use sgd, adam, rmsprop, adagrad, adadelta, "
                "adamax, adamw, nadam, ftrl or lion, or an object such as keras.optimizers.SGD(0.1)"
            ) from error
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise CourseError(f"optimizer must be a Keras optimizer or its name, not {type(optimizer).__name__}")
    return type(optimizer).from_config(optimizer.get_config())
