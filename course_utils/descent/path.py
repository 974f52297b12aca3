"""What a descent leaves behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Path:
    """The way of an optimizer over a loss of n weights; n is 2 on a surface.

    Parameters
    ----------
    points : numpy.ndarray, shape (steps + 1, n)
        The start and the point after each step. A path that diverges to infinity and NaN is kept as it is.
    losses : numpy.ndarray, shape (steps + 1,)
        The loss at each of these points.
    label : str
        Name in a legend.
    evaluations : dict
        How often loss, gradient, hessian, jacobian and hessian_vector (a product) were computed in all; what
        was not computed counts 0. A line search that found nothing at the end is counted here too.
    work : dict
        Name → numpy.ndarray (steps + 1,): the same counts up to the moment that each point was reached.
    trace : dict
        What the method noted, such as ``"step_length"`` (steps,) or ``"gradient_norm"`` (steps + 1,), the
        largest absolute component of the gradient.
    message : str
        Why the descent ended.
    converged : bool
        Whether it ended because the gradient was within the tolerance.
    """

    points: np.ndarray
    losses: np.ndarray
    label: str = ""
    evaluations: dict[str, int] = field(default_factory=Counter)
    work: dict[str, np.ndarray] = field(default_factory=dict)
    trace: dict[str, np.ndarray] = field(default_factory=dict)
    message: str = ""
    converged: bool = False

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.points) - 1

    @property
    def start(self) -> np.ndarray:
        """The first point (n,)."""
        return self.points[0]

    @property
    def end(self) -> np.ndarray:
        """The last point (n,)."""
        return self.points[-1]

    @property
    def diverged(self) -> bool:
        """Whether the path ended at a point or loss that is infinite or NaN."""
        return not (np.isfinite(self.end).all() and np.isfinite(self.losses[-1]))
