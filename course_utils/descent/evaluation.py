"""A problem's loss and derivatives as compiled functions of NumPy vectors, each call counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from course_utils.descent.checks import check_matrix, dimension_of, dtype_of
from course_utils.errors import CourseError

#: What is counted.
KINDS = ("loss", "gradient", "hessian", "jacobian", "hessian_vector")
#: A Hessian of more weights takes too long and too much memory.
HESSIAN_LIMIT = 2000
#: A Jacobian of more elements (residuals × weights) does not fit into memory: 1.6 GB in float64.
JACOBIAN_LIMIT = 200_000_000
# Rows of a matrix of derivatives that are computed at once; each needs the memory of a backward pass.
ROWS = 64


class Compiled:
    """A problem's loss and derivatives at one point (n,), each traced when it is first needed.

    Tensors in the problem's float type come and go.
    """

    def __init__(self, problem: Any) -> None:
        import tensorflow as tf

        self.dtype = dtype_of(problem, "float64")
        point = tf.TensorSpec((dimension_of(problem),), self.dtype)

        def gradient_of(weights: tf.Tensor) -> tf.Tensor:
            return problem.loss_and_gradient(weights[tf.newaxis])[1][0]

        def loss(weights: tf.Tensor) -> tf.Tensor:
            return problem(weights[tf.newaxis])[0]

        def loss_and_gradient(weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            losses, gradients = problem.loss_and_gradient(weights[tf.newaxis])
            return losses[0], gradients[0]

        def hessian(weights: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(weights)
                slope = gradient_of(weights)
            return _rows(lambda vector: _pull(tape, slope, weights, vector), slope)

        def hessian_vector(weights: tf.Tensor, vector: tf.Tensor) -> tf.Tensor:
            # The Hessian is symmetric: the gradient of gradient · vector is its product with the vector.
            with tf.GradientTape() as tape:
                tape.watch(weights)
                slope = gradient_of(weights)
            return _pull(tape, slope, weights, vector)

        def residuals(weights: tf.Tensor) -> tf.Tensor:
            return problem.residuals(weights)

        def jacobian(weights: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape(persistent=True) as outer:
                with tf.GradientTape(persistent=True) as tape:
                    tape.watch(weights)
                    values = problem.residuals(weights)
                seed = tf.zeros_like(values)
                outer.watch(seed)
                pulled = _pull(tape, values, weights, seed)
            if values.shape[0] <= weights.shape[0]:
                return _rows(lambda vector: _pull(tape, values, weights, vector), values)
            # Jᵀu is linear in u: its derivative with respect to u is Jᵀ, in n passes instead of k.
            return tf.transpose(_rows(lambda vector: _pull(outer, pulled, seed, vector), pulled))

        # AutoGraph would convert all of Keras' code that is called; nothing here needs it.
        def function(body: Any, *signature: tf.TensorSpec) -> Any:
            return tf.function(body, input_signature=signature, autograph=False)

        self.loss = function(loss, point)
        self.loss_and_gradient = function(loss_and_gradient, point)
        self.hessian = function(hessian, point)
        self.hessian_vector = function(hessian_vector, point, point)
        self.residuals = function(residuals, point)
        self.jacobian = function(jacobian, point)


def _pull(tape: Any, target: Any, source: Any, vector: Any) -> Any:
    """Return vectorᵀ · d target / d source."""
    return tape.gradient(target, source, output_gradients=vector, unconnected_gradients="zero")


def _rows(pull: Any, target: Any) -> Any:
    """Return the matrix whose rows are `pull` of each unit vector of target's length, some rows at a time.

    ``tape.jacobian`` with ``parallel_iterations``, which should do this, gives wrong rows in TensorFlow 2.21.
    """
    import tensorflow as tf

    count = target.shape[0]
    blocks = -(-count // ROWS)
    size = -(-count // blocks)
    if blocks == 1:
        return tf.vectorized_map(pull, tf.eye(count, dtype=target.dtype))
    units = tf.reshape(tf.eye(blocks * size, count, dtype=target.dtype), (blocks, size, count))
    rows = tf.map_fn(lambda block: tf.vectorized_map(pull, block), units)
    return tf.reshape(rows, (blocks * size, -1))[:count]


def compiled(problem: Any) -> Compiled:
    """Return the problem's compiled functions, made once and kept in the problem itself."""
    kept = getattr(problem, "__dict__", {})  # written to directly, because a Surface is frozen
    if "_compiled" not in kept:
        kept["_compiled"] = Compiled(problem)
    return kept["_compiled"]


