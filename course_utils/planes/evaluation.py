"""Losses of a Keras model at many points of a plane through its weights, without touching the model.

A point's weights are w₀ + α d₁ + β d₂. Each is given to the model by ``keras.StatelessScope`` or
``Model.stateless_call``, so no variable is ever assigned. Three ways lead to the same numbers:

* **plain**: the whole model for each point, in one compiled loop; for models of any kind.
* **chain**: layers one after another. What lies below the first varied layer is computed once; if that layer
  is Dense or a convolution it is affine in its weights, so x·(W₀ + αD₁ + βD₂) is a sum of products computed
  once ("affine").
* **stack**: a chain of Dense layers handles many points at once by batched matrix products.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from course_utils.planes.chain import Chain, with_one
from course_utils.planes.checks import check_data, check_model
from course_utils.planes.losses import Measure
from course_utils.runtime import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Numbers held by one array in work: more no longer fits into a processor's cache.
WORKING_SET = 2**21
# Examples in work at a time where each needs little.
MOST_ROWS = 1000
# So many calls are done before a graph for them is traced.
FEW_CALLS = 4
# Points handed to a compiled loop at a time, so that an interrupt is soon heard.
POINTS_A_CALL = 16
# So many points are differentiated one by one: compiling a loop and its derivatives takes seconds.
UNROLLED = 4


class Evaluator:
    """Losses of a model at weights origin + Σ cₖ directionₖ.

    Parameters
    ----------
    model : keras.Model
        Built, with one output.
    inputs, labels : array or structure of arrays, first axis the examples
    loss : keras.losses.Loss, str or callable
        As for ``compile``; the mean over the examples unless its reduction is ``"sum"``.
    origin : list of array
        As ``model.trainable_variables``.
    directions : sequence of lists of array
        One or two, each shaped like the origin.
    statistics : list of array, optional
        As ``model.non_trainable_variables``; those of the model by default.
    regulariser : bool
        Whether the model's own penalties are added.
    batch_size : int, optional
        Examples at a time; chosen by size otherwise.
    memory_limit : int
        Bytes that may be kept between points.
    shortcut : bool
        Whether work shared by all points is done once; False gives the plain way.

    Raises
    ------
    CourseError
        If the model is not built or has several outputs, or labels and inputs differ in length.
    """

    def __init__(
        self,
        model: keras.Model,
        inputs: Any,
        labels: Any,
        loss: Any,
        origin: Sequence[np.ndarray],
        directions: Sequence[Sequence[np.ndarray]],
        *,
        statistics: Sequence[Any] | None = None,
        regulariser: bool = False,
        batch_size: int | None = None,
        memory_limit: int = 512 * 2**20,
        shortcut: bool = True,
    ) -> None:
        self.model, self.regulariser, self.memory_limit = model, regulariser, memory_limit
        self.dtype = check_model(model)
        self.inputs, self.count = check_data(inputs, labels)
        self.measure = Measure(loss)
        self.labels = keras.tree.map_structure(self.measure.label, labels)
        self.basis = [
            tf.constant(np.stack([start, *steps]), dtype=variable.dtype)
            for variable, start, *steps in zip(model.trainable_variables, origin, *directions, strict=True)
        ]
        self.varied = [any(np.any(step) for step in steps) for steps in zip(*directions, strict=True)]
        self.statistics = [
            tf.identity(value) for value in (statistics if statistics is not None else _statistics(model))
        ]
        self.chain = None if regulariser or not shortcut else Chain.of(model, self)
        self.batch_size = batch_size
        self._pieces: list[tuple[Any, Any, tf.Tensor]] | None = None
        self._compiled: dict[str, Any] = {}

    @property
    def way(self) -> str:
        """``"plain"``, ``"chain"``, ``"affine"`` or ``"stack"``: how points are evaluated."""
        self._prepare()
        return "plain" if self.chain is None else self.chain.way

    def evaluate(self, points: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of the points (n, directions) with their losses, as they are done."""
        pieces = self._prepare()
        padded = False
        if self.way != "stack":
            size, function = POINTS_A_CALL, self._loop()
        else:
            size = max(1, WORKING_SET // (len(pieces[0][2]) * self.chain.widest))
            calls = -(-len(points) // size)
            if calls <= FEW_CALLS and "stack" not in self._compiled:
                size, function = -(-len(points) // max(1, calls)) or 1, self._stacked
            else:
                padded, function = calls > 1, self._stack()
        starts = range(0, len(points), size)
        for first in progress(starts, "points") if len(starts) > 8 else starts:
            chunk = np.asarray(points[first : first + size], self.dtype)
            number = len(chunk)
            if padded:  # one shape, one trace
                chunk = np.concatenate([chunk, np.repeat(chunk[-1:], size - number, axis=0)])
            total = sum(function(tf.constant(chunk), *piece) for piece in pieces)
            yield slice(first, first + number), (total.numpy() * self._scale)[:number]

    def function(self, points: tf.Tensor) -> tf.Tensor:
        """Return losses (n,) of points (n, directions); differentiable twice."""
        if points.shape[0] is not None and points.shape[0] <= UNROLLED:
            return tf.stack([self._sums(point) for point in tf.unstack(points)])
        if "differentiable" not in self._compiled:
            self._prepare()
            self._compiled["differentiable"] = tf.function(
                lambda points: tf.map_fn(self._sums, points, parallel_iterations=1),
                input_signature=[tf.TensorSpec((None, points.shape[1]), self.dtype)],
                autograph=False,
            )
        return self._compiled["differentiable"](points)

    def _sums(self, point: tf.Tensor) -> tf.Tensor:
        with tf.init_scope():
            pieces = self._prepare()
        return tf.add_n([self._point(point, *piece) for piece in pieces]) * self._scale

    @property
    def _scale(self) -> float:
        return 1 / self.count if self.measure.mean and self.measure.by_row else 1.0

    def _loop(self) -> Any:
        """Return the compiled loop over points; one trace serves all pieces, which are of one shape."""
        if "loop" not in self._compiled:

            def loop(points: tf.Tensor, *piece: Any) -> tf.Tensor:
                return tf.map_fn(lambda point: self._point(point, *piece), points, parallel_iterations=2)

            self._compiled["loop"] = tf.function(partial(loop), reduce_retracing=True, autograph=False)
        return self._compiled["loop"]

    def _stack(self) -> Any:
        """Return the compiled evaluation of many points at once."""
        if "stack" not in self._compiled:
            # TensorFlow counts a method's traces over all objects and warns; a partial's it does not.
            self._compiled["stack"] = tf.function(partial(self._stacked), autograph=False)
        return self._compiled["stack"]

    def value(self, index: int, coefficients: tf.Tensor) -> tf.Tensor:
        """Return a variable at points (n, 1 + directions) as (n, ...), or as (...) where it does not vary."""
        basis = self.basis[index]
        if not self.varied[index]:
            return basis[0]
        flat = tf.matmul(tf.cast(coefficients, basis.dtype), tf.reshape(basis, (len(basis), -1)))
        return tf.reshape(flat, (-1, *basis.shape[1:]))

    def _values(self, point: tf.Tensor) -> list[tf.Tensor]:
        """Return all trainable variables at one point (directions,)."""
        coefficients = with_one(point[tf.newaxis])
        values = [self.value(index, coefficients) for index in range(len(self.basis))]
        return [value[0] if varied else value for value, varied in zip(values, self.varied, strict=True)]

    def at(self, values: Sequence[tf.Tensor], statistics: Sequence[Any] | None = None) -> tf.Tensor:
        """Return the loss at any weights, given as ``model.trainable_variables``; without the shortcuts."""
        with tf.init_scope():
            pieces = self._prepare()
        if self.chain is not None:
            raise ValueError("an evaluator with shortcuts knows the losses of its plane only")
        return tf.add_n([self._plain(values, *piece, statistics) for piece in pieces]) * self._scale

    def _point(self, point: tf.Tensor, inputs: Any, labels: Any, valid: tf.Tensor) -> tf.Tensor:
        """Return the sum of the losses of a piece of the data at one point (directions,)."""
        values = self._values(point)
        if self.chain is None:
            return self._plain(values, inputs, labels, valid)
        with self.scope(values):
            outputs = self.chain.finish(inputs, point)
        return tf.cast(self.measure.total(labels, outputs, valid), self.dtype)

    def _plain(
        self,
        values: Sequence[tf.Tensor],
        inputs: Any,
        labels: Any,
        valid: tf.Tensor,
        statistics: Sequence[Any] | None = None,
    ) -> tf.Tensor:
        """Return the sum of the losses of a piece of the data by the whole model."""
        outputs, _, *collected = self.model.stateless_call(
            values,
            self.statistics if statistics is None else statistics,
            inputs,
            training=False,
            return_losses=self.regulariser,
        )
        penalties = collected[0] if collected else []
        total = self.measure.total(labels, outputs, valid)
        if penalties:
            share = valid.shape[0] / self.count / self._scale if self.measure.by_row else 1.0
            total += share * tf.cast(tf.add_n(penalties), total.dtype)
        return tf.cast(total, self.dtype)

    def _stacked(self, points: tf.Tensor, inputs: tf.Tensor, labels: Any, valid: tf.Tensor) -> tf.Tensor:
        """Return the sums of the losses of a piece of the data at many points at once."""
        outputs = self.chain.stack(inputs, points, valid.shape[0])
        number, size = points.shape[0], outputs.shape[-1]
        repeated = tf.tile(labels, [number] + [1] * (labels.shape.rank - 1))
        rows = tf.reshape(outputs, (-1, size))
        # From the scores that Keras notes beside a softmax it takes the cross-entropy without clipping.
        scores = getattr(outputs, "_keras_logits", None)
        if scores is not None:
            rows._keras_logits = tf.reshape(scores, (-1, size))
        losses = self.measure.rows(repeated, rows)
        return tf.reduce_sum(tf.where(valid, tf.reshape(losses, (number, -1)), 0), axis=1)

    def scope(self, values: Sequence[tf.Tensor]) -> keras.StatelessScope:
        """Return a scope in which the model's variables have other values."""
        pairs = [
            *zip(self.model.trainable_variables, values, strict=True),
            *zip(self.model.non_trainable_variables, self.statistics, strict=True),
        ]
        return keras.StatelessScope(pairs)

    def _prepare(self) -> list[tuple[Any, Any, tf.Tensor]]:
        """Divide the data into pieces of equal shape, the shared part of the work done."""
        if self._pieces is None:
            self.measure.inspect(self, _rows_of(self.inputs, 0, 2), _rows_of(self.labels, 0, 2))
            rows = self._rows()
            number = -(-self.count // rows)
            rows = -(-self.count // number)
            pieces = []
            for first in range(0, self.count, rows):
                inputs, labels = (_rows_of(data, first, rows) for data in (self.inputs, self.labels))
                valid = min(rows, self.count - first)
                if valid < rows and not self.regulariser:
                    inputs, labels = (_padded(data, rows - valid) for data in (inputs, labels))
                    valid = np.arange(rows) < valid
                else:
                    valid = np.ones(valid, bool)
                if self.chain is not None:
                    inputs = self.chain.prepare(inputs)
                pieces.append((inputs, labels, tf.constant(valid)))
            self._pieces = pieces
        return self._pieces

    def _rows(self) -> int:
        """Return how many examples are in work at a time."""
        if not self.measure.by_row or (self.regulariser and self.batch_size is None):
            return self.count
        if self.batch_size is not None:
            return min(self.count, self.batch_size)
        if self.chain is not None and self.chain.way == "stack":
            return min(self.count, MOST_ROWS)
        return min(self.count, max(16, WORKING_SET // _widest(self.model, self.inputs)))


def _statistics(model: keras.Model) -> list[tf.Tensor]:
    return [tf.convert_to_tensor(variable.value) for variable in model.non_trainable_variables]


def _rows_of(data: Any, first: int, rows: int) -> Any:
    return keras.tree.map_structure(lambda array: array[first : first + rows], data)


def _padded(data: Any, missing: int) -> Any:
    """Repeat the last example; its losses are left out of the sum."""
    return keras.tree.map_structure(
        lambda array: tf.concat([array, tf.repeat(array[-1:], missing, axis=0)], axis=0), data
    )


def _widest(model: keras.Model, inputs: Any) -> int:
    """Return the most numbers that one example fills, as far as the layers' shapes say."""
    sizes = [int(np.prod(data.shape[1:])) for data in keras.tree.flatten(inputs)]
    for layer in model.layers:
        try:
            shapes = [tensor.shape for tensor in keras.tree.flatten(layer.output)]
        except (AttributeError, ValueError):
            sizes.append(8 * sizes[0])  # a subclassed model does not tell
            continue
        sizes += [int(np.prod([size or 1 for size in shape[1:]])) for shape in shapes]
    return max(sizes)
