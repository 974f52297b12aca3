"""Repeated training: the same as Keras' own, a trace for all seeds, honest bookkeeping."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from course_utils import experiment


@pytest.fixture(scope="module")
def data():
    numbers = np.random.default_rng(0)
    inputs = numbers.normal(size=(60, 3)).astype("float32")
    labels = (inputs.sum(axis=1) > 0).astype("int32")
    return SimpleNamespace(
        train=SimpleNamespace(inputs=inputs[:40], labels=labels[:40]),
        test=SimpleNamespace(inputs=inputs[40:], labels=labels[40:]),
    )


def build():
    return keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2, "softmax")]
    )


def settings(**changes):
    usual = {"seeds": 2, "epochs": 3, "batch_size": 8, "optimizer": lambda: keras.optimizers.SGD(0.5)}
    return {**usual, **changes}


def test_shapes_and_learning(data):
    curves = experiment.repeat(build, data, **settings(epochs=20))
    assert curves.train_loss.shape == curves.test_loss.shape == curves.test_accuracy.shape == (2, 21)
    assert (curves.train_loss[:, -1] < 0.5 * curves.train_loss[:, 0]).all()
    assert (curves.test_accuracy[:, -1] >= 0.8).all()


def test_the_first_column_is_before_training_and_the_last_fits_the_model(data):
    curves = experiment.repeat(build, data, **settings())
    keras.utils.set_random_seed(1)
    fresh = build()
    for model, column in ((fresh, 0), (curves.model, -1)):
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        loss, accuracy = model.evaluate(data.test.inputs, data.test.labels, verbose=0)
        assert curves.test_loss[1, column] == pytest.approx(loss, rel=1e-5)
        assert curves.test_accuracy[1, column] == pytest.approx(accuracy, abs=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_full_batches_give_the_weights_that_fit_gives(data, optimizer):
    curves = experiment.repeat(
        build, data, **settings(seeds=[5], batch_size=40, optimizer=lambda: keras.optimizers.get(optimizer))
    )
    keras.utils.set_random_seed(5)
    model = build()
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(data.train.inputs, data.train.labels, batch_size=40, epochs=3, shuffle=False, verbose=0)
    for ours, theirs in zip(curves.model.get_weights(), model.get_weights(), strict=True):
        assert np.allclose(ours, theirs, atol=1e-6)


def test_a_seed_gives_the_same_curve_alone_and_after_others(data):
    several = experiment.repeat(build, data, **settings(seeds=3, optimizer=keras.optimizers.Adam))
    alone = experiment.repeat(build, data, **settings(seeds=[2], optimizer=keras.optimizers.Adam))
    assert np.array_equal(several.train_loss[2], alone.train_loss[0])
    assert not np.array_equal(several.train_loss[0], several.train_loss[1])


def test_dropout_and_normalisation_start_anew_with_each_seed(data):
    def with_state():
        layers = [keras.layers.Input((3,)), keras.layers.Dense(8, "relu"), keras.layers.BatchNormalization()]
        return keras.Sequential([*layers, keras.layers.Dropout(0.5), keras.layers.Dense(2, "softmax")])

    several = experiment.repeat(with_state, data, **settings(seeds=2))
    alone = experiment.repeat(with_state, data, **settings(seeds=[1]))
    assert np.array_equal(several.test_loss[1], alone.test_loss[0])


def test_penalties_drive_training_and_stay_out_of_the_curves(data):
    def penalised():
        decay = keras.regularizers.L2(10.0)
        return keras.Sequential(
            [keras.layers.Input((3,)), keras.layers.Dense(2, "softmax", kernel_regularizer=decay)]
        )

    slow = settings(epochs=10, optimizer=lambda: keras.optimizers.SGD(0.01))
    curves = experiment.repeat(penalised, data, **slow)
    assert np.abs(curves.model.get_weights()[0]).max() < 0.1
    assert curves.train_loss[:, -1] == pytest.approx(np.log(2), rel=0.1)


def test_observations_are_stacked(data):
    curves = experiment.repeat(
        build, data, **settings(metric=None, observe=lambda model: {"kernel": model.layers[0].kernel.numpy()})
    )
    assert curves.test_accuracy is None
    assert curves.observed["kernel"].shape == (2, 4, 3, 8)
    assert np.array_equal(curves.observed["kernel"][1, -1], curves.model.layers[0].kernel.numpy())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": []}, "at least one seed"),
        ({"epochs": 0}, "at least 1, not 0 and 8"),
        ({"batch_size": 0}, "at least 1, not 3 and 0"),
        ({"metric": "f1"}, "'accuracy' or None, not 'f1'"),
    ],
)
def test_bad_settings_are_named_before_any_work(data, change, message):
    with pytest.raises(ValueError, match=message):
        experiment.repeat(lambda: pytest.fail("a model was built"), data, **settings(**change))


def test_training_goes_on_from_given_weights(data):
    first = experiment.repeat(build, data, **settings())
    second = experiment.repeat(build, data, **settings(), starts=first.weights)
    np.testing.assert_allclose(second.test_loss[:, 0], first.test_loss[:, -1], rtol=1e-6)
    for kept, last in zip(second.weights[-1], second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, last)


def test_starts_are_needed_for_each_seed(data):
    first = experiment.repeat(build, data, **settings(epochs=1))
    with pytest.raises(ValueError, match="2 are needed, not 1"):
        experiment.repeat(build, data, **settings(epochs=1), starts=first.weights[:1])
