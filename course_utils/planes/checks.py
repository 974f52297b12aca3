"""Checks of the model and the data that a plane is given."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from course_utils.errors import CourseError


def check_model(model: Any) -> str:
    """Return a model's float type, or say why it cannot be evaluated."""
    if not isinstance(model, keras.Model):
        raise CourseError(f"a plane goes through the weights of a keras.Model, not {type(model).__name__}")
    if not model.built or not model.variables:
        raise CourseError(
            f"the model '{model.name}' has no weights yet: call it on some data, or give it a keras.Input"
        )
    if not model.trainable_variables:
        raise CourseError(f"the model '{model.name}' has no trainable weights")
    return model.trainable_variables[0].dtype


def check_data(inputs: Any, labels: Any) -> tuple[Any, int]:
    """Return inputs as tensors and the number of examples, or say how inputs and labels differ."""
    inputs = keras.tree.map_structure(
        lambda data: (
            tf.convert_to_tensor(data)
            if not np.issubdtype(np.asarray(data).dtype, np.floating)
            else tf.convert_to_tensor(np.asarray(data, keras.config.floatx()))
        ),
        inputs,
    )
    lengths = {len(data) for data in keras.tree.flatten(inputs)}
    marks = {len(data) for data in keras.tree.flatten(labels)}
    if lengths != marks or len(lengths) != 1:
        raise CourseError(
            f"inputs and labels must be of one length: {_listed(lengths)} inputs, {_listed(marks)} labels"
        )
    count = lengths.pop()
    if count == 0:
        raise CourseError("a loss needs at least one example")
    return inputs, count


def _listed(numbers: set[int]) -> str:
    return " and ".join(map(str, sorted(numbers)))
