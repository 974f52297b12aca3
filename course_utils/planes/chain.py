"""Models that are layers one after another: what all points of a plane share is computed once."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from course_utils.planes.evaluation import Evaluator

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


class Chain:
    """Layers one after another, from the first varied one on."""

    def __init__(self, layers: list[keras.Layer], first: int, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.below, self.first, self.above = layers[:first], layers[first], layers[first + 1 :]
        self.index = {id(variable): i for i, variable in enumerate(evaluator.model.trainable_variables)}
        self.affine = _is_plain(self.first, _AFFINE)
        example = self.lower(evaluator.inputs[:1])
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
    def of(cls, model: keras.Model, evaluator: Evaluator) -> Chain | None:
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
        """``"chain"``, ``"affine"`` or ``"stack"``: how points are evaluated."""
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
            outputs = tf.reshape(tf.matmul(with_one(point[tf.newaxis]), prepared), (-1, *self.shape))
            outputs = self.first.activation(outputs)
        for layer in self.above:
            outputs = _call(layer, outputs)
        return outputs

    def stack(self, prepared: tf.Tensor, points: tf.Tensor, rows: int) -> tf.Tensor:
        """Return the outputs (points, rows, classes) at many points."""
        coefficients = with_one(points)
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
        return self.evaluator.value(self.index[id(variable)], coefficients)


def with_one(points: tf.Tensor) -> tf.Tensor:
    """Put a 1, the origin's coefficient, before the coordinates (n, directions)."""
    return tf.concat([tf.ones_like(points[:, :1]), points], axis=1)


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