class Evaluation:
    """Loss and derivatives for one descent: NumPy float64 in and out, every evaluation counted.

    Parameters
    ----------
    problem : Surface or Problem
        What is descended.

    Attributes
    ----------
    counts : collections.Counter
        How often each of `KINDS` was computed.
    epsilon : float
        The relative rounding error of the problem's float type.
    """

    def __init__(self, problem: Any) -> None:
        self.problem = problem
        self.functions = compiled(problem)
        self.dimension = dimension_of(problem)
        self.counts = Counter(dict.fromkeys(KINDS, 0))
        self.epsilon = float(np.finfo(self.functions.dtype).eps)

    def loss(self, point: np.ndarray) -> float:
        """Return the loss at a point (n,)."""
        self.counts["loss"] += 1
        return float(self.functions.loss(self._tensor(point)))

    def loss_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient (n,) at a point (n,), from one pass; both are counted."""
        self.counts.update(loss=1, gradient=1)
        loss, gradient = self.functions.loss_and_gradient(self._tensor(point))
        return float(loss), _array(gradient)

    def gradient(self, point: np.ndarray) -> np.ndarray:
        """Return the gradient (n,) at a point (n,) whose loss is known already."""
        self.counts["gradient"] += 1
        return _array(self.functions.loss_and_gradient(self._tensor(point))[1])

    def hessian(self, point: np.ndarray) -> np.ndarray:
        """Return the Hessian (n, n) at a point (n,).

        Raises
        ------
        CourseError
            If there are more than `HESSIAN_LIMIT` weights.
        """
        check_matrix(self.dimension, HESSIAN_LIMIT, "the Hessian", "use hessian_vector, newton-cg or lbfgs")
        self.counts["hessian"] += 1
        return _array(self.functions.hessian(self._tensor(point)))

    def hessian_vector(self, point: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return the product (n,) of the Hessian at a point (n,) with a vector (n,)."""
        self.counts["hessian_vector"] += 1
        return _array(self.functions.hessian_vector(self._tensor(point), self._tensor(vector)))

    def residuals(self, point: np.ndarray) -> np.ndarray:
        """Return the residuals (k,), whose mean square is the loss, and count one loss."""
        self.counts["loss"] += 1
        return _array(self.functions.residuals(self._tensor(point)))

    def jacobian(self, point: np.ndarray) -> np.ndarray:
        """Return the first derivatives (k, n) of the residuals.

        Raises
        ------
        CourseError
            If it has more than `JACOBIAN_LIMIT` elements.
        """
        count = self.functions.residuals.get_concrete_function().output_shapes[0]
        if count * self.dimension > JACOBIAN_LIMIT:
            raise CourseError(
                f"the Jacobian of {count} residuals and {self.dimension} weights has "
                f"{count * self.dimension:,} elements; up to {JACOBIAN_LIMIT:,} are accepted: use lbfgs"
            )
        self.counts["jacobian"] += 1
        return _array(self.functions.jacobian(self._tensor(point)))

    def _tensor(self, point: np.ndarray) -> Any:
        import tensorflow as tf

        return tf.constant(point, self.functions.dtype)


def _array(tensor: Any) -> np.ndarray:
    return tensor.numpy().astype(np.float64)
