"""Models on paper have shapes, and Keras never gives their weights memory."""

import keras
import numpy as np
from keras import layers

from course_utils.paper import on_paper


def build(units, activation="relu"):
    inputs = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(units, 3, activation=activation)(inputs))
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Dropout(0.5)(x))))


class Own(layers.Layer):
    """A layer that does not say its output's shape, so that Keras runs it symbolically."""

    def call(self, x):
        """Double."""
        return 2 * x


def test_it_has_the_parameters_and_shapes_of_the_real_model():
    paper, real = on_paper(build, 4, activation="tanh"), build(4, activation="tanh")
    assert paper.count_params() == real.count_params()
    assert [layer.output.shape for layer in paper.layers] == [layer.output.shape for layer in real.layers]
    assert paper.layers[1].activation is keras.activations.tanh


def test_its_weights_never_get_values():
    paper = on_paper(build, 4)
    Own()(keras.Input((2,)))  # makes Keras give all waiting variables their values
    assert all(variable._value is None for variable in paper.variables)


def test_real_models_are_not_disturbed():
    on_paper(build, 4)
    real = build(4)
    assert real(np.zeros((1, 8, 8, 3), np.float32)).shape == (1, 2)
