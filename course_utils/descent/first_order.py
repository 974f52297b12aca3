"""Descent by any Keras optimizer, the whole path in one compiled loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.descent.checks import check_problem, check_start, check_whole, dtype_of
from course_utils.descent.path import Path
from course_utils.errors import CourseError


def descend(
    surface: Any,
    optimizer: Any,
    start: Sequence[float] | None = None,
    steps: int = 100,
    *,
    label: str = "",
    dtype: str | None = None,
) -> Path:
    """Walk down a surface, or any problem of n weights, with a Keras optimizer.

    Parameters
    ----------
    surface : Surface, ModelProblem or FunctionProblem
        What to descend. A model stays as it is.
    optimizer : keras.optimizers.Optimizer or str
        Any optimizer, or the name of one with its default settings. It is copied: neither its state nor its
        learning rate changes, and it serves again.
    start : sequence of n floats, optional
        Where to begin, inside the domain; the surface's own start by default.
    steps : int
        Number of steps.
    label : str
        Name of the path; the optimizer's by default.
    dtype : str, optional
        ``"float32"`` or ``"float64"``; the problem's by default, for a surface Keras' float type.

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

    check_problem(surface)
    place = check_start(surface, start)
    steps = check_whole(steps, "steps")
    walker = _copy(optimizer)
    kind = dtype or dtype_of(surface, keras.config.floatx())
    position = keras.Variable(place, dtype=kind, name="position")
    walker.build([position])

    # A loop written out as a while_loop needs no AutoGraph, whose conversion of Keras' code is slow.
    @tf.function(autograph=False)
    def walk() -> tuple[tf.Tensor, tf.Tensor]:
        def step(count: tf.Tensor, points: tf.TensorArray, losses: tf.TensorArray) -> tuple[Any, ...]:
            here = tf.convert_to_tensor(position.value)
            loss, gradient = surface.loss_and_gradient(here[tf.newaxis])
            walker.apply([gradient[0]], [position])
            return count + 1, points.write(count, here), losses.write(count, loss[0])

        points = tf.TensorArray(position.value.dtype, steps + 1, element_shape=place.shape)
        losses = tf.TensorArray(position.value.dtype, steps + 1, element_shape=())
        _, points, losses = tf.while_loop(lambda count, *_: count < steps, step, (0, points, losses))
        here = tf.convert_to_tensor(position.value)
        last = surface(here[tf.newaxis])[0]
        return points.write(steps, here).stack(), losses.write(steps, last).stack()

    # Called as a concrete function: TensorFlow would warn that each optimizer is traced anew.
    points, losses = (part.numpy() for part in walk.get_concrete_function()())
    counts = np.arange(steps + 1)
    finite = np.isfinite(losses) & np.isfinite(points).all(axis=1)
    message = f"all {steps} steps taken"
    if not finite.all():
        message += f", the loss or the point not finite after {np.argmin(finite)}"
    return Path(
        points,
        losses,
        label or type(walker).__name__,
        Counter({"loss": steps + 1, "gradient": steps, "hessian": 0}),
        {"loss": counts + 1, "gradient": counts, **dict.fromkeys(_NOT_USED, 0 * counts)},
        message=message,
    )


_NOT_USED = ("hessian", "jacobian", "hessian_vector")


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
