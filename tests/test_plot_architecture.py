"""The drawing of a model's layers: what stands where, and what is joined to what."""

import keras
import matplotlib as mpl
import numpy as np
import pytest
from keras import layers

mpl.use("agg")

import matplotlib.pyplot as plt

from course_utils import plot
from course_utils.plot.architecture import HALF


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def boxes(axes):
    """Return text → place of the boxes."""
    return {text.get_text(): np.array(text.get_position()) for text in axes.texts}


def branched():
    inputs = keras.Input((8, 8, 4))
    short = layers.Conv2D(2, 1)(inputs)
    long = layers.Conv2D(6, 3, padding="same")(layers.Conv2D(3, 1)(inputs))
    return keras.Model(inputs, layers.Concatenate()([short, long]))


def test_each_layer_is_a_box_with_its_kernel_and_its_shape():
    axes = plot.architecture(branched(), title="Two branches")
    assert set(boxes(axes)) == {
        "Input\n8×8×4",
        "Conv 1×1\n8×8×2",
        "Conv 1×1\n8×8×3",
        "Conv 3×3\n8×8×6",
        "Concatenate\n8×8×8",
    }
    assert axes.get_title() == "Two branches"


def test_a_layer_stands_behind_all_that_it_reads():
    places = boxes(plot.architecture(branched()))
    assert places["Input\n8×8×4"][0] == 0
    assert places["Conv 1×1\n8×8×2"][0] == places["Conv 1×1\n8×8×3"][0] == 1
    assert places["Concatenate\n8×8×8"][0] == 3


def test_boxes_do_not_overlap_and_skipping_edges_pass_beside_them():
    inputs = keras.Input((4, 4, 2))
    x = inputs
    for _ in range(2):
        x = layers.Add()([x, layers.Conv2D(2, 3, padding="same")(layers.ReLU()(x))])
    axes = plot.architecture(keras.Model(inputs, x))
    places = np.array([text.get_position() for text in axes.texts])
    apart = np.abs(places[:, np.newaxis] - places) + np.eye(len(places))[..., np.newaxis]
    assert np.all((apart >= 2 * HALF - 1e-9).any(axis=-1))
    assert len(axes.lines) == 2  # each skip has a lane of its own
    for line in axes.lines:
        middle = np.transpose(line.get_data())[1:-1]
        distance = np.abs(middle[:, np.newaxis] - places)
        assert np.all((distance >= HALF - 1e-9).any(axis=-1))


def test_colours_tell_weights_and_joins():
    axes = plot.architecture(branched())
    colours = [patch.get_facecolor() for patch in axes.patches if hasattr(patch, "get_boxstyle")]
    assert len(colours) == 5
    assert len(set(colours)) == 3


def test_names_say_strides_and_squashing_and_break_when_long():
    model = keras.Sequential(
        [
            keras.Input((9, 9, 3)),
            layers.SeparableConv2D(4, 3, strides=2),
            layers.MaxPooling2D(2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    assert list(boxes(plot.architecture(model))) == [
        "Input\n9×9×3",
        "Separable\nConv 3×3 /2\n4×4×4",
        "Max pool\n2×2 /2\n2×2×4",
        "Global avg\n4",
        "Dense sigmoid\n1",
    ]


def test_a_model_without_a_graph_is_refused():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    own = Own()
    own(np.zeros((1, 3), np.float32))
    for model in (own, keras.Sequential([layers.Dense(2)])):
        with pytest.raises(ValueError, match="functional"):
            plot.architecture(model)
