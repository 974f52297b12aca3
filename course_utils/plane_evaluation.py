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

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from course_utils.errors import CourseError
from course_utils.runtime import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Numbers held by one array in work: more no longer fits into a processor's cache.
WORKING_SET = 2**21
# Examples in work at a time where each needs little.
MOST_ROWS = 1000
# Points handed to a compiled loop at a time, so that an interrupt is soon heard.
POINTS_A_CALL = 16
# So many points are differentiated one by one: compiling a loop and its derivatives takes seconds.
UNROLLED = 4

_AFFINE = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
# Layers that treat each number by itself and so a batch of batches too.
_ROW_WISE = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.ELU,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
)


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
        self.chain = None if regulariser or not shortcut else _Chain.of(model, self)
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
        if self.way != "stack":
            size, function = POINTS_A_CALL, self._loop()
        else:
            size = max(1, WORKING_SET // (len(pieces[0][2]) * self.chain.widest))
            function = self._stack()
        starts = range(0, len(points), size)
        for first in progress(starts, "points") if len(starts) > 8 else starts:
            chunk = np.asarray(points[first : first + size], self.dtype)
            number = len(chunk)
            if self.way == "stack" and len(starts) > 1:  # one shape, one trace
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

    def _value(self, index: int, coefficients: tf.Tensor) -> tf.Tensor:
        """Return a variable at points (n, 1 + directions) as (n, ...), or as (...) where it does not vary."""
        basis = self.basis[index]
        if not self.varied[index]:
            return basis[0]
        flat = tf.matmul(tf.cast(coefficients, basis.dtype), tf.reshape(basis, (len(basis), -1)))
        return tf.reshape(flat, (-1, *basis.shape[1:]))

    def _values(self, point: tf.Tensor) -> list[tf.Tensor]:
        """Return all trainable variables at one point (directions,)."""
        coefficients = _with_one(point[tf.newaxis])
        values = [self._value(index, coefficients) for index in range(len(self.basis))]
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


class _Chain:
    """Layers one after another, from the first varied one on."""

    def __init__(self, layers: list[keras.Layer], first: int, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.below, self.first, self.above = layers[:first], layers[first], layers[first + 1 :]
        self.index = {id(variable): i for i, variable in enumerate(evaluator.model.trainable_variables)}
        self.affine = _is_plain(self.first, _AFFINE)
        example = self.lower(_rows_of(evaluator.inputs, 0, 1))
        size = evaluator.count * example.dtype.size
        if self.affine:
            spread = self.linear(example)
            self.shape = spread.shape[2:]
            if size * int(np.prod(spread.shape)) > evaluator.memory_limit:
                self.affine = False
        self.kept = size * int(np.prod(example.shape)) <= evaluator.memory_limit
        dense = [self.first, *self.above]
        self.stacks = (
            self.affine
            and isinstance(self.first, keras.layers.Dense)
            and example.shape.rank == 2
            and evaluator.measure.by_row
            and all(_is_plain(layer, (keras.layers.Dense,)) or type(layer) in _ROW_WISE for layer in dense)
            and all(_of_keras(getattr(layer, "activation", None)) for layer in dense)
        )
        if self.stacks:
            sizes = [layer.units for layer in dense if hasattr(layer, "units")]
            self.widest = max(sizes)

    @classmethod
    def of(cls, model: keras.Model, evaluator: Evaluator) -> _Chain | None:
        """Return the chain that a model is, or None if it is something else."""
        layers = _layers_in_order(model)
        if not layers or keras.tree.is_nested(evaluator.inputs):
            return None
        if len(model.input_shape) != evaluator.inputs.shape.rank:
            return None
        varied = {
            id(variable)
            for variable, moves in zip(model.trainable_variables, evaluator.varied, strict=True)
            if moves
        }
        first = [any(id(variable) in varied for variable in layer.weights) for layer in layers]
        chain = cls(layers, first.index(True) if True in first else len(layers) - 1, evaluator)
        return chain if chain.affine or (chain.below and chain.kept) else None

    @property
    def way(self) -> str:
        stacks = self.stacks and self.evaluator.measure.by_row
        return "stack" if stacks else "affine" if self.affine else "chain"

    def lower(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return what the first varied layer is given."""
        with self.evaluator.scope([basis[0] for basis in self.evaluator.basis]):
            for layer in self.below:
                inputs = _call(layer, inputs)
        return tf.cast(tf.convert_to_tensor(inputs), self.first.compute_dtype)

    def linear(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the first layer's products (1 + directions, rows, ...) with origin and directions."""
        kernels = self.evaluator.basis[self.index[id(self.first.kernel)]]
        dense = isinstance(self.first, keras.layers.Dense)
        apply = tf.matmul if dense else self.first.convolution_op
        results = [
            tf.tensordot(inputs, kernel, 1) if dense else apply(inputs, kernel)
            for kernel in tf.unstack(kernels)
        ]
        if self.first.use_bias:
            biases = tf.unstack(self.evaluator.basis[self.index[id(self.first.bias)]])
            results = [result + bias for result, bias in zip(results, biases, strict=True)]
        return tf.stack(results)

    def prepare(self, inputs: tf.Tensor) -> tf.Tensor:
        """Do what is the same for all points."""
        inputs = self.lower(inputs)
        if not self.affine:
            return inputs
        results = self.linear(inputs)
        return tf.reshape(results, (len(results), -1))

    def finish(self, prepared: tf.Tensor, point: tf.Tensor) -> tf.Tensor:
        """Return the model's outputs at one point, within its scope."""
        if not self.affine:
            outputs = _call(self.first, prepared)
        else:
            # One product with three rows reads each number once; a sum of three terms, several times.
            outputs = tf.reshape(tf.matmul(_with_one(point[tf.newaxis]), prepared), (-1, *self.shape))
            outputs = self.first.activation(outputs)
        for layer in self.above:
            outputs = _call(layer, outputs)
        return outputs

    def stack(self, prepared: tf.Tensor, points: tf.Tensor, rows: int) -> tf.Tensor:
        """Return the outputs (points, rows, classes) at many points."""
        coefficients = _with_one(points)
        outputs = tf.reshape(tf.matmul(coefficients, prepared), (points.shape[0], rows, -1))
        outputs = self.first.activation(outputs)
        for layer in self.above:
            if not isinstance(layer, keras.layers.Dense):
                outputs = _call(layer, outputs)
                continue
            outputs = tf.matmul(outputs, self._stacked_value(layer.kernel, coefficients))
            if layer.use_bias:
                bias = self._stacked_value(layer.bias, coefficients)
                outputs += bias[:, tf.newaxis] if bias.shape.rank == 2 else bias
            outputs = layer.activation(outputs)
        return outputs

    def _stacked_value(self, variable: keras.Variable, coefficients: tf.Tensor) -> tf.Tensor:
        return self.evaluator._value(self.index[id(variable)], coefficients)


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


def _statistics(model: keras.Model) -> list[tf.Tensor]:
    return [tf.convert_to_tensor(variable.value) for variable in model.non_trainable_variables]


def _with_one(points: tf.Tensor) -> tf.Tensor:
    """Put a 1, the origin's coefficient, before the coordinates (n, directions)."""
    return tf.concat([tf.ones_like(points[:, :1]), points], axis=1)


def _rows_of(data: Any, first: int, rows: int) -> Any:
    return keras.tree.map_structure(lambda array: array[first : first + rows], data)


def _padded(data: Any, missing: int) -> Any:
    """Repeat the last example; its losses are left out of the sum."""
    return keras.tree.map_structure(
        lambda array: tf.concat([array, tf.repeat(array[-1:], missing, axis=0)], axis=0), data
    )


def _call(layer: keras.Layer, inputs: tf.Tensor) -> tf.Tensor:
    """Call a layer for inference."""
    if "training" in inspect.signature(layer.call).parameters:
        return layer(inputs, training=False)
    return layer(inputs)


def _is_plain(layer: keras.Layer, kinds: tuple[type, ...]) -> bool:
    """Return whether a layer is exactly of one of these kinds, without quantisation or low-rank additions."""
    return (
        type(layer) in kinds
        and not getattr(layer, "lora_enabled", False)
        and getattr(layer, "quantization_mode", None) is None
        and layer.compute_dtype == layer.variable_dtype
        and layer.trainable
    )


def _of_keras(activation: Any) -> bool:
    return activation is None or getattr(activation, "__module__", "").startswith("keras.")


def _layers_in_order(model: keras.Model) -> list[keras.Layer] | None:
    """Return a model's layers if each is applied once to the result of the one before, else None."""
    if not type(model).__module__.startswith("keras."):
        return None  # someone else's call may do anything
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    if not isinstance(model, keras.Sequential):
        try:
            outputs = [model.input, *(layer.output for layer in layers)]
            joined = all(layer.input is given for layer, given in zip(layers, outputs, strict=False))
            joined = joined and outputs[-1] is model.output
        except (AttributeError, ValueError):  # no graph, several inputs or outputs, or a layer used twice
            joined = False
        if not joined:
            return None
    flat: list[keras.Layer] = []
    for layer in layers:
        inner = _layers_in_order(layer) if type(layer) is keras.Sequential else [layer]
        if inner is None:
            return None
        flat += inner
    variables = [id(variable) for layer in flat for variable in layer.weights]
    masked = any(
        isinstance(layer, keras.layers.Masking) or getattr(layer, "mask_zero", False) for layer in flat
    )
    shared = len(set(variables)) < len(variables) or len(set(map(id, flat))) < len(flat)
    mixed = any(layer.compute_dtype != layer.variable_dtype for layer in flat)
    return None if masked or shared or mixed else flat


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
