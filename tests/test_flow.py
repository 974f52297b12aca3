"""Gradients, error signals and activations by layer, each against a computation by another way."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import CourseError, flow

LOSS = "sparse_categorical_crossentropy"


@pytest.fixture
def batch():
    numbers = np.random.default_rng(0)
    return numbers.normal(size=(12, 5)).astype("float32"), numbers.integers(0, 3, 12)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.layers.Input((5,)),
            keras.layers.Dense(4, "tanh", name="first"),
            keras.layers.Dense(4, "relu", name="second", kernel_regularizer=keras.regularizers.L2(0.1)),
            keras.layers.Dense(3, "softmax", name="last"),
        ]
    )


def test_gradient_norms_agree_with_finite_differences(model, batch):
    norms = flow.gradient_norms(model, *batch, LOSS)
    assert list(norms) == ["first", "second", "last"]
    kernel = model.get_layer("second").kernel
    start, step = kernel.numpy(), 1e-2
    differences = np.zeros_like(start)

    def loss():
        value = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(batch[1], model(batch[0])))
        return float(value + sum(model.losses))

    for index in np.ndindex(start.shape):
        for sign in (1, -1):
            moved = start.copy()
            moved[index] += sign * step
            kernel.assign(moved)
            differences[index] += sign * loss() / (2 * step)
    kernel.assign(start)
    assert norms["second"] == pytest.approx(np.linalg.norm(differences), rel=1e-2)


def test_delta_of_the_last_layer_is_probability_minus_target(model, batch):
    deltas = flow.delta_norms(model, *batch, LOSS)
    expected = model(batch[0]).numpy() - np.eye(3)[batch[1]]
    assert deltas["last"] == pytest.approx(np.linalg.norm(expected, axis=1).mean(), rel=1e-4)


def test_delta_is_handed_back_through_weights_and_derivative(model, batch):
    deltas = flow.delta_norms(model, *batch, LOSS)
    last = model(batch[0]).numpy() - np.eye(3)[batch[1]]
    first = model.get_layer("first")(batch[0])
    before = (first @ model.get_layer("second").kernel + model.get_layer("second").bias).numpy()
    second = last @ model.get_layer("last").kernel.numpy().T * (before > 0)
    assert deltas["second"] == pytest.approx(np.linalg.norm(second, axis=1).mean(), rel=1e-4)
    assert model.get_layer("second").activation is keras.activations.relu, "the model is left as it was"


def test_a_loss_object_counts_like_its_name(model, batch):
    named = flow.delta_norms(model, *batch, LOSS)
    assert flow.delta_norms(model, *batch, keras.losses.SparseCategoricalCrossentropy()) == pytest.approx(
        named
    )


def test_activations_have_the_layers_shapes(model, batch):
    values = flow.activations(model, batch[0])
    assert {name: value.shape for name, value in values.items()} == {
        "first": (12, 4),
        "second": (12, 4),
        "last": (12, 3),
    }
    assert np.allclose(values["last"], model(batch[0]), atol=1e-6)


def test_a_unit_is_dead_when_it_is_zero_everywhere():
    values = np.array([[0, 1, 0], [0, 0, -1]])
    assert flow.dead_units(values).tolist() == [True, False, False]
    assert flow.dead_units(np.zeros((2, 3, 3, 4))).tolist() == [True] * 4


def test_units_of_a_diverged_network_are_neither_dead_nor_alive():
    values = np.zeros((2, 2, 3))
    values[1, 0, 2] = np.nan
    with pytest.raises(CourseError, match="1 of 3 units put out NaN"):
        flow.dead_units(values)
    values[1, 0, 2] = np.inf
    assert flow.dead_units(values).tolist() == [True, True, False]


def test_the_recorder_measures_before_and_during_training(model, batch):
    model.compile("sgd", LOSS)
    recorder = flow.FlowRecorder(*batch, every=2)
    before = flow.gradient_norms(model, *batch, LOSS)
    model.fit(*batch, batch_size=3, epochs=1, verbose=0, callbacks=[recorder])
    assert recorder.steps == [0, 2, 4]
    assert {name: values[0] for name, values in recorder.norms.items()} == pytest.approx(before)
    assert recorder.norms["first"][-1] == pytest.approx(flow.gradient_norms(model, *batch, LOSS)["first"])


def test_bad_input_is_named(model, batch):
    with pytest.raises(CourseError, match="No layer of 'empty' has a kernel"):
        flow.gradient_norms(keras.Sequential([keras.layers.Flatten()], name="empty"), *batch, LOSS)
    with pytest.raises(ValueError, match="from 1 on, not 0"):
        flow.FlowRecorder(*batch, every=0)
    with pytest.raises(ValueError, match="shape"):
        flow.dead_units(np.zeros(3))
    inputs = keras.Input((5,))
    joined = keras.layers.Add(name="joined")([keras.layers.Dense(5)(inputs), inputs])
    with pytest.raises(CourseError, match="'joined' has several inputs"):
        flow.delta_norms(keras.Model(inputs, joined), *batch, "mse")

    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    subclassed = Subclassed()
    subclassed(batch[0])
    with pytest.raises(CourseError, match="Sequential or functional"):
        flow.activations(subclassed, batch[0])
