"""Problems of n weights: a function written in TensorFlow, and a Keras model's loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.descent.checks import check_choice, check_whole
from course_utils.descent.evaluation import Evaluation, compiled
from course_utils.errors import CourseError

if TYPE_CHECKING:
    import keras


class Problem:
    """A loss of one vector of n weights, with its derivatives.

    A subclass gives ``start`` and ``_loss``, which maps a tensor (n,) to a scalar, and, if its loss is a mean
    of squares, ``_residuals``, which maps a tensor (n,) to the residuals (k,).

    Attributes
    ----------
    dimension : int
        The number of weights n.
    dtype : str
        ``"float32"`` or ``"float64"``: the type in which the loss is computed.
    name : str
        What the problem is, for error messages.
    """

    start: Any = None
    _residuals: Callable[[Any], Any] | None = None

    def __init__(self, dimension: int, dtype: str, name: str) -> None:
        self.dimension, self.dtype, self.name = dimension, dtype, name

    @property
    def has_residuals(self) -> bool:
        """Whether the loss is known to be the mean of squared residuals."""
        return self._residuals is not None

    def __call__(self, points: Any) -> Any:
        """Return the losses (...) of points (..., n): a tensor for a tensor, else NumPy numbers."""
        import tensorflow as tf

        if tf.is_tensor(points):
            flat = tf.reshape(points, (-1, self.dimension))
            return tf.reshape(self._losses(flat), points.shape[:-1])
        points = self._checked(points)
        function = compiled(self).loss
        losses = [function(tf.constant(row, self.dtype)) for row in points.reshape(-1, self.dimension)]
        return np.reshape(np.array(losses), points.shape[:-1])[()]

    def loss_and_gradient(self, points: Any) -> tuple[Any, Any]:
        """Return losses (m,) and gradients (m, n) of a tensor of points (m, n), both from one pass.

        Raises
        ------
        CourseError
            If the loss does not depend on the weights by operations that can be differentiated.
        """
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(points)
            losses = self._losses(points)
        gradients = tape.gradient(losses, points)
        if gradients is None:
            raise CourseError(
                f"{self.name} has no gradient: the loss must follow from the weights by operations of "
                "TensorFlow or keras.ops that can be differentiated"
            )
        return losses, gradients

    def gradient(self, points: Any) -> np.ndarray:
        """Return the gradients (..., n) at points (..., n)."""
        points = self._checked(points)
        evaluate = Evaluation(self)
        rows = [evaluate.gradient(row) for row in points.reshape(-1, self.dimension)]
        return np.reshape(np.array(rows, dtype=self.dtype), points.shape)

    def hessian(self, point: Any) -> np.ndarray:
        """Return the matrix of second derivatives (n, n) at a point (n,).

        Raises
        ------
        CourseError
            If there are more than 2000 weights.
        """
        return Evaluation(self).hessian(self._vector(point)).astype(self.dtype)

    def hessian_vector(self, point: Any, vector: Any) -> np.ndarray:
        """Return the Hessian at a point (n,) times a vector (n,) without making the matrix."""
        return Evaluation(self).hessian_vector(self._vector(point), self._vector(vector)).astype(self.dtype)

    def residuals(self, point: Any) -> Any:
        """Return the residuals (k,) at a point (n,), scaled so that the loss is their mean square.

        A tensor for a tensor, else an array.

        Raises
        ------
        CourseError
            If the loss is not known to be a mean of squares.
        """
        import tensorflow as tf

        if not self.has_residuals:
            raise CourseError(f"{self.name} has no residuals: {self._without_residuals()}")
        if tf.is_tensor(point):
            return self._residuals(point)
        return compiled(self).residuals(tf.constant(self._vector(point), self.dtype)).numpy()

    def jacobian(self, point: Any) -> np.ndarray:
        """Return the first derivatives (k, n) of the residuals at a point (n,)."""
        self.residuals(point)
        return Evaluation(self).jacobian(self._vector(point)).astype(self.dtype)

    def _loss(self, weights: Any) -> Any:
        raise NotImplementedError

    def _without_residuals(self) -> str:
        return "its loss is not given as a mean of squares"

    def _losses(self, points: Any) -> Any:
        """Return losses (m,) of a tensor (m, n)."""
        import tensorflow as tf

        def scalar(weights: Any) -> Any:
            try:
                loss = tf.convert_to_tensor(self._loss(weights))
            except NotImplementedError as error:
                raise CourseError(
                    f"{self.name} has no gradient: its function uses NumPy; write it with TensorFlow or "
                    "keras.ops"
                ) from error
            if loss.shape.rank != 0:
                raise CourseError(f"{self.name}: the loss must be one number, not of shape {loss.shape}")
            return tf.cast(loss, points.dtype)

        if points.shape[0] == 1:
            return scalar(points[0])[tf.newaxis]
        return tf.map_fn(scalar, points)

    def _checked(self, points: Any) -> np.ndarray:
        points = np.asarray(points, dtype=np.float64)
        if points.ndim == 0 or points.shape[-1] != self.dimension:
            raise ValueError(f"points of {self.name} have shape (..., {self.dimension}), not {points.shape}")
        return points

    def _vector(self, point: Any) -> np.ndarray:
        point = self._checked(point)
        if point.ndim != 1:
            raise ValueError(f"one vector of {self.dimension} weights is needed, not shape {point.shape}")
        return point


class FunctionProblem(Problem):
    """An analytic function of n weights.

    Parameters
    ----------
    function : callable or None
        Maps a tensor (n,) to a scalar loss; written in TensorFlow or ``keras.ops``. None if `residuals` are
        given: the loss is then their mean square.
    dimension : int
        The number of weights n.
    start : sequence of n floats, optional
        Where to begin.
    residuals : callable, optional
        Maps a tensor (n,) to residuals (k,).
    dtype : str
        ``"float32"`` or ``"float64"``.
    name : str
        What it is.

    Raises
    ------
    CourseError
        If neither or both of function and residuals are given, or the dimension is no whole number.
    """

    def __init__(
        self,
        function: Callable[[Any], Any] | None,
        dimension: int,
        start: Sequence[float] | None = None,
        *,
        residuals: Callable[[Any], Any] | None = None,
        dtype: str = "float64",
        name: str = "the function",
    ) -> None:
        given = [one for one in (function, residuals) if one is not None]
        if len(given) != 1 or not callable(given[0]):
            raise CourseError("give either a function of the weights or its residuals, written in TensorFlow")
        check_choice(dtype, "dtype", ("float32", "float64"))
        super().__init__(check_whole(dimension, "dimension"), dtype, name)
        self.function, self.start, self._residuals = function, start, residuals

    def _loss(self, weights: Any) -> Any:
        import tensorflow as tf

        return self.function(weights) if self.function else tf.reduce_mean(self._residuals(weights) ** 2)


class ModelProblem(Problem):
    """The loss of a Keras model over all its trainable weights, as a function of one flat vector.

    The model is evaluated as it stands, with ``training=False``: dropout is off and batch normalisation uses
    its running statistics. Only :meth:`assign` changes the model; everything else goes through
    ``model.stateless_call`` and leaves weights, running statistics and optimizer as they are. Weights that
    are not trainable are read anew at every evaluation.

    Parameters
    ----------
    model : keras.Model
        Any built model: Sequential, functional or subclassed.
    inputs : array, or list or dict of arrays
        What the model takes, examples first.
    labels : array
        As many labels as examples.
    loss : str, keras.losses.Loss or callable
        As ``compile`` takes it; the mean over the examples. A mean squared error offers residuals,
        outputs − labels, whose mean square is the loss (no factor ½).
    regulariser : bool
        Whether the model's penalties are added to the loss.

    Raises
    ------
    CourseError
        If the model is not built or has no trainable weights, inputs and labels differ in number, or Keras
        does not know the loss.
    """

    def __init__(
        self, model: keras.Model, inputs: Any, labels: Any, loss: Any, *, regulariser: bool = True
    ) -> None:
        import keras
        import tensorflow as tf

        if not isinstance(model, keras.Model):
            raise CourseError(f"a model problem needs a Keras model, not {type(model).__name__}")
        if not model.built:
            raise CourseError(f"the model '{model.name}' is not built: call it once on some inputs")
        if not model.trainable_variables:
            raise CourseError(f"the model '{model.name}' has no trainable weights")
        super().__init__(
            sum(int(np.prod(variable.shape)) for variable in model.trainable_variables),
            keras.backend.standardize_dtype(model.trainable_variables[0].dtype),
            f"the model '{model.name}'",
        )
        self.model, self.regulariser = model, regulariser
        self.inputs = keras.tree.map_structure(self._converted, inputs)
        self.labels = tf.convert_to_tensor(labels)
        counts = {len(part) for part in keras.tree.flatten(self.inputs)} | {len(self.labels)}
        if len(counts) != 1 or counts == {0}:
            raise CourseError(
                f"inputs and labels must have the same number of examples, at least 1: {sorted(counts)}"
            )
        self.loss = _loss_function(loss, self.dtype)
        self._takes_training = "training" in inspect.signature(model.call).parameters

    @property
    def start(self) -> np.ndarray:
        """The model's current weights (n,), in the order of ``model.trainable_variables``."""
        import keras

        parts = [keras.ops.convert_to_numpy(variable) for variable in self.model.trainable_variables]
        return np.concatenate([part.ravel() for part in parts])

    @property
    def has_residuals(self) -> bool:
        """Whether the loss is a mean squared error and no penalty is added to it."""
        return _is_mean_square(self.loss) and not self._penalised

    def unflatten(self, point: Any) -> list[np.ndarray]:
        """Return a vector (n,) as arrays shaped like ``model.trainable_variables``."""
        point = self._vector(point)
        shapes = [tuple(variable.shape) for variable in self.model.trainable_variables]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(point, ends[:-1]), shapes, strict=True)]

    def assign(self, point: Any) -> None:
        """Put a vector (n,) into the model: the only method that changes it."""
        for variable, value in zip(self.model.trainable_variables, self.unflatten(point), strict=True):
            variable.assign(value)

    @property
    def _penalised(self) -> bool:
        return bool(self.regulariser and self.model.losses)

    def _without_residuals(self) -> str:
        if _is_mean_square(self.loss):
            return "a penalty is added to its loss; give regulariser=False"
        return "its loss is not the mean squared error"

    def _converted(self, part: Any) -> Any:
        """Return inputs as a tensor, of the type to which calling the model itself would cast them."""
        import tensorflow as tf

        tensor = tf.convert_to_tensor(part)
        # A functional model casts to the types of its inputs by itself; stateless_call leaves out the others.
        casts = self.model.autocast and getattr(self.model, "_convert_input_args", True)
        return tf.cast(tensor, self.model.input_dtype) if casts and tensor.dtype.is_floating else tensor

    def _outputs(self, weights: Any) -> tuple[Any, list[Any]]:
        """Return the model's outputs and penalties with the weights of a tensor (n,)."""
        import tensorflow as tf

        variables = self.model.trainable_variables
        sizes = [int(np.prod(variable.shape)) for variable in variables]
        values = [
            tf.cast(tf.reshape(part, variable.shape), variable.dtype)
            for part, variable in zip(tf.split(weights, sizes), variables, strict=True)
        ]
        fixed = [tf.convert_to_tensor(variable.value) for variable in self.model.non_trainable_variables]
        options = {"training": False} if self._takes_training else {}
        outputs, _, penalties = self.model.stateless_call(
            values, fixed, self.inputs, return_losses=True, **options
        )
        return outputs, penalties

    def _loss(self, weights: Any) -> Any:
        import tensorflow as tf

        outputs, penalties = self._outputs(weights)
        loss = tf.cast(tf.reduce_mean(self.loss(self.labels, outputs)), weights.dtype)
        if self.regulariser and penalties:
            loss += tf.add_n([tf.cast(penalty, weights.dtype) for penalty in penalties])
        return loss

    def _residuals(self, weights: Any) -> Any:
        import tensorflow as tf

        outputs = tf.cast(self._outputs(weights)[0], weights.dtype)
        labels = tf.cast(self.labels, weights.dtype)
        if outputs.shape.num_elements() != labels.shape.num_elements():
            raise CourseError(f"labels {labels.shape} do not fit the model's outputs {outputs.shape}")
        return tf.reshape(outputs, (-1,)) - tf.reshape(labels, (-1,))


def _loss_function(loss: Any, dtype: str) -> Callable[[Any, Any], Any]:
    """Return a function of labels and outputs that computes in the given float type."""
    import keras

    try:
        found = keras.losses.get(loss)
    except (ValueError, TypeError) as error:
        raise CourseError(f"Keras knows no loss {loss!r}") from error
    if not callable(found):
        raise CourseError(f"a loss is a Keras loss, its name or a function, not {loss!r}")
    if isinstance(found, keras.losses.Loss) and found.dtype != dtype:
        # A Keras loss casts the outputs to its own type, which would throw away a float64 model's digits.
        try:
            return type(found).from_config({**found.get_config(), "dtype": dtype})
        except TypeError as error:
            raise CourseError(
                f"the loss computes in {found.dtype}, the model in {dtype}: make it with dtype={dtype!r}"
            ) from error
    return found


def _is_mean_square(loss: Any) -> bool:
    import keras

    if isinstance(loss, keras.losses.MeanSquaredError):
        return loss.reduction in ("sum_over_batch_size", "mean")
    return getattr(loss, "__name__", "") == "mean_squared_error"
