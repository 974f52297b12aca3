"""Losses as Keras takes them, made into sums over pieces of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.planes.evaluation import Evaluator


class Measure:
    """A loss, taken apart so that it may be summed over pieces of the data."""

    def __init__(self, loss: Any) -> None:
        try:
            found = keras.losses.get(loss)
        except ValueError as error:
            raise CourseError(f"Keras knows no loss named {loss!r}") from error
        if isinstance(found, type) or not callable(found):
            raise CourseError(f"loss must be a Keras loss, its name or a function, not {loss!r}")
        # A loss of someone else's may look at a batch as a whole.
        self.by_row = (type(found) if isinstance(found, keras.losses.Loss) else found).__module__.startswith(
            "keras."
        )
        if not isinstance(found, keras.losses.Loss):
            found = _Function(found)
        self.loss = found
        self.mean = found.reduction != "sum"

    def label(self, labels: Any) -> tf.Tensor:
        """Return labels as the tensor that the loss is given."""
        return tf.cast(tf.convert_to_tensor(np.asarray(labels)), self.loss.dtype)

    def inspect(self, evaluator: Evaluator, inputs: Any, labels: Any) -> None:
        """Find out by two examples whether the loss is a sum over examples."""
        values = [basis[0] for basis in evaluator.basis]
        outputs, _ = evaluator.model.stateless_call(values, evaluator.statistics, inputs, training=False)
        if not tf.is_tensor(outputs):
            raise CourseError("a plane needs a model with one output")
        masked = getattr(outputs, "_keras_mask", None) is not None
        self.by_row = self.by_row and not masked and self.loss.call(labels, outputs).shape.rank > 0

    def rows(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return one loss for each example (n,)."""
        losses = self.loss.call(labels, tf.cast(outputs, self.loss.dtype))
        losses = tf.reshape(losses, (tf.shape(losses)[0], -1))
        return tf.reduce_mean(losses, axis=1) if self.mean else tf.reduce_sum(losses, axis=1)

    def total(self, labels: Any, outputs: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
        """Return the sum over valid examples, or the loss itself where it is not a sum."""
        if not self.by_row:
            return tf.reduce_mean(self.loss(labels, outputs))
        return tf.reduce_sum(tf.where(valid, self.rows(labels, outputs), 0))


class _Function(keras.losses.Loss):
    """A loss function as a Loss, as ``compile`` makes it."""

    def __init__(self, function: Any) -> None:
        super().__init__(name="loss")  # a lambda's own name is no name for TensorFlow's scopes
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.function(y_true, y_pred)
