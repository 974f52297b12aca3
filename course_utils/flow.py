"""What flows through a network: activations forwards, gradients backwards, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Callable


def gradient_norms(model: keras.Model, inputs: Any, labels: Any, loss: Any) -> dict[str, float]:
    """Measure the gradient of the loss with respect to each layer's kernel.

    Parameters
    ----------
    model
        Any built Keras model.
    inputs, labels
        One batch, shapes ``(examples, ...)`` and ``(examples,)`` or ``(examples, outputs)``.
    loss
        A Keras loss or its name; penalties of the layers are added.

    Returns
    -------
    dict
        Layer name → Euclidean norm of ∂loss/∂kernel, in the order of the layers that have a kernel.

    Raises
    ------
    CourseError
        If no layer has a kernel.
    """
    layers = _layers_with_kernel(model)
    with tf.GradientTape() as tape:
        value = _loss_of(model, inputs, labels, loss)
    gradients = tape.gradient(value, [layer.kernel.value for layer in layers])
    return {layer.name: _norm(gradient) for layer, gradient in zip(layers, gradients, strict=True)}


def delta_norms(model: keras.Model, inputs: Any, labels: Any, loss: Any) -> dict[str, float]:
    """Measure the error signal δ that reaches each layer of a chain of layers.

    δ is the gradient of one example's loss with respect to the layer's output before its activation
    (Nielsen 2015, chapter 2, equation 29). It is found by running the layer without its activation and
    then the activation.

    Parameters
    ----------
    model
        A ``Sequential`` model or any model whose layers follow one another.
    inputs, labels
        One batch, shapes ``(examples, ...)`` and ``(examples,)`` or ``(examples, outputs)``.
    loss
        A Keras loss or its name.

    Returns
    -------
    dict
        Layer name → mean over the examples of ‖δ‖, in the order of the layers that have a kernel.

    Raises
    ------
    CourseError
        If no layer has a kernel or the layers do not form a chain.
    """
    _layers_with_kernel(model)
    _require_chain(model)
    signal = tf.convert_to_tensor(inputs)
    before_activation: dict[str, Any] = {}
    with tf.GradientTape() as tape:
        tape.watch(signal)
        for layer in model.layers:
            activation = getattr(layer, "activation", None)
            if getattr(layer, "kernel", None) is None or activation is None:
                signal = layer(signal)
                continue
            layer.activation = keras.activations.linear
            try:
                signal = layer(signal)
            finally:
                layer.activation = activation
            before_activation[layer.name] = signal
            signal = activation(signal)
        # The sum over examples leaves each example's own gradient in its row.
        value = tf.reduce_sum(_per_example(loss)(labels, signal))
    gradients = tape.gradient(value, list(before_activation.values()))
    return {
        name: float(tf.reduce_mean(tf.norm(tf.reshape(gradient, (gradient.shape[0], -1)), axis=1)))
        for name, gradient in zip(before_activation, gradients, strict=True)
    }


def activations(model: keras.Model, inputs: Any) -> dict[str, np.ndarray]:
    """Return what every layer of a model puts out.

    Parameters
    ----------
    model
        A built ``Sequential`` or functional model.
    inputs
        One batch, shape ``(examples, ...)``.

    Returns
    -------
    dict
        Layer name → array of shape ``(examples, *output shape)``, without the input layer.

    Raises
    ------
    CourseError
        If the model is subclassed, so that its layers have no symbolic outputs.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    try:
        outputs = [layer.output for layer in layers]
        model_inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    except (AttributeError, ValueError) as error:
        raise CourseError(
            "activations() needs a built Sequential or functional model; in a subclassed one the layers "
            "are called in Python code that cannot be looked into."
        ) from error
    values = keras.Model(model_inputs, outputs)(np.asarray(inputs), training=False)
    values = values if isinstance(values, (list, tuple)) else [values]
    return {
        layer.name: keras.ops.convert_to_numpy(value) for layer, value in zip(layers, values, strict=True)
    }


def dead_units(values: Any) -> np.ndarray:
    """Find the units that are zero for every example.

    Parameters
    ----------
    values
        Activations of one layer, shape ``(examples, ..., units)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(units,)``, True where a unit is dead on these examples.

    Raises
    ------
    ValueError
        If there are no examples or no axis of units.
    CourseError
        If a value is NaN: a network that has diverged has neither living nor dead units.
    """
    values = np.asarray(values)
    if values.ndim < 2 or 0 in values.shape:
        raise ValueError(f"activations have the shape (examples, ..., units), not {values.shape}")
    missing = np.isnan(values).any(axis=tuple(range(values.ndim - 1)))
    if missing.any():
        raise CourseError(
            f"{missing.sum()} of {missing.size} units put out NaN, which is neither zero nor a signal: the "
            "network has diverged. Ask for dead units only while the activations are numbers."
        )
    return ~np.any(values != 0, axis=tuple(range(values.ndim - 1)))


class FlowRecorder(keras.callbacks.Callback):
    """A callback for ``fit`` that records gradient norms while a model trains.

    Parameters
    ----------
    inputs, labels
        The batch on which gradients are measured, shapes ``(examples, ...)`` and ``(examples,)``.
    every
        Number of training steps between two measurements.

    Attributes
    ----------
    steps : list of int
        Steps at which was measured, starting with 0.
    norms : dict
        Layer name → list of norms, one for each of `steps`.

    Raises
    ------
    ValueError
        If `every` is less than 1.
    """

    def __init__(self, inputs: Any, labels: Any, every: int = 10) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every is a number of steps from 1 on, not {every!r}")
        self.inputs, self.labels, self.every = inputs, labels, every
        self.steps: list[int] = []
        self.norms: dict[str, list[float]] = {}

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Measure before the first step."""
        self._step = 0
        self._record()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Measure after every so many steps."""
        self._step += 1
        if self._step % self.every == 0:
            self._record()

    def _record(self) -> None:
        self.steps.append(self._step)
        for name, norm in gradient_norms(self.model, self.inputs, self.labels, self.model.loss).items():
            self.norms.setdefault(name, []).append(norm)


def _layers_with_kernel(model: keras.Model) -> list[keras.layers.Layer]:
    layers = [layer for layer in model.layers if getattr(layer, "kernel", None) is not None]
    if not layers:
        raise CourseError(
            f"No layer of {model.name!r} has a kernel, so there is no gradient to measure; "
            "is the model built, and does it have dense or convolutional layers?"
        )
    return layers


def _require_chain(model: keras.Model) -> None:
    for layer in model.layers:
        nodes = getattr(layer, "_inbound_nodes", [])
        if any(len(node.parent_nodes) > 1 for node in nodes):
            raise CourseError(
                f"delta_norms() needs layers that follow one another; {layer.name!r} has several inputs."
            )


def _loss_of(model: keras.Model, inputs: Any, labels: Any, loss: Any) -> Any:

    value = tf.reduce_mean(keras.losses.get(loss)(labels, model(inputs, training=False)))
    return tf.add_n([value, *model.losses]) if model.losses else value


def _per_example(loss: Any) -> Callable[[Any, Any], Any]:
    """Return a loss that gives one value for each example."""
    function = keras.losses.get(loss)
    if isinstance(function, keras.losses.Loss):
        return type(function).from_config({**function.get_config(), "reduction": "none"})
    return function


def _norm(gradient: Any) -> float:

    return 0.0 if gradient is None else float(tf.norm(gradient))
