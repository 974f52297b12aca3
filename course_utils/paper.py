"""Keras models on paper: their layers and shapes without memory for their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable


def on_paper(build: Callable[..., keras.Model], *arguments: Any, **options: Any) -> keras.Model:
    """Build a model whose weights have shapes but no values: enough to count it and to draw it.

    Building takes a fraction of the time, and next to no memory. Such a model is not for training.

    Parameters
    ----------
    build
        Makes the model, such as ``keras.applications.VGG16``.
    *arguments, **options
        What it is called with.

    Returns
    -------
    keras.Model
    """
    with keras.StatelessScope(initialize_variables=False):
        model = build(*arguments, **options)
    _forget(model)
    return model


def _forget(model: keras.Model) -> None:
    """Take the model's variables off the list of those that Keras gives memory at the next occasion.

    The list is Keras' own (the same from 3.10 to 3.15). Where it is elsewhere the variables stay on it:
    they may then take memory later, and all results are the same.
    """
    try:
        from keras.src.backend.common import global_state

        waiting = global_state.get_global_attribute("uninitialized_variables") or []
    except (ImportError, AttributeError):
        return
    known = {id(variable) for variable in model.variables}
    waiting[:] = [variable for variable in waiting if id(variable) not in known]
