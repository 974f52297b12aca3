"""The Hessian of a model's loss, and the directions of its eigenvectors."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from course_utils.errors import CourseError
from course_utils.planes.checks import check_model
from course_utils.planes.directions import Directions, fit, weights
from course_utils.planes.evaluation import Evaluator

# Up to this many weights the whole Hessian is computed.
EXACT_UP_TO = 1500


def hessian_directions(
    model: keras.Model,
    inputs: Any,
    labels: Any,
    loss: Any,
    *,
    which: str = "largest",
    regulariser: bool = False,
    exact: bool | None = None,
) -> Directions:
    """Return two eigenvectors of the Hessian of the loss at the model's weights.

    The whole matrix is computed for small models; for others Lanczos' method (``scipy.sparse.linalg.eigsh``)
    finds the two from products of the Hessian with vectors, each the gradient of gradient · vector
    (Pearlmutter 1994).

    Parameters
    ----------
    model, inputs, labels, loss
        As for a plane.
    which : str
        ``"largest"``: the two largest eigenvalues; ``"smallest"``: the two smallest, the most negative first;
        ``"ends"``: the largest and the smallest.
    regulariser : bool
        Whether the model's own penalties are part of the loss.
    exact : bool, optional
        Whether to compute the whole matrix; by default up to 1500 weights.

    Returns
    -------
    Directions
        With ``eigenvalues``. Each direction has length 1 and its largest component is positive.
    """
    if which not in ("largest", "smallest", "ends"):
        raise ValueError(f"which is 'largest', 'smallest' or 'ends', not {which!r}")
    product, count = _hessian_product(model, inputs, labels, loss, regulariser=regulariser)
    if count < 2:
        raise CourseError("a plane needs a model with at least two weights")
    if exact if exact is not None else count <= EXACT_UP_TO:
        matrix = _rows(product, count)
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        values, vectors = values[::-1], vectors[:, ::-1]
        spectrum = values
    else:
        from scipy.sparse.linalg import LinearOperator, eigsh

        operator = LinearOperator(
            (count, count),
            matvec=lambda vector: product(np.ravel(vector)).numpy(),
            dtype=np.float32,
        )
        kind = {"largest": "LA", "smallest": "SA", "ends": "BE"}[which]
        start = np.random.default_rng(0).standard_normal(count).astype(np.float32)
        values, vectors = eigsh(operator, k=2, which=kind, v0=start, tol=1e-4)
        values, vectors = values[::-1], vectors[:, ::-1]
        spectrum = values if which != "smallest" else values[::-1]
    chosen = {"largest": (0, 1), "smallest": (-1, -2), "ends": (0, -1)}[which]
    pair = []
    for index in chosen:
        vector = vectors[:, index].astype(np.float64)
        vector *= np.sign(vector[np.argmax(np.abs(vector))]) / np.linalg.norm(vector)
        pair.append(fit(model, vector, "an eigenvector")[0])
    return Directions(
        *pair,
        weights(model),
        tuple(f"eigenvector, λ = {values[index]:.3g}" for index in chosen),
        eigenvalues=np.asarray(spectrum, np.float64),
    )


def hessian(
    model: keras.Model, inputs: Any, labels: Any, loss: Any, *, regulariser: bool = False
) -> np.ndarray:
    """Return the Hessian (n, n) of the loss at the model's weights, ordered as the flat trainable weights."""
    product, count = _hessian_product(model, inputs, labels, loss, regulariser=regulariser)
    matrix = _rows(product, count)
    return (matrix + matrix.T) / 2


def _rows(product: Any, count: int) -> np.ndarray:
    return np.stack([product(tf.one_hot(index, count)).numpy() for index in range(count)]).astype(np.float64)


def _hessian_product(
    model: keras.Model, inputs: Any, labels: Any, loss: Any, *, regulariser: bool
) -> tuple[Any, int]:
    """Return the compiled product of the Hessian with a vector, and the number of weights."""
    check_model(model)
    origin = weights(model)
    nowhere = [[np.zeros_like(array) for array in origin]]
    evaluator = Evaluator(
        model, inputs, labels, loss, origin, nowhere, regulariser=regulariser, shortcut=False
    )
    sizes = [array.size for array in origin]

    def product(vector: tf.Tensor) -> tf.Tensor:
        pieces = tf.split(vector, sizes)
        steps = [tf.reshape(piece, array.shape) for piece, array in zip(pieces, origin, strict=True)]
        values = [tf.constant(array) for array in origin]
        with tf.GradientTape() as outer:
            outer.watch(values)
            with tf.GradientTape() as inner:
                inner.watch(values)
                total = evaluator.at(values)
            slopes = inner.gradient(total, values, unconnected_gradients="zero")
        return tf.concat(
            [
                tf.reshape(part, [-1])
                for part in outer.gradient(
                    slopes, values, output_gradients=steps, unconnected_gradients="zero"
                )
            ],
            axis=0,
        )

    signature = [tf.TensorSpec((sum(sizes),), evaluator.dtype)]
    compiled = tf.function(product, input_signature=signature, autograph=False)
    return lambda vector: compiled(tf.cast(vector, evaluator.dtype)), sum(sizes)
